import { fieldsOf, objectsOf, textOf } from "../fields.ts";

/** Somebody who is named in a text, where a placeholder such as `@_user_1` stands for them. */
export interface Mention {
  placeholder: string;
  /** Empty for `@_all`. */
  openId: string;
  name: string;
}

const PLACEHOLDER = /@_(?:user_\d+|all)/g;

/** The mentions of a message; events tell ids in an object, answers of the API as text. */
export function mentionsOf(value: unknown): Mention[] {
  return objectsOf(value).map(({ key, id, name }) => ({
    placeholder: textOf(key),
    openId: textOf(id) || textOf(fieldsOf(id)["open_id"]),
    name: textOf(name),
  }));
}

/** True when this id is mentioned. Who mentions everybody mentions nobody in particular. */
export function mentions(mentioned: readonly Mention[], openId: string): boolean {
  return openId !== "" && mentioned.some((mention) => mention.openId === openId);
}

/** The text with names for the placeholders, and without the mentions of the bot. */
export function withNames(text: string, mentioned: readonly Mention[], botOpenId: string): string {
  const known = new Map(mentioned.map((mention) => [mention.placeholder, mention]));
  const isBot = (placeholder: string) => botOpenId !== "" && known.get(placeholder)?.openId === botOpenId;
  return withoutBot(text, isBot)
    .replace(PLACEHOLDER, (placeholder) => {
      if (placeholder === "@_all") return "@all";
      const name = known.get(placeholder)?.name ?? "";
      return name === "" ? placeholder : `@${name}`;
    })
    .trim();
}

/** Takes a mention out together with what set it apart: "@bot, hello" is "hello", and "ask @bot now" is "ask now". */
function withoutBot(text: string, isBot: (placeholder: string) => boolean): string {
  let result = "";
  let at = 0;
  for (const { 0: placeholder, index } of text.matchAll(PLACEHOLDER)) {
    if (!isBot(placeholder)) continue;
    result += text.slice(at, index);
    at = index + placeholder.length;
    if (result.trim() === "") at += /^[\s,:，：]*/.exec(text.slice(at))?.[0].length ?? 0;
    else if (/\s$/.test(result) && /^\s/.test(text.slice(at))) at += 1;
  }
  return result + text.slice(at);
}
