import type { MenuCommand } from "../contract.ts";
import type { TelegramClient } from "./client.ts";

/** Fills the menu of the bot: in English, and in Chinese for those whose client is Chinese. */
export async function registerCommands(
  client: TelegramClient,
  commands: readonly MenuCommand[],
  signal: AbortSignal,
): Promise<void> {
  const menu = (language: "en" | "zh") =>
    commands.map(({ name, description }) => ({ command: name, description: description[language] }));
  const options = { signal, retries: true };
  await client.call((api, ended) => api.setMyCommands({ commands: menu("en") }, ended), options);
  await client.call(
    (api, ended) => api.setMyCommands({ commands: menu("zh"), language_code: "zh" }, ended),
    options,
  );
}
