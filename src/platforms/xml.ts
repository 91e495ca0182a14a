/** The fields of a flat document: the text of every child of its root that has no children itself. */
export type XmlFields = ReadonlyMap<string, string>;

/** The messages of WeCom and WeChat have some 3 KB: what is longer than this is none. */
const MAX_XML_CHARS = 64 * 1024;
const MAX_DEPTH = 8;

const PROLOG = /^\s*(?:<\?xml\s[^<>?]{0,100}\?>)?\s*/;
/** A section of CDATA, a tag without attributes, or text. Whatever else there is in XML, these messages have not. */
const TOKEN = /<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([A-Za-z_][\w.-]{0,63})\s*(\/?)>|([^<]+)/y;
const ENTITIES: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
};

/**
 * Reads XML as WeCom and WeChat write it; null for what is none. There is no DOCTYPE, no attribute and no entity but the five of
 * XML itself, so that nothing expands. All values stay text: `0012` and ids of 64 bits are as they were written. Of two fields of
 * one name the first counts; fields with children of their own are left out.
 */
export function parseXml(xml: string): XmlFields | null {
  if (xml.length > MAX_XML_CHARS) return null;
  const reader = createReader();
  const tokens = new RegExp(TOKEN);
  tokens.lastIndex = PROLOG.exec(xml)?.[0].length ?? 0;
  while (tokens.lastIndex < xml.length) {
    const [, cdata, closing, name, empty, plain] = tokens.exec(xml) ?? [];
    const text = cdata ?? (plain === undefined ? undefined : unescaped(plain));
    if (text === null) return null;
    if (cdata === undefined && text?.trim() === "") continue; // the lines and spaces of whoever wrote it
    const isRead =
      text === undefined
        ? name !== undefined && reader.tag(name, closing ? "close" : empty ? "empty" : "open")
        : reader.text(text);
    if (!isRead) return null;
  }
  return reader.end();
}

/** Follows the tags and keeps what stands in fields. False for what stands where it must not. */
function createReader() {
  const fields = new Map<string, string>();
  const open: string[] = [];
  let value = "";
  let hasChildren = false;
  let isOver = false;

  const close = (name: string): boolean => {
    if (open.pop() !== name) return false;
    isOver = open.length === 0;
    if (open.length === 1 && !hasChildren && !fields.has(name)) fields.set(name, value);
    return true;
  };
  return {
    tag(name: string, kind: "open" | "close" | "empty"): boolean {
      if (kind === "close") return close(name);
      if (isOver || open.length >= MAX_DEPTH) return false;
      open.push(name);
      if (open.length === 2) value = "";
      hasChildren = open.length > 2;
      return kind === "open" || close(name);
    },
    text(text: string): boolean {
      if (open.length === 2) value += text;
      return open.length >= 2;
    },
    end: (): XmlFields | null => (isOver ? fields : null),
  };
}

/** Null where an entity stands that is none of the five. */
function unescaped(text: string): string | null {
  if (!text.includes("&")) return text;
  let isKnown = true;
  const plain = text.replace(/&[^&;]{0,10};?/g, (entity) => {
    isKnown &&= Object.hasOwn(ENTITIES, entity);
    return ENTITIES[entity] ?? "";
  });
  return isKnown ? plain : null;
}

/** Writes such a document: numbers as they are, text as CDATA, without the characters that XML cannot hold. */
export function writeXml(fields: Readonly<Record<string, string | number>>): string {
  const written = Object.entries(fields).map(
    ([name, value]) => `<${name}>${typeof value === "number" ? value : cdataOf(value)}</${name}>`,
  );
  return `<xml>${written.join("")}</xml>`;
}

function cdataOf(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML 1.0 §2.2 leaves out
  const legal = text.toWellFormed().replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "");
  return `<![CDATA[${legal.replaceAll("]]>", "]]]]><![CDATA[>")}]]>`;
}
