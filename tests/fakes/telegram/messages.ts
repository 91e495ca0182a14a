import type {
  InlineKeyboardMarkup,
  LinkPreviewOptions,
  ReactionType,
  ReplyParameters,
  User,
} from "grammy/types";
import type { Chats, StoredChat, StoredMessage } from "./chats.ts";
import { Refusal } from "./contract.ts";
import { type MessageEntity, mentionsIn, parseHtml } from "./entities.ts";
import type { Params } from "./request.ts";

const MAX_TEXT_CHARS = 4096;
const MAX_CAPTION_CHARS = 1024;
const MAX_UPLOAD_BYTES = 50 * 1024 * 1024;
const ACTIONS =
  /^(typing|upload_photo|record_video|upload_video|record_voice|upload_voice|upload_document|choose_sticker|find_location)$/;
/** Some of https://core.telegram.org/bots/api#reactiontypeemoji. */
const REACTIONS = new Set(["👍", "👎", "❤", "🔥", "👏", "😁", "🤔", "🎉", "👀", "👌", "🙏", "💯"]);
const PICTURE = /^(\x89PNG|\xff\xd8\xff|RIFF)/;

type Method = (params: Params) => unknown;

/** The methods that write, change and mark messages. */
export function messageMethods(chats: Chats, bot: User): Record<string, Method> {
  const shown = (stored: StoredChat, message: StoredMessage) => ({
    message_id: message.messageId,
    date: Math.floor(Date.now() / 1000),
    chat: stored.chat,
    from: bot,
    ...(message.file === null ? { text: message.text, entities: message.entities } : {}),
    ...(message.thread === null ? {} : { message_thread_id: message.thread, is_topic_message: true }),
  });
  const post = (params: Params, content: Partial<StoredMessage>) => {
    const stored = chats.writable(params.number("chat_id", 0));
    const message: StoredMessage = {
      messageId: 0,
      thread: threadOf(params, stored),
      text: "",
      entities: [],
      caption: null,
      replyTo: replyOf(params, stored),
      buttons: buttonsOf(params),
      file: null,
      hasPreview: hasPreview(params),
      earlier: [],
      ...content,
    };
    message.messageId = chats.nextMessageId();
    stored.messages.set(message.messageId, message);
    return shown(stored, message);
  };
  const sendFile = (kind: string) => (params: Params) => {
    const file = fileOf(params, kind);
    if (params.text("caption") === "") return post(params, { file });
    const { text: caption, entities } = formatted(params, "caption");
    return post(params, { file, caption, entities });
  };

  return {
    sendMessage: (params) => post(params, formatted(params, "text")),
    sendDocument: sendFile("document"),
    sendPhoto: sendFile("photo"),
    sendVoice: sendFile("voice"),
    sendAudio: sendFile("audio"),
    sendVideo: sendFile("video"),
    editMessageText(params) {
      const stored = chats.writable(params.number("chat_id", 0));
      const id = params.number("message_id", 0);
      const message = stored.messages.get(id);
      if (!message && stored.written.has(id)) throw new Refusal(400, "Bad Request: message can't be edited");
      if (!message) throw new Refusal(400, "Bad Request: message to edit not found");
      if (message.file) throw new Refusal(400, "Bad Request: there is no text in the message to edit");
      edit(message, { ...formatted(params, "text"), buttons: buttonsOf(params) }, hasPreview(params));
      return shown(stored, message);
    },
    deleteMessage(params) {
      const stored = chats.writable(params.number("chat_id", 0));
      const id = params.number("message_id", 0);
      if (stored.messages.delete(id) || stored.written.delete(id)) return true;
      throw new Refusal(400, "Bad Request: message to delete not found");
    },
    sendChatAction(params) {
      threadOf(params, chats.writable(params.number("chat_id", 0)));
      if (ACTIONS.test(params.text("action"))) return true;
      throw new Refusal(400, "Bad Request: wrong parameter action in request");
    },
    setMessageReaction(params) {
      const stored = chats.writable(params.number("chat_id", 0));
      const id = params.number("message_id", 0);
      if (!stored.messages.has(id) && !stored.written.has(id))
        throw new Refusal(400, "Bad Request: message to react not found");
      const [first] = params.object<ReactionType[]>("reaction") ?? [];
      if (!first) return stored.reactions.delete(id) || true;
      if (first.type !== "emoji" || !REACTIONS.has(first.emoji))
        throw new Refusal(400, "Bad Request: REACTION_INVALID");
      stored.reactions.set(id, first.emoji);
      return true;
    },
    sendMessageDraft(params) {
      const stored = chats.writable(params.number("chat_id", 0));
      if (stored.chat.type !== "private") throw new Refusal(400, "Bad Request: PEER_ID_INVALID");
      if (params.number("draft_id", 0) === 0)
        throw new Refusal(400, "Bad Request: draft_id must be non-zero");
      stored.drafts.push(params.text("text") === "" ? "" : formatted(params, "text").text);
      return true;
    },
  };
}

/** A text or a caption with its marks read, as Telegram accepts it. */
function formatted(params: Params, field: "text" | "caption"): { text: string; entities: MessageEntity[] } {
  const raw = params.text(field);
  if (raw === "") throw new Refusal(400, "Bad Request: message text is empty");
  const given = params.object<MessageEntity[]>(field === "text" ? "entities" : "caption_entities") ?? [];
  const read = /^html$/i.test(params.text("parse_mode"))
    ? parsed(raw)
    : { text: raw.trim(), entities: given };
  if (read.text.trim() === "") throw new Refusal(400, "Bad Request: text must be non-empty");
  if (field === "text" && read.text.length > MAX_TEXT_CHARS)
    throw new Refusal(400, "Bad Request: message is too long");
  if (field === "caption" && read.text.length > MAX_CAPTION_CHARS)
    throw new Refusal(400, "Bad Request: message caption is too long");
  return { ...read, entities: [...read.entities, ...mentionsIn(read)] };
}

function parsed(html: string) {
  try {
    return parseHtml(html);
  } catch (thrown) {
    const words = thrown instanceof Error ? thrown.message : String(thrown);
    throw new Refusal(400, words.startsWith("Bad Request: ") ? words : `Bad Request: ${words}`);
  }
}

function edit(
  message: StoredMessage,
  next: Pick<StoredMessage, "text" | "entities" | "buttons">,
  preview: boolean,
): void {
  const { text, entities, buttons } = message;
  if (Bun.deepEquals({ text, entities, buttons }, next))
    throw new Refusal(
      400,
      "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message",
    );
  Object.assign(message, next, { hasPreview: preview, earlier: [...message.earlier, text] });
}

function threadOf(params: Params, { chat, traits }: StoredChat): number | null {
  const thread = params.number("message_thread_id", 0);
  if (thread === 0) return null;
  if (traits.closedTopics?.includes(thread)) throw new Refusal(400, "Bad Request: TOPIC_CLOSED");
  const isUnknown = traits.openTopics !== undefined && !traits.openTopics.includes(thread);
  const isForum = "is_forum" in chat && chat.is_forum;
  if (isUnknown || (chat.type !== "private" && !isForum))
    throw new Refusal(400, "Bad Request: message thread not found");
  return thread;
}

function replyOf(params: Params, stored: StoredChat): number | null {
  const reply = params.object<ReplyParameters>("reply_parameters");
  if (reply?.message_id === undefined) return null;
  if (stored.messages.has(reply.message_id) || stored.written.has(reply.message_id)) return reply.message_id;
  if (reply.allow_sending_without_reply) return null;
  throw new Refusal(400, "Bad Request: message to be replied not found");
}

function buttonsOf(params: Params): StoredMessage["buttons"] {
  const rows = params.object<InlineKeyboardMarkup>("reply_markup")?.inline_keyboard ?? [];
  return rows.flat().map((button) => {
    const data = "callback_data" in button ? button.callback_data : "";
    if (Buffer.byteLength(data) > 64) throw new Refusal(400, "Bad Request: BUTTON_DATA_INVALID");
    return { text: button.text, data, ...(button.style === undefined ? {} : { style: button.style }) };
  });
}

function hasPreview(params: Params): boolean {
  return params.object<LinkPreviewOptions>("link_preview_options")?.is_disabled !== true;
}

function fileOf(params: Params, kind: string): NonNullable<StoredMessage["file"]> {
  const attached = /^attach:\/\/(.+)$/.exec(params.text(kind))?.[1];
  const file = params.files.get(attached ?? kind);
  if (!file) throw new Refusal(400, `Bad Request: there is no ${kind} in the request`);
  if (file.bytes.length > MAX_UPLOAD_BYTES) throw new Refusal(413, "Request Entity Too Large");
  if (kind === "photo" && !PICTURE.test(Buffer.from(file.bytes.subarray(0, 4)).toString("latin1")))
    throw new Refusal(400, "Bad Request: IMAGE_PROCESS_FAILED");
  return { kind, ...file };
}
