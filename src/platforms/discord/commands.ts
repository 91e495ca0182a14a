import {
  type APIApplicationCommand,
  ApplicationCommandOptionType,
  ApplicationIntegrationType,
  InteractionContextType,
  type RESTPutAPIApplicationCommandsJSONBody,
} from "@discordjs/core/http-only";
import { canonicalJson } from "../../lib/json.ts";
import type { MenuCommand } from "../contract.ts";
import type { DiscordClient } from "./client.ts";
import { ASK, TEXT_OPTION } from "./interactions.ts";

type Command = RESTPutAPIApplicationCommandsJSONBody[number];

const ASK_WORDS = { en: "ask something", zh: "提问" };
const ASK_TEXT_WORDS = { en: "what you want to know", zh: "想问的内容" };
const REST_WORDS = { en: "what goes with it", zh: "附带的内容" };

/**
 * Makes the commands known in all servers and direct chats, unless Discord knows them so already: it allows 200 new ones a
 * day. https://discord.com/developers/docs/interactions/application-commands#bulk-overwrite-global-application-commands
 */
export async function registerCommands(
  client: DiscordClient,
  commands: readonly MenuCommand[],
  signal: AbortSignal,
): Promise<void> {
  const wanted = [...commands.map((command) => describe(command, REST_WORDS, false)), ask()];
  const { id } = await client.call((api, ended) => api.applications.getCurrent({ signal: ended }), signal);
  const known = await client.call(
    (api, ended) =>
      api.applicationCommands.getGlobalCommands(id, { with_localizations: true }, { signal: ended }),
    signal,
  );
  if (canonicalJson(sorted(known.map(comparable))) === canonicalJson(sorted(wanted))) return;
  await client.call(
    (api, ended) => api.applicationCommands.bulkOverwriteGlobalCommands(id, wanted, { signal: ended }),
    signal,
  );
}

function ask(): Command {
  return describe({ name: ASK, description: ASK_WORDS }, ASK_TEXT_WORDS, true);
}

function describe(
  { name, description }: MenuCommand,
  optionWords: MenuCommand["description"],
  required: boolean,
): Command & { name: string } {
  return {
    name,
    ...localized(description),
    contexts: [InteractionContextType.Guild, InteractionContextType.BotDM],
    integration_types: [ApplicationIntegrationType.GuildInstall],
    options: [
      { type: ApplicationCommandOptionType.String, name: TEXT_OPTION, ...localized(optionWords), required },
    ],
  };
}

function localized({ en, zh }: MenuCommand["description"]) {
  return { description: en, description_localizations: { "zh-CN": zh, "zh-TW": zh } };
}

/** What Discord tells of a command, without what it adds by itself. */
function comparable(known: APIApplicationCommand): Record<string, unknown> {
  const { name, description, description_localizations, contexts, integration_types, options = [] } = known;
  return {
    name,
    description,
    description_localizations,
    contexts,
    integration_types,
    options: options.map((option) => ({
      type: option.type,
      name: option.name,
      description: option.description,
      description_localizations: option.description_localizations,
      required: option.required ?? false,
    })),
  };
}

function sorted(commands: readonly object[]): object[] {
  return commands.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

function nameOf(command: { name?: unknown }): string {
  return String(command.name);
}
