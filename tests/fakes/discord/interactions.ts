import { invalidForm, json, nothing, refused } from "./answers.ts";
import { channelOf } from "./channels.ts";
import type { FakeUser, World } from "./world.ts";

/** What somebody did: a slash command with its options, or a press of a button. */
export type InteractionInput = {
  channel: string;
  user: FakeUser;
  /** The language of the user's client. */
  locale?: string;
} & ({ command: string; options?: Record<string, string> } | { button: string; message: string });

/** What became of an interaction. */
export interface InteractionRecord {
  id: string;
  token: string;
  /** As Discord sent it. */
  payload: Record<string, unknown>;
  createdAtMs: number;
  /** The first response, and when it came. */
  response: { type: number; data?: Record<string, unknown> } | null;
  respondedAtMs: number | null;
  /** What stands in the message that the response made; null when there is none. */
  original: Record<string, unknown> | null;
}

interface Command {
  name: string;
  description: string;
  description_localizations?: Record<string, string> | null;
  options?: unknown[];
}

/** Slash commands and buttons: who pressed what, and what the bot answered. */
export interface Interactions {
  readonly records: readonly InteractionRecord[];
  create(input: InteractionInput): InteractionRecord;
  respond(id: string, token: string, body: Record<string, unknown>): Response;
  editOriginal(token: string, body: Record<string, unknown>): Response;
  removeOriginal(token: string): Response;
  commands(withLocalizations: boolean): unknown[];
  setCommands(body: unknown): Response;
}

const COMMAND_NAME = /^[-_'\p{L}\p{N}]{1,32}$/u;
/** The longest time that Discord waits for the first response. */
const RESPONSE_WITHIN_MS = 3000;

export function createInteractions(world: World): Interactions {
  const records: InteractionRecord[] = [];
  let commands: (Command & { id: string; version: string })[] = [];
  const byToken = (token: string) => records.find((record) => record.token === token);
  return {
    records,
    create(input) {
      const id = world.nextId();
      const token = `aW50ZXJhY3Rpb246${id}`;
      const payload = payloadOf(world, id, token, input);
      const record: InteractionRecord = {
        id,
        token,
        payload,
        createdAtMs: Date.now(),
        response: null,
        respondedAtMs: null,
        original: null,
      };
      records.push(record);
      return record;
    },
    respond(id, token, body) {
      const record = byToken(token);
      if (record?.id !== id || Date.now() - record.createdAtMs > RESPONSE_WITHIN_MS)
        return refused(404, 10062, "Unknown interaction");
      if (record.response !== null) return refused(400, 40060, "Interaction has already been acknowledged.");
      record.response = body as unknown as InteractionRecord["response"];
      record.respondedAtMs = Date.now();
      if (body["type"] === 4) record.original = (body["data"] as Record<string, unknown>) ?? {};
      if (body["type"] === 5) record.original = { content: "", isThinking: true };
      return nothing();
    },
    editOriginal(token, body) {
      const record = byToken(token);
      if (record?.original == null) return refused(404, 10015, "Unknown Webhook");
      record.original = body;
      return json(body);
    },
    removeOriginal(token) {
      const record = byToken(token);
      if (record?.original == null) return refused(404, 10008, "Unknown Message");
      record.original = null;
      return nothing();
    },
    commands: (withLocalizations) =>
      commands.map(({ description_localizations = null, ...command }) => ({
        ...command,
        application_id: world.applicationId,
        type: 1,
        default_member_permissions: null,
        nsfw: false,
        ...(withLocalizations ? { description_localizations } : {}),
      })),
    setCommands(body) {
      const wanted = body as Command[];
      const wrong = wanted.find(
        ({ name, description }) =>
          !COMMAND_NAME.test(name) ||
          name !== name.toLowerCase() ||
          description.length < 1 ||
          description.length > 100,
      );
      if (wrong !== undefined || wanted.length > 100)
        return invalidForm("0", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid");
      commands = wanted.map((command) => ({ ...command, id: world.nextId(), version: world.nextId() }));
      return json(this.commands(true));
    },
  };
}

function payloadOf(
  world: World,
  id: string,
  token: string,
  input: InteractionInput,
): Record<string, unknown> {
  const { channel: channelId, user, locale = "en-US" } = input;
  const channel = world.channels.get(channelId);
  const guildId = channel?.guildId;
  const who = { ...user, discriminator: "0", avatar: null, global_name: null };
  return {
    id,
    application_id: world.applicationId,
    token,
    version: 1,
    locale,
    entitlements: [],
    authorizing_integration_owners: {},
    channel_id: channelId,
    ...(channel === undefined ? {} : { channel: channelOf(channel) }),
    ...(guildId === undefined
      ? { user: who, context: 1 }
      : {
          guild_id: guildId,
          context: 0,
          member: {
            user: who,
            roles: [],
            joined_at: new Date(0).toISOString(),
            permissions: "0",
            deaf: false,
            mute: false,
            flags: 0,
          },
        }),
    ...("command" in input
      ? {
          type: 2,
          data: {
            id: "1000000000000000001",
            name: input.command,
            type: 1,
            options: Object.entries(input.options ?? {}).map(([name, value]) => ({ name, type: 3, value })),
          },
        }
      : {
          type: 3,
          data: { custom_id: input.button, component_type: 2 },
          message: world.find(channelId, input.message),
        }),
  };
}
