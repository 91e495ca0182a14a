import type { InboundFile, InboundMessage } from "../../contract.ts";
import { type Fields, fieldsOf, objectsOf, textOf } from "../../fields.ts";

/** A file of a message, and what it takes to fetch it within five minutes. */
export interface BotFile {
  kind: InboundFile["kind"];
  url: string;
  /** In base64. */
  aesKey: string;
}

/** What a callback says; its files have no references yet. */
export interface Said {
  message: InboundMessage;
  files: readonly BotFile[];
}

const KINDS: ReadonlyMap<string, InboundFile["kind"]> = new Map([
  ["image", "image"],
  ["file", "document"],
  ["video", "video"],
]);

/**
 * Reads the body of `aibot_msg_callback` (https://developer.work.weixin.qq.com/document/path/100719); null for what says nothing.
 * In groups WeCom brings only what mentions the bot, by a name that it tells nobody: `botName` is that of the configuration.
 */
export function parseMessage(body: Fields, botName: string): Said | null {
  const userId = textOf(fieldsOf(body["from"])["userid"]);
  const id = textOf(body["msgid"]);
  const isGroup = body["chattype"] === "group";
  const chat = isGroup ? textOf(body["chatid"]) : userId;
  const { text, files } = contentOf(body);
  const quote = contentOf(fieldsOf(body["quote"]));
  const said = isGroup ? withoutMention(text, botName) : text.trim();
  const all = [...files, ...quote.files];
  const saysNothing = said === "" && quote.text === "" && all.length === 0;
  if (userId === "" || id === "" || chat === "" || saysNothing) return null;
  return {
    message: {
      type: "message",
      id,
      address: { chat },
      scope: isGroup ? "group" : "direct",
      sender: { id: userId, name: userId },
      text: said,
      isForBot: true,
      messageId: id,
      ...(quote.text === "" ? {} : { quoted: { text: quote.text, isFromBot: false } }),
    },
    files: all,
  };
}

/**
 * The press of a button, from the body of `aibot_event_callback`
 * (https://developer.work.weixin.qq.com/document/path/101027); null for any other event. Where the key stands differs between the
 * documentation and WeCom's own package.
 */
export function parsePress(body: Fields): InboundMessage | null {
  const event = fieldsOf(body["event"]);
  if (event["eventtype"] !== "template_card_event") return null;
  const button = textOf(fieldsOf(event["template_card_event"])["event_key"]) || textOf(event["event_key"]);
  const userId = textOf(fieldsOf(body["from"])["userid"]);
  const id = textOf(body["msgid"]);
  const isGroup = body["chattype"] === "group";
  const chat = isGroup ? textOf(body["chatid"]) : userId;
  if (button === "" || userId === "" || id === "" || chat === "") return null;
  return {
    type: "message",
    id,
    address: { chat },
    scope: isGroup ? "group" : "direct",
    sender: { id: userId, name: userId },
    text: "",
    isForBot: true,
    button,
    buttonStays: true,
  };
}

/** The text and the files of a message, or of the one that it quotes. */
function contentOf(body: Fields): { text: string; files: readonly BotFile[] } {
  const type = textOf(body["msgtype"]);
  const content = fieldsOf(body[type]);
  if (type === "mixed") {
    const items = objectsOf(content["msg_item"]).map(contentOf);
    const texts = items.map((item) => item.text).filter((text) => text !== "");
    return { text: texts.join("\n"), files: items.flatMap((item) => item.files) };
  }
  const kind = KINDS.get(type);
  // What was spoken comes as its text.
  if (kind === undefined)
    return { text: type === "text" || type === "voice" ? textOf(content["content"]) : "", files: [] };
  const url = textOf(content["url"]);
  return { text: "", files: url === "" ? [] : [{ kind, url, aesKey: textOf(content["aeskey"]) }] };
}

/**
 * Without the mention that a message in a group begins with. It ends with the name of the bot, where that is known, with the space
 * of its own that some clients put there, or with the first space.
 */
function withoutMention(text: string, botName: string): string {
  const said = text.trim();
  const mention = `@${botName.trim()}`;
  const rest = said.slice(mention.length);
  if (mention.length > 1 && said.startsWith(mention) && /^(?:\s|$)/.test(rest)) return rest.trim();
  return said.replace(/^@(?:[^\u2005\n]{1,64}\u2005|\S+)\s*/, "");
}
