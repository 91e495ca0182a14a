import { CHAT_METHODS } from "./chat.ts";
import { ApiError, type Args, type StoredFile } from "./contract.ts";
import { type Message, textArg, type Workspace } from "./workspace.ts";

/** What methods need besides the workspace. */
export interface MethodContext {
  workspace: Workspace;
  /** The address that the fake is reached at. */
  origin: string;
  /** A ticket for one connection of Socket Mode. */
  ticket(): string;
}

type Method = (args: Args, context: MethodContext) => object;

/** The methods that need an app-level token. */
export const APP_METHODS: ReadonlySet<string> = new Set(["apps.connections.open"]);

/** The Web API, method by method. A method that is not here is unknown. */
export const METHODS: Readonly<Record<string, Method>> = {
  ...Object.fromEntries(
    Object.entries(CHAT_METHODS).map(([name, method]): [string, Method] => [
      name,
      (args, { workspace }) => method(args, workspace),
    ]),
  ),
  "auth.test": (_args, { workspace, origin }) => ({
    url: `${origin}/`,
    team: "Team",
    team_id: workspace.teamId,
    user: "hermes",
    user_id: workspace.botUserId,
    bot_id: workspace.botId,
    is_enterprise_install: false,
  }),
  "apps.connections.open": (_args, { origin, ticket }) => ({
    url: `${origin.replace("http", "ws")}/link/?ticket=${ticket()}&app_id=A0APP`,
  }),
  "assistant.threads.setStatus": (args, { workspace }) => {
    workspace.openChannel(textArg(args, "channel_id"));
    if (textArg(args, "thread_ts") === "") throw new ApiError("invalid_thread_ts");
    if (typeof args["status"] !== "string") throw new ApiError("invalid_arguments");
    return {};
  },
  "reactions.add": (args, context) => {
    const message = reacted(args, context);
    const name = textArg(args, "name");
    if (message.reactions.includes(name)) throw new ApiError("already_reacted");
    message.reactions = [...message.reactions, name];
    return {};
  },
  "reactions.remove": (args, context) => {
    const message = reacted(args, context);
    const name = textArg(args, "name");
    if (!message.reactions.includes(name)) throw new ApiError("no_reaction");
    message.reactions = message.reactions.filter((one) => one !== name);
    return {};
  },
  "conversations.info": (args, { workspace }) => {
    const id = workspace.openChannel(textArg(args, "channel"));
    return { channel: { id, name: id.toLowerCase(), is_im: id.startsWith("D"), is_member: true } };
  },
  "conversations.replies": (args, { workspace }) => ({
    messages: repliesOf(args, workspace).map(({ ts, user, text, thread, blocks, markdown, stream }) => ({
      type: "message",
      ts,
      user,
      text: text || markdown,
      blocks,
      ...(thread === undefined ? {} : { thread_ts: thread }),
      ...(stream === "none" ? {} : { streaming_state: stream === "open" ? "in_progress" : "completed" }),
    })),
    has_more: false,
  }),
  "users.info": (args) => ({ user: { id: textArg(args, "user"), name: "ada", is_bot: false } }),
  "files.getUploadURLExternal": (args, { workspace, origin }) => {
    if (textArg(args, "filename") === "" || !(Number(args["length"]) > 0))
      throw new ApiError("invalid_arguments");
    const id = workspace.nextId("F");
    const name = textArg(args, "filename");
    workspace.files.set(id, { id, name, mimetype: "", bytes: new Uint8Array(), channels: [] });
    return { upload_url: `${origin}/upload/v1/${id}`, file_id: id };
  },
  "files.completeUploadExternal": (args, { workspace }) => {
    const channel = workspace.openChannel(textArg(args, "channel_id"));
    const files = (args["files"] as readonly Args[]).map((one) => knownFile(textArg(one, "id"), workspace));
    if (files.some((file) => file.bytes.length === 0)) throw new ApiError("file_not_found");
    for (const file of files) file.channels.push(channel);
    const thread = textArg(args, "thread_ts");
    const place = thread === "" ? { channel } : { channel, thread };
    workspace.post({ ...place, text: "", blocks: [], files: files.map(({ id }) => id), args });
    return { files: files.map(({ id, name }) => ({ id, title: name })) };
  },
  "files.info": (args, { workspace, origin }) => ({
    file: fileObject(knownFile(textArg(args, "file"), workspace), origin),
  }),
};

/** A file as events and `files.info` tell of it. */
export function fileObject(file: StoredFile, origin: string): Args {
  const url = file.url ?? `${origin}/files/${file.id}/${encodeURIComponent(file.name)}`;
  return {
    id: file.id,
    name: file.name,
    title: file.name,
    mimetype: file.mimetype,
    size: file.bytes.length,
    mode: file.mode ?? "hosted",
    ...(file.subtype === undefined ? {} : { subtype: file.subtype }),
    url_private: url,
    url_private_download: url,
    shares: { private: Object.fromEntries(file.channels.map((channel) => [channel, [{ ts: "1" }]])) },
  };
}

function knownFile(id: string, { files }: Workspace): StoredFile {
  const file = files.get(id);
  if (file === undefined) throw new ApiError("file_not_found");
  return file;
}

function reacted(args: Args, { workspace }: MethodContext): Message {
  const message = workspace.find(workspace.openChannel(textArg(args, "channel")), textArg(args, "timestamp"));
  if (message === null) throw new ApiError("message_not_found");
  return message;
}

function repliesOf(args: Args, workspace: Workspace): readonly Message[] {
  const channel = workspace.openChannel(textArg(args, "channel"));
  const root = textArg(args, "ts");
  return workspace
    .all()
    .filter((one) => one.channel === channel && !one.isDeleted && (one.ts === root || one.thread === root));
}
