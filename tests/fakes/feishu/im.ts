import { checkCard } from "./cards.ts";
import { ApiError, type Json, type StoredMessage } from "./contract.ts";
import { parseText, type Workspace } from "./workspace.ts";

const MAX_UUID_CHARS = 50;
const MAX_POST_EDITS = 20;
const MAX_TEXT_BYTES = 150 * 1024;
const MAX_POST_BYTES = 30 * 1024;
const WITHDRAWN = 230011;

/** A call with its ids, and what it does. */
export interface Request {
  ids: readonly string[];
  query: Readonly<Record<string, string>>;
  json: Json;
  form: Readonly<Record<string, string | Uint8Array>>;
}

type Handler = (request: Request, workspace: Workspace, appId: string) => unknown;

/** The calls for messages, reactions and files (open.feishu.cn/document/server-docs/im-v1). */
export const IM: Readonly<Record<string, Handler>> = {
  "POST /im/v1/messages": ({ query, json }, workspace) => {
    const chat = String(json["receive_id"]);
    if (query["receive_id_type"] === undefined) throw invalid("receive_id_type");
    if (query["receive_id_type"] === "chat_id" && !chat.startsWith("oc_")) throw invalid("receive_id");
    return shown(post(workspace, json, { chat }));
  },
  "POST /im/v1/messages/:id/reply": ({ ids: [id = ""], json }, workspace) => {
    const parent = workspace.find(id);
    if (parent.isDeleted) throw new ApiError(WITHDRAWN, "The message was withdrawn.");
    const root = parent.root ?? parent.id;
    const isThread = json["reply_in_thread"] === true || parent.thread !== undefined;
    const thread = isThread ? (parent.thread ?? `omt_${root.slice(3)}`) : undefined;
    if (thread !== undefined) workspace.find(root).thread = thread;
    return shown(
      post(workspace, json, { chat: parent.chat, root, parent: id, ...(thread ? { thread } : {}) }),
    );
  },
  "PATCH /im/v1/messages/:id": ({ ids: [id = ""], json }, workspace) => {
    const message = changeable(workspace, id, "interactive");
    if (message.cardId !== undefined) throw new ApiError(230001, "This message shows a card entity.");
    const content = String(json["content"]);
    const card = parseText(content, "content");
    checkCard(card, content);
    if (!isShared(message.content) || !isShared(card))
      throw new ApiError(230001, "update_multi has to be true.");
    Object.assign(message, { content: card, edits: message.edits + 1 });
    return {};
  },
  "PUT /im/v1/messages/:id": ({ ids: [id = ""], json }, workspace) => {
    const type = String(json["msg_type"]);
    if (type !== "post" && type !== "text") throw invalid("msg_type");
    const message = changeable(workspace, id, type);
    if (message.edits >= MAX_POST_EDITS)
      throw new ApiError(230072, "The message has reached the number of times it can be edited.");
    Object.assign(message, { content: parseText(json["content"], "content"), edits: message.edits + 1 });
    return shown(message);
  },
  "DELETE /im/v1/messages/:id": ({ ids: [id = ""] }, workspace) => {
    const message = workspace.find(id);
    if (message.isDeleted) throw new ApiError(WITHDRAWN, "The message was withdrawn.");
    if (!message.isFromBot) throw new ApiError(230026, "No permission to recall this message.");
    message.isDeleted = true;
    return {};
  },
  "GET /im/v1/messages/:id": ({ ids: [id = ""] }, workspace, appId) => {
    const message = workspace.find(id);
    if (message.isDeleted) throw new ApiError(230110, "The message has been deleted.");
    const children = workspace.messages.filter(({ content }) => content["forwardedIn"] === id);
    return { items: [message, ...children].map((one) => item(one, id, appId)) };
  },
  "POST /im/v1/messages/:id/reactions": ({ ids: [id = ""], json }, workspace, appId) => {
    const message = workspace.find(id);
    if (message.isDeleted) throw new ApiError(231003, "The message is not found or was withdrawn.");
    const emoji = String((json["reaction_type"] as Json | undefined)?.["emoji_type"]);
    if (!EMOJIS.has(emoji)) throw new ApiError(231001, "reaction type is invalid.");
    const reaction = { id: workspace.nextId("ZCaC"), emoji, isFromBot: true };
    message.reactions.push(reaction);
    return reactionItem(reaction, appId);
  },
  "GET /im/v1/messages/:id/reactions": ({ ids: [id = ""] }, workspace, appId) => ({
    items: workspace.find(id).reactions.map((one) => reactionItem(one, appId)),
    has_more: false,
  }),
  "DELETE /im/v1/messages/:id/reactions/:id": ({ ids: [id = "", reaction = ""] }, workspace, appId) => {
    const message = workspace.find(id);
    const index = message.reactions.findIndex((one) => one.id === reaction);
    const [found] = index < 0 ? [] : message.reactions.splice(index, 1);
    if (found === undefined || !found.isFromBot)
      throw new ApiError(231007, "The reaction does not exist or is not yours.");
    return reactionItem(found, appId);
  },
  "POST /im/v1/images": ({ form }, workspace) => {
    if (form["image_type"] !== "message" || !(form["image"] instanceof Uint8Array)) throw invalid("image");
    return { image_key: keepFile(workspace, "img_v3", form["image"], "image") };
  },
  "POST /im/v1/files": ({ form }, workspace) => {
    const type = String(form["file_type"]);
    if (!["opus", "mp4", "pdf", "doc", "xls", "ppt", "stream"].includes(type)) throw invalid("file_type");
    if (!(form["file"] instanceof Uint8Array) || !form["file_name"]) throw invalid("file");
    return { file_key: keepFile(workspace, "file_v3", form["file"], type, String(form["file_name"])) };
  },
  "GET /contact/v3/users/:id": ({ ids: [id = ""], query }, workspace) => {
    const name = workspace.names.get(id);
    if (query["user_id_type"] !== "open_id" || name === undefined)
      throw new ApiError(41050, "no user authority error");
    return { user: { name, open_id: id } };
  },
};

/** Of the list of emojis that reactions can be (emojis-introduce). */
const EMOJIS: ReadonlySet<string> = new Set([
  "OK",
  "THUMBSUP",
  "DONE",
  "Get",
  "OnIt",
  "Typing",
  "CheckMark",
  "CrossMark",
  "ERROR",
]);

function post(
  workspace: Workspace,
  json: Json,
  place: Pick<StoredMessage, "chat"> & Partial<StoredMessage>,
): StoredMessage {
  const uuid = json["uuid"] === undefined ? "" : String(json["uuid"]);
  if (uuid.length > MAX_UUID_CHARS) throw invalid("uuid");
  const code = workspace.closed.get(place.chat);
  if (code !== undefined) throw new ApiError(code, "Bot/User can NOT be out of the chat.");
  const before = workspace.sentWith(uuid);
  if (before !== undefined) return before;
  const type = String(json["msg_type"]);
  const content = parseText(json["content"], "content");
  checkContent(workspace, type, content, String(json["content"]), JSON.stringify(json));
  const cardId = cardIn(workspace, type, content);
  const message = workspace.add({
    ...place,
    type,
    content,
    isFromBot: true,
    sender: "the bot",
    ...(cardId === undefined ? {} : { cardId }),
  });
  if (uuid !== "") workspace.rememberUuid(uuid, message);
  return message;
}

function checkContent(workspace: Workspace, type: string, content: Json, text: string, body: string): void {
  if (type === "interactive" && content["type"] !== "card") checkCard(content, body);
  const isTooLong = Buffer.byteLength(body) > (type === "text" ? MAX_TEXT_BYTES : MAX_POST_BYTES);
  if (isTooLong) throw new ApiError(230025, "The length of the message content reaches its limit.");
  if (type === "post" && !/^\{"zh_cn":\{"title":"","content":\[\[/.test(text)) throw invalid("content");
  const key = content["image_key"] ?? content["file_key"];
  const wanted =
    { image: "image", audio: "opus", media: "mp4" }[type] ?? (type === "file" ? "file" : undefined);
  if (wanted === undefined) return;
  const file = workspace.files.get(String(key));
  if (file === undefined) throw invalid("file_key");
  const isRight =
    wanted === "file"
      ? file.type !== "opus" && file.type !== "mp4" && file.type !== "image"
      : file.type === wanted;
  if (!isRight)
    throw new ApiError(230055, "The type of file upload does not match the type of message being sent.");
}

/** A card of its own, which can be sent once. */
function cardIn(workspace: Workspace, type: string, content: Json): string | undefined {
  if (type !== "interactive" || content["type"] !== "card") return undefined;
  const id = String((content["data"] as Json)["card_id"]);
  const card = workspace.cards.get(id);
  if (card === undefined || card.isSent)
    throw new ApiError(
      230099,
      "Failed to create card content, ext=ErrCode: 11310; ErrMsg: cardid is invalid;",
    );
  card.isSent = true;
  return id;
}

function changeable(workspace: Workspace, id: string, type: string): StoredMessage {
  const message = workspace.find(id);
  if (message.isDeleted) throw new ApiError(WITHDRAWN, "The message was withdrawn.");
  if (!message.isFromBot || message.type !== type)
    throw new ApiError(230001, "This message is NOT of this type.");
  return message;
}

function isShared(card: Json): boolean {
  return (card["config"] as Json | undefined)?.["update_multi"] === true;
}

function keepFile(workspace: Workspace, prefix: string, bytes: Uint8Array, type: string, name = ""): string {
  const key = workspace.nextId(prefix);
  workspace.files.set(key, { bytes, type, name });
  return key;
}

function shown({ id, chat, createdAtMs, type, root, parent, thread }: StoredMessage): Json {
  const place = { root_id: root, parent_id: parent, thread_id: thread };
  return { message_id: id, chat_id: chat, create_time: String(createdAtMs), msg_type: type, ...place };
}

function item(message: StoredMessage, asked: string, appId: string): Json {
  const { isFromBot, sender, content, type, mentions } = message;
  return {
    ...shown(message),
    sender: isFromBot
      ? { id: appId, id_type: "app_id", sender_type: "app" }
      : { id: sender, id_type: "open_id", sender_type: "user" },
    body: { content: JSON.stringify(content) },
    msg_type: type,
    mentions: mentions.map(({ id, ...rest }) => ({
      ...rest,
      id: (id as Json)["open_id"],
      id_type: "open_id",
    })),
    ...(message.id === asked ? {} : { upper_message_id: asked }),
  };
}

function reactionItem({ id, emoji, isFromBot }: StoredMessage["reactions"][number], appId: string): Json {
  const operator = isFromBot
    ? { operator_id: appId, operator_type: "app" }
    : { operator_id: "ou_user", operator_type: "user" };
  return { reaction_id: id, operator, reaction_type: { emoji_type: emoji } };
}

function invalid(what: string): ApiError {
  return new ApiError(230001, `Your request contains an invalid request parameter, ext=invalid ${what}.`);
}
