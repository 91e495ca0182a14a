import { type AccountSettings, type PlatformAdapter, PlatformError } from "../contract.ts";
import { createClient } from "./client.ts";
import { registerCommands } from "./commands.ts";
import { fetchFile } from "./fetch-file.ts";
import { listen } from "./listen.ts";
import { createSending } from "./send.ts";
import { createSigns } from "./signs.ts";
import { TIMING, type Timing } from "./timing.ts";
import { createWebhook } from "./webhook.ts";

/** Makes the adapter of an account. Throws `unauthorized` where a key is missing without which it can do nothing. */
export function createAdapter(account: AccountSettings<"discord">, timing: Timing = TIMING): PlatformAdapter {
  const { bot_token: token, api_base: apiBase, mode } = account;
  if (token === undefined)
    throw new PlatformError("unauthorized", "platforms.discord.bot_token is missing.", {
      hint: "The developer portal shows it: your application, Bot, Reset Token.",
    });
  const client = createClient({ token, apiBase, timing });
  const receiving: Pick<PlatformAdapter, "listen" | "webhook"> =
    mode === "webhook"
      ? createWebhook({ client, publicKey: account.application_public_key, timing })
      : { listen: (hooks, signal) => listen({ client, hooks, timing, signal }) };
  return {
    ...createSending(client),
    ...createSigns(client),
    ...receiving,
    fetchFile: (file, maxBytes, signal) => fetchFile(client, file, maxBytes, signal),
    registerCommands: (commands, signal) => registerCommands(client, commands, signal),
  };
}
