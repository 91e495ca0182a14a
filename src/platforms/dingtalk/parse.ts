import type { ChatAddress, InboundMessage } from "../contract.ts";
import { type Fields, fieldsOf, textOf } from "../fields.ts";
import { asForeign } from "../foreign-files.ts";
import { pressedIn } from "./buttons.ts";
import { type Content, contentOf, quotedContentOf } from "./contents.ts";
import type { Conversation } from "./conversations.ts";

/** A message to the robot, and what it tells of its conversation. */
export interface Parsed {
  message: InboundMessage;
  conversation: Conversation;
}

/**
 * Reads a message to the robot, in the form that the connection and the webhook share
 * (help.dingtalk.io/open/development/receive-message). Null for what is no message of a person.
 */
export function parseMessage(body: unknown): Parsed | null {
  const fields = fieldsOf(body);
  const [id, conversationId] = [textOf(fields["msgId"]), textOf(fields["conversationId"])];
  const senderId = senderIdOf(fields);
  if (id === "" || conversationId === "" || senderId === "") return null;
  const isDirect = textOf(fields["conversationType"]) === "1";
  const botId = textOf(fields["chatbotUserId"]);
  const content = contentOf(textOf(fields["msgtype"]), fields, botId);
  const replied = repliedTo(fields);
  const quoted = replied === null ? null : quotedContentOf(replied, botId);
  // A question about a picture of somebody else's is asked by replying to it.
  const isOwn = content.files.length > 0 && !content.isForward;
  const files = isOwn ? content.files : asForeign([...content.files, ...(quoted?.files ?? [])]);
  const said =
    quoted === null ? {} : { quoted: { text: shown(quoted), isFromBot: replied?.["senderId"] === botId } };
  const message: InboundMessage = {
    type: "message",
    id,
    address: addressOf(fields, isDirect),
    scope: isDirect ? "direct" : "group",
    sender: { id: senderId, name: textOf(fields["senderNick"]) || senderId },
    ...saidOf(content),
    // In groups DingTalk delivers what mentions the robot; where it delivers the rest as well, it says so.
    isForBot: isDirect || fields["isInAtList"] !== false,
    messageId: id,
    ...said,
    ...(files.length === 0 ? {} : { files }),
  };
  return { message, conversation: { id: conversationId, isDirect, ...webhookIn(fields) } };
}

/**
 * The id of a person within the organization (`userid`), which stays the same in every chat. People from elsewhere have none, and
 * nor has anybody before the app is published: then it is DingTalk's encrypted id. An id that comes from another organization
 * could be equal to one of ours, and is not taken.
 */
function senderIdOf(fields: Fields): string {
  return staffIdOf(fields) || textOf(fields["senderId"]);
}

function staffIdOf(fields: Fields): string {
  const [own, theirs] = [textOf(fields["chatbotCorpId"]), textOf(fields["senderCorpId"])];
  const isFromElsewhere = own !== "" && theirs !== "" && own !== theirs;
  return isFromElsewhere ? "" : textOf(fields["senderStaffId"]);
}

/** A direct chat goes by the id of its person, by which the robot can write there at any time. */
function addressOf(fields: Fields, isDirect: boolean): ChatAddress {
  const person = isDirect ? staffIdOf(fields) : "";
  return { chat: person || textOf(fields["conversationId"]) };
}

function saidOf({
  text,
  isForward,
}: Content): Pick<InboundMessage, "text" | "forwarded" | "button" | "buttonStays"> {
  if (isForward) return { text: "", forwarded: { text } };
  const button = pressedIn(text);
  return button === undefined ? { text } : { text: "", button, buttonStays: true };
}

function repliedTo(fields: Fields): Fields | null {
  for (const part of [fields["text"], fields["content"]]) {
    const { isReplyMsg, repliedMsg } = fieldsOf(part);
    if (isReplyMsg === true && repliedMsg !== undefined) return fieldsOf(repliedMsg);
  }
  return null;
}

function shown({ text, files: [file] }: Content): string {
  const about = file === undefined ? "" : `[${file.kind}${file.name === undefined ? "" : `: ${file.name}`}]`;
  return [about, text].filter((part) => part !== "").join("\n");
}

function webhookIn(fields: Fields): Pick<Conversation, "webhook"> {
  const { sessionWebhook: url, sessionWebhookExpiredTime: expiresAtMs } = fields;
  return typeof url === "string" && typeof expiresAtMs === "number" ? { webhook: { url, expiresAtMs } } : {};
}
