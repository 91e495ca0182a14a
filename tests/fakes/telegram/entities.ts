/** A piece of a text that Telegram shows in another way; offset and length are in UTF-16 units. */
export interface MessageEntity {
  type: string;
  offset: number;
  length: number;
  url?: string;
  language?: string;
}

/** A tag that waits for its end. */
interface OpenTag {
  name: string;
  attributes: Map<string, string>;
  offset: number;
}

const TYPES: Record<string, string> = {
  b: "bold",
  strong: "bold",
  i: "italic",
  em: "italic",
  u: "underline",
  ins: "underline",
  s: "strikethrough",
  strike: "strikethrough",
  del: "strikethrough",
  "tg-spoiler": "spoiler",
  span: "spoiler",
  code: "code",
  pre: "pre",
  a: "text_link",
  blockquote: "blockquote",
};
const ORDER = [
  "expandable_blockquote",
  "blockquote",
  "pre",
  "code",
  "text_link",
  "bold",
  "italic",
  "underline",
];
const NAMED: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"' };

const REFERENCE = /&(?:#x([\da-f]+)|#(\d+)|([a-z]+));?/giy;
const START_TAG = /<([^\s>]*)((?:\s+[^\s=>]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[\w.-]+))?)*)\s*>/y;
const ATTRIBUTE = /([^\s=>]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([\w.-]+)))?/g;
const END_TAG = /<\/([^\s>]*)\s*>/y;

/**
 * Reads a text with `parse_mode: "HTML"` as the Bot API does (https://core.telegram.org/bots/api#html-style); throws what it
 * answers. Empty entities do not come about, and `<pre><code class="language-...">` is one entity.
 */
export function parseHtml(html: string): { text: string; entities: MessageEntity[] } {
  const entities: MessageEntity[] = [];
  const open: OpenTag[] = [];
  let text = "";
  for (let at = 0; at < html.length; ) {
    if (html.startsWith("</", at)) {
      const end = matchAt(END_TAG, html, at) ?? fail("Unclosed end tag", html, at);
      const tag = open.pop() ?? fail("Unexpected end tag", html, at);
      const name = (end[1] ?? "").toLowerCase();
      if (name && name !== tag.name)
        fail("Unmatched end tag", html, at, `, expected "</${tag.name}>", found "</${name}>"`);
      if (text.length > tag.offset) addEntity(entities, tag, text);
      at += end[0].length;
    } else if (html[at] === "<") {
      const start = matchAt(START_TAG, html, at);
      const name = (start?.[1] ?? /^<([^\s>]*)/.exec(html.slice(at))?.[1] ?? "").toLowerCase();
      if (!html.includes(">", at)) fail("Unclosed start tag", html, at);
      if (!TYPES[name]) fail(`Unsupported start tag "${name}"`, html, at);
      if (!start) fail(`Unclosed start tag "${name}"`, html, at);
      const attributes = attributesOf(start[2] ?? "");
      if (name === "span" && attributes.get("class") !== "tg-spoiler")
        fail('Tag "span" must have class "tg-spoiler"', html, at);
      open.push({ name, attributes, offset: text.length });
      at += start[0].length;
    } else {
      const [shown, length] = characterAt(html, at);
      text += shown;
      at += length;
    }
  }
  const left = open.at(-1);
  if (left)
    throw new Error(`can't parse entities: Can't find end tag corresponding to start tag ${left.name}`);
  // Only a block of code has a language.
  for (const entity of entities) if (entity.type === "code") delete entity.language;
  return { text, entities: entities.sort(outerFirst) };
}

/** The names of users that Telegram finds by itself: none where code, a link or an address stands (tdlib/td, `match_mentions`, `merge_entities`). */
export function mentionsIn({
  text,
  entities,
}: {
  text: string;
  entities: readonly MessageEntity[];
}): MessageEntity[] {
  const addresses = [...text.matchAll(/https?:\/\/[^\s<>]+/g)].map(({ 0: { length }, index }) => ({
    offset: index,
    length,
  }));
  const taken = [...addresses, ...entities.filter(({ type }) => /^(code|pre|text_link)$/.test(type))];
  return [...text.matchAll(/(?<![\p{L}\p{N}_])@[a-z0-9_]{4,32}(?![\p{L}\p{N}_])/giu)]
    .map(({ 0: { length }, index }) => ({ type: "mention", offset: index, length }))
    .filter((name) =>
      taken.every((one) => one.offset + one.length <= name.offset || name.offset + name.length <= one.offset),
    );
}

/** Of two that cover the same text, the one that may hold the other. */
function outerFirst(a: MessageEntity, b: MessageEntity): number {
  return a.offset - b.offset || b.length - a.length || ORDER.indexOf(a.type) - ORDER.indexOf(b.type);
}

function fail(what: string, html: string, at: number, more = ""): never {
  throw new Error(
    `can't parse entities: ${what} at byte offset ${Buffer.byteLength(html.slice(0, at))}${more}`,
  );
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function attributesOf(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(ATTRIBUTE)].map(([, name = "", double, single, bare]) => [
      name,
      decode(double ?? single ?? bare ?? ""),
    ]),
  );
}

function decode(text: string): string {
  let decoded = "";
  for (let at = 0; at < text.length; ) {
    const [shown, length] = characterAt(text, at);
    decoded += shown;
    at += length;
  }
  return decoded;
}

/** What is shown for the UTF-16 unit or the reference that stands here, and how long it is; an unknown reference is text. */
function characterAt(html: string, at: number): [shown: string, length: number] {
  const found = html[at] === "&" ? matchAt(REFERENCE, html, at) : null;
  if (found) {
    const [all, hex, decimal, name] = found;
    const code = hex ? Number.parseInt(hex, 16) : Number(decimal ?? 0);
    const shown = name ? NAMED[name] : code > 0 && code < 0x10ffff ? String.fromCodePoint(code) : undefined;
    if (shown) return [shown, all.length];
  }
  return [html[at] ?? "", 1];
}

function addEntity(entities: MessageEntity[], { name, attributes, offset }: OpenTag, text: string): void {
  const length = text.length - offset;
  const type = TYPES[name] ?? name;
  const last = entities.at(-1);
  const isAround = last?.offset === offset && last.length === length;
  if (name === "pre" && last?.type === "code" && isAround && last.language) {
    last.type = "pre";
    return;
  }
  if (name === "a") {
    const url = attributes.get("href") || text.slice(offset);
    // What is no address makes no link.
    if (URL.canParse(url) || URL.canParse(`http://${url}`)) entities.push({ type, offset, length, url });
    return;
  }
  const language = name === "code" ? /^language-(.+)/.exec(attributes.get("class") ?? "")?.[1] : undefined;
  entities.push({
    type: name === "blockquote" && attributes.has("expandable") ? "expandable_blockquote" : type,
    offset,
    length,
    ...(language && { language }),
  });
}
