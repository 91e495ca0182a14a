import type { Message, MessageEntity } from "grammy/types";

/** Who the bot is, as far as reading its messages goes. */
export interface Me {
  id: number;
  username: string;
}

/** What a person wrote, and how it names the bot. */
export interface Said {
  text: string;
  /** The bot is mentioned, or the text begins with a command that is no other bot's. */
  namesBot: boolean;
  /** The text begins with a command to another bot. */
  isForOther: boolean;
}

/** A change to a text; offsets are UTF-16 units, as in strings here and at Telegram. */
interface Change {
  from: number;
  to: number;
  insert: string;
}

/**
 * The text or the caption of a message, without the bot's mention and with the addresses of its links. Follows
 * https://core.telegram.org/bots/api#messageentity.
 */
export function readText(message: Message, me: Me): Said {
  const text = message.text ?? message.caption ?? "";
  const entities = message.entities ?? message.caption_entities ?? [];
  const changes: Change[] = [];
  const said = { namesBot: false, isForOther: false };
  for (const entity of entities) {
    const { offset: from, length } = entity;
    const words = text.slice(from, from + length);
    const to = from + length;
    if (entity.type === "bot_command") {
      const at = words.indexOf("@");
      const isOurs = at < 0 || isName(words.slice(at), me);
      if (from === 0 && isOurs) said.namesBot = true;
      if (from === 0 && !isOurs) said.isForOther = true;
      if (at >= 0 && isOurs) changes.push({ from: from + at, to, insert: "" });
    } else if (isMention(entity, words, me)) {
      said.namesBot = true;
      changes.push(withoutMention(text, from, to));
    } else if (entity.type === "text_link" && !words.includes(entity.url))
      changes.push({ from: to, to, insert: ` (${entity.url})` });
  }
  return { ...said, text: changed(text, changes).trim() };
}

function isMention(entity: MessageEntity, words: string, me: Me): boolean {
  if (entity.type === "text_mention") return entity.user.id === me.id;
  return entity.type === "mention" && isName(words, me);
}

/** User names are ASCII and know no case. */
function isName(mention: string, { username }: Me): boolean {
  return mention.toLowerCase() === `@${username.toLowerCase()}`;
}

/** Takes a mention out together with what set it apart: "@bot, hello" is "hello", and "ask @bot now" is "ask now". */
function withoutMention(text: string, from: number, to: number): Change {
  if (text.slice(0, from).trim() === "") {
    const apart = /^[\s,:，：]*/.exec(text.slice(to))?.[0].length ?? 0;
    return { from, to: to + apart, insert: "" };
  }
  const after = text.slice(to);
  const closes = /^\s*($|[.!?;。！？；])/.test(after);
  const apart = closes ? /[\s,，]*$/ : /^[\s,:，：]/.test(after) ? /\s?$/ : /$/;
  return { from: from - (apart.exec(text.slice(0, from))?.[0].length ?? 0), to, insert: "" };
}

function changed(text: string, changes: readonly Change[]): string {
  let result = "";
  let at = 0;
  for (const { from, to, insert } of changes.toSorted((a, b) => a.from - b.from)) {
    if (from < at) continue; // entities may lie within one another
    result += text.slice(at, from) + insert;
    at = to;
  }
  return result + text.slice(at);
}
