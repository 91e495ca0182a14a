import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { removeTemplateTokens } from "../untrusted.ts";
import { oneLine } from "./outside-text.ts";

/** Limits of one tool, in characters of JSON and levels of nesting. A model pays for every character at every turn. */
const MAX_SCHEMA_CHARS = 32_768;
const MAX_SCHEMA_DEPTH = 32;
const MAX_DESCRIPTION_CHARS = 1000;
const MAX_FIELD_DESCRIPTION_CHARS = 500;
const MAX_TITLE_CHARS = 80;

const hint = Type.Optional(Type.Boolean());

/** What is read of a tool definition (MCP 2026-07-28, schema `Tool`); the rest is ignored. */
const DefinitionSchema = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 256 }),
  title: Type.Optional(Type.String()),
  description: Type.Optional(Type.String()),
  inputSchema: Type.Object({ type: Type.Literal("object") }),
  outputSchema: Type.Optional(Type.Object({})),
  annotations: Type.Optional(
    Type.Object({
      title: Type.Optional(Type.String()),
      readOnlyHint: hint,
      destructiveHint: hint,
      idempotentHint: hint,
      openWorldHint: hint,
    }),
  ),
});

/** A tool as an outside server defines it, with texts that are fit to be shown. */
export interface OutsideDefinition {
  /** As the server calls it. */
  name: string;
  title: string;
  description: string;
  inputSchema: Record<string, unknown>;
  /** As the server gave it: only ever used to judge its own results. */
  outputSchema: Record<string, unknown> | null;
  /** Claims of the server. */
  annotations: NonNullable<Static<typeof DefinitionSchema>["annotations"]>;
}

export type ReadDefinition =
  | { ok: true; definition: OutsideDefinition }
  | { ok: false; name: string; why: string };

/**
 * Reads one tool definition of an outside server. Its input schema is passed on as it is, but for the texts in it, which are
 * shortened and cleaned. A definition that cannot be passed on safely is refused: the others of the server are not touched
 * by that.
 */
export function readDefinition(raw: unknown): ReadDefinition {
  if (!Value.Check(DefinitionSchema, raw))
    return { ok: false, name: nameOf(raw), why: "its definition is not one of MCP" };
  try {
    return {
      ok: true,
      definition: {
        name: raw.name,
        title: oneLine(raw.title ?? raw.annotations?.title ?? raw.name, MAX_TITLE_CHARS),
        description: oneLine(raw.description ?? "", MAX_DESCRIPTION_CHARS),
        inputSchema: cleanSchema(raw.inputSchema) as Record<string, unknown>,
        outputSchema: raw.outputSchema ?? null,
        annotations: raw.annotations ?? {},
      },
    };
  } catch (error) {
    if (error instanceof Unfit) return { ok: false, name: nameOf(raw), why: error.message };
    throw error;
  }
}

function nameOf(raw: unknown): string {
  const name = typeof raw === "object" && raw !== null && "name" in raw ? raw.name : "";
  return oneLine(String(name), 100);
}

/** Why a schema is not passed on. */
class Unfit extends Error {}

function cleanSchema(schema: unknown): unknown {
  const cleaned = cleanNode(schema, 0);
  const text = JSON.stringify(cleaned);
  if (text.length > MAX_SCHEMA_CHARS)
    throw new Unfit(`its input schema is longer than ${MAX_SCHEMA_CHARS} characters`);
  // What is left of them stands in names and values, which cannot be changed without changing their meaning.
  if (removeTemplateTokens(text) !== text) throw new Unfit("its input schema holds tokens of chat templates");
  return cleaned;
}

function cleanNode(node: unknown, depth: number): unknown {
  if (typeof node !== "object" || node === null) return node;
  if (depth > MAX_SCHEMA_DEPTH)
    throw new Unfit(`its input schema is nested deeper than ${MAX_SCHEMA_DEPTH} levels`);
  if (Array.isArray(node)) return node.map((item) => cleanNode(item, depth + 1));
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, cleanEntry(key, value, depth)]));
}

function cleanEntry(key: string, value: unknown, depth: number): unknown {
  if (typeof value !== "string") return cleanNode(value, depth + 1);
  if (key === "description" || key === "title") return oneLine(value, MAX_FIELD_DESCRIPTION_CHARS);
  // Nobody shall be led to fetch a schema from an address that the server chose.
  if ((key === "$ref" || key === "$dynamicRef") && !value.startsWith("#"))
    throw new Unfit("its input schema refers to another document");
  return value;
}
