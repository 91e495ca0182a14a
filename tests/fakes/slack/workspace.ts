import { ApiError, type Args, type StoredFile, type StoredMessage } from "./contract.ts";

/** A message that may still change. */
export type Message = { -readonly [Key in keyof StoredMessage]: StoredMessage[Key] };

/** The channels of the workspace and what stands in them. */
export interface Workspace {
  readonly teamId: string;
  readonly botUserId: string;
  readonly botId: string;
  /** The id of a channel that takes messages of the app; throws what Slack says of any other. */
  openChannel(id: string): string;
  /** Makes a channel known. */
  know(channel: string): void;
  close(channel: string, error: string | null): void;
  /** Posts as the bot, unless a user is given. */
  post(message: Pick<Message, "channel" | "text" | "blocks" | "args"> & Partial<Message>): Message;
  /** A message that is there and not deleted. */
  find(channel: string, ts: string): Message | null;
  all(): readonly Message[];
  readonly files: Map<string, StoredFile>;
  nextId(prefix: string): string;
}

/** An empty workspace. */
export function createWorkspace(): Workspace {
  const messages: Message[] = [];
  const known = new Set(["D0USER", "C0GENERAL"]);
  const closed = new Map<string, string>();
  const start = Math.floor(Date.now() / 1000);
  let count = 0;

  const workspace: Workspace = {
    teamId: "T0TEAM",
    botUserId: "U0BOT",
    botId: "B0BOT",
    files: new Map(),
    openChannel(id) {
      const error = closed.get(id) ?? (known.has(id) ? null : "channel_not_found");
      if (error !== null) throw new ApiError(error);
      return id;
    },
    know: (channel) => void known.add(channel),
    close(channel, error) {
      if (error === null) closed.delete(channel);
      else closed.set(channel, error);
    },
    post(given) {
      count += 1;
      const message: Message = {
        ts: `${start}.${String(count).padStart(6, "0")}`,
        user: workspace.botUserId,
        markdown: "",
        stream: "none",
        edits: 0,
        isDeleted: false,
        reactions: [],
        files: [],
        ...given,
      };
      messages.push(message);
      return message;
    },
    find: (channel, ts) =>
      messages.find((one) => one.channel === channel && one.ts === ts && !one.isDeleted) ?? null,
    all: () => messages,
    nextId(prefix) {
      count += 1;
      // No other workspace gives the same id.
      return `${prefix}0${start.toString(36).toUpperCase()}${String(count).padStart(6, "0")}`;
    },
  };
  return workspace;
}

/** An argument that is text; the empty one when it is missing. */
export function textArg(args: Args, name: string): string {
  const value = args[name];
  return typeof value === "string" ? value : "";
}
