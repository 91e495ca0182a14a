import { checkBlocks, hasRichText } from "./blocks.ts";
import { ApiError, type Args } from "./contract.ts";
import { type Message, textArg, type Workspace } from "./workspace.ts";

const MAX_UPDATE_CHARS = 4000;
const MAX_POST_CHARS = 40_000;
const MAX_MARKDOWN_CHARS = 12_000;

/** The methods `chat.*`, as their reference and those who measured them tell. */
export const CHAT_METHODS: Readonly<Record<string, (args: Args, workspace: Workspace) => object>> = {
  "chat.postMessage"(args, workspace) {
    const { text, blocks } = contentOf(args);
    if (text.length > MAX_POST_CHARS) throw new ApiError("msg_too_long");
    const id = textArg(args, "client_msg_id");
    const before = workspace.all().find((one) => id !== "" && one.clientMessageId === id);
    if (before?.isDeleted) throw new ApiError("duplicate_message_not_found");
    const message = before ?? workspace.post({ ...placeOf(args, workspace), text, blocks, args });
    if (id !== "") message.clientMessageId = id;
    return answerOf(message);
  },
  "chat.update"(args, workspace) {
    const message = found(args, workspace);
    const { text, blocks } = contentOf(args);
    if (message.user !== workspace.botUserId) throw new ApiError("cant_update_message");
    if (message.stream === "open") throw new ApiError("streaming_state_conflict");
    if (text.length > MAX_UPDATE_CHARS) throw new ApiError("msg_too_long");
    const isRich = message.stream === "ended" || hasRichText(message.blocks);
    if (isRich && blocks.length > 0 && !hasRichText(blocks)) throw new ApiError("block_mismatch");
    Object.assign(message, { text, blocks, markdown: "", edits: message.edits + 1 });
    return { ...answerOf(message), text };
  },
  "chat.delete"(args, workspace) {
    const message = found(args, workspace);
    if (message.stream === "open") throw new ApiError("cant_delete_message");
    message.isDeleted = true;
    return { channel: message.channel, ts: message.ts };
  },
  "chat.startStream"(args, workspace) {
    const place = placeOf(args, workspace);
    if (place.thread === undefined) throw new ApiError("invalid_arguments");
    if (!place.channel.startsWith("D"))
      for (const name of ["recipient_user_id", "recipient_team_id"])
        if (textArg(args, name) === "") throw new ApiError(`missing_${name}`);
    const message = workspace.post({ ...place, text: "", blocks: [], args });
    Object.assign(message, { stream: "open", markdown: markdownOf(args) });
    return { channel: message.channel, ts: message.ts };
  },
  "chat.appendStream"(args, workspace) {
    const message = streaming(args, workspace);
    if (textArg(args, "markdown_text") === "") throw new ApiError("no_text");
    message.markdown += markdownOf(args);
    return { channel: message.channel, ts: message.ts };
  },
  "chat.stopStream"(args, workspace) {
    const message = streaming(args, workspace);
    const blocks = blocksOf(args);
    message.markdown += markdownOf(args);
    Object.assign(message, { stream: "ended", blocks });
    return answerOf(message);
  },
};

function contentOf(args: Args) {
  const text = textArg(args, "text");
  const blocks = blocksOf(args);
  if (text.trim() === "" && blocks.length === 0) throw new ApiError("no_text");
  return { text, blocks };
}

function blocksOf(args: Args): readonly Args[] {
  const blocks = (args["blocks"] ?? []) as readonly Args[];
  checkBlocks(blocks);
  return blocks;
}

function markdownOf(args: Args): string {
  const text = textArg(args, "markdown_text");
  if (text.length > MAX_MARKDOWN_CHARS) throw new ApiError("msg_too_long");
  return text;
}

function placeOf(args: Args, workspace: Workspace): { channel: string; thread?: string } {
  const channel = workspace.openChannel(textArg(args, "channel"));
  const thread = textArg(args, "thread_ts");
  if (thread === "") return { channel };
  if (!/^\d{10}\.\d{6}$/.test(thread)) throw new ApiError("invalid_thread_ts");
  return { channel, thread };
}

function found(args: Args, workspace: Workspace): Message {
  const message = workspace.find(workspace.openChannel(textArg(args, "channel")), textArg(args, "ts"));
  if (message === null) throw new ApiError("message_not_found");
  return message;
}

function streaming(args: Args, workspace: Workspace): Message {
  const message = found(args, workspace);
  if (message.stream !== "open") throw new ApiError("message_not_in_streaming_state");
  return message;
}

function answerOf({ channel, ts, text, user, blocks }: Message): object {
  return { channel, ts, message: { type: "message", user, text, ts, blocks } };
}
