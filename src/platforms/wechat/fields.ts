import { fieldsOf } from "../fields.ts";
import { parseXml, type XmlFields } from "../xml.ts";

/** Messages have some 3 KB; whoever sends more shall cost nothing, for nobody knows yet who it is. */
const MAX_BYTES = 64 * 1024;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

/** How a body is written; an answer is written in the same way. */
export type Format = "xml" | "json";

/** The fields of a body. */
export interface Body {
  format: Format;
  fields: XmlFields;
}

/** Reads a text in XML, or in JSON where the account is set to it; null for what is neither, or too long. */
export function readBody(text: string | Uint8Array): Body | null {
  if (text.length > MAX_BYTES) return null;
  try {
    const plain = typeof text === "string" ? text : strictUtf8.decode(text);
    if (plain.trimStart().startsWith("{")) return { format: "json", fields: jsonFields(plain) };
    const fields = parseXml(plain);
    return fields === null ? null : { format: "xml", fields };
  } catch {
    return null; // neither UTF-8 nor JSON
  }
}

/** Numbers stay as they are written: an id of 64 bits does not fit in one. */
function jsonFields(json: string): XmlFields {
  const asText: (key: string, value: unknown, context?: { source?: string }) => unknown = (
    _key,
    value,
    context,
  ) => (typeof value === "number" ? (context?.source ?? String(value)) : value);
  const fields = fieldsOf(JSON.parse(json, asText as Parameters<typeof JSON.parse>[1]));
  return new Map(
    Object.entries(fields).flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : [])),
  );
}
