import { Type } from "typebox";
import type { MemoryStore } from "../store/contract.ts";
import type { MemoryEntry } from "../store/records.ts";
import { defineTool, type Tool, type ToolContext } from "./contract.ts";
import { dataResult, errorResult } from "./result.ts";
import { cutText } from "./text.ts";

export const MEMORY_KEY_CHARS = 200;
/** Of the value as JSON. */
export const MEMORY_VALUE_BYTES = 256 * 1024;
const FOUND_LIMIT = 20;
const PREVIEW_CHARS = 500;

const key = Type.String({ minLength: 1, maxLength: MEMORY_KEY_CHARS });
const closed = { additionalProperties: false } as const;
const oneOfTypes = (...types: string[]) => types.map((type) => ({ type }));
const FLAT_TYPES = oneOfTypes("object", "string", "number", "boolean", "null");
/** Any JSON value, spelled out: clients and providers refuse, or take for a string, what has no type. */
const storedValue = Type.Unknown({ anyOf: [...FLAT_TYPES, ...oneOfTypes("array")] });
/** The same as it is written; a provider wants every array to name its items. Arrays in arrays are taken too. */
const newValue = Type.Unknown({ anyOf: [...FLAT_TYPES, { type: "array", items: { anyOf: FLAT_TYPES } }] });
const entry = Type.Object({
  key: Type.String(),
  value: storedValue,
  source: Type.String({ description: "Who wrote it: a run or a door." }),
  updated_at: Type.Integer(),
});

/** The memory group. Every principal has a memory of its own. */
export function memoryTools(memory: MemoryStore): Tool[] {
  return [
    defineTool({
      name: "memory_read",
      group: "memory",
      title: "Read memory",
      description: "Read what is remembered under a key.",
      input: Type.Object({ key }, closed),
      output: entry,
      effect: "read",
      async run(input, { caller }) {
        const found = await memory.get(caller.principal, input.key);
        return found ? dataResult(show(found)) : nothingUnder(input.key);
      },
    }),
    defineTool({
      name: "memory_write",
      group: "memory",
      title: "Write memory",
      description: "Remember a JSON value under a key, for later conversations too. Replaces the old value.",
      input: Type.Object({ key, value: newValue }, closed),
      output: Type.Object({ key: Type.String(), updated_at: Type.Integer() }),
      effect: "write",
      destructive: true,
      idempotent: true,
      async run(input, context) {
        const problem = valueProblem(input.value);
        if (problem) return errorResult(problem);
        const source = sourceOf(context);
        const stored = await memory.set(context.caller.principal, input.key, input.value, source);
        return dataResult({ key: stored.key, updated_at: stored.updatedAt });
      },
    }),
    defineTool({
      name: "memory_search",
      group: "memory",
      title: "Search memory",
      description: "Find remembered keys by words in the key or the value.",
      input: Type.Object({ query: Type.String({ maxLength: 1000 }) }, closed),
      output: Type.Object({
        entries: Type.Array(
          Type.Object({
            key: Type.String(),
            preview: Type.String({ description: "The value as JSON, cut when it is long." }),
            source: Type.String(),
            updated_at: Type.Integer(),
          }),
        ),
      }),
      effect: "read",
      async run(input, { caller }) {
        const found = await memory.search(caller.principal, input.query, FOUND_LIMIT);
        return dataResult({ entries: found.map(preview) });
      },
    }),
    defineTool({
      name: "memory_delete",
      group: "memory",
      title: "Delete memory",
      description: "Forget a key.",
      input: Type.Object({ key }, closed),
      output: Type.Object({ deleted: Type.Boolean() }),
      effect: "write",
      destructive: true,
      idempotent: true,
      async run(input, { caller }) {
        const deleted = await memory.delete(caller.principal, input.key);
        return deleted ? dataResult({ deleted }) : nothingUnder(input.key);
      },
    }),
  ];
}

/** Why a value cannot be remembered, or null. Every door that writes memory asks this. */
export function valueProblem(value: unknown): string | null {
  let fits = true;
  const json = JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === "number") fits &&= Number.isFinite(part); // `1e999` is read as infinite and written as null
    return part;
  });
  if (json === undefined) return "The value is missing.";
  if (!fits) return "A number in the value is too large to be kept.";
  const sizeBytes = Buffer.byteLength(json);
  if (sizeBytes <= MEMORY_VALUE_BYTES) return null;
  return `The value has ${sizeBytes} bytes as JSON; ${MEMORY_VALUE_BYTES} are the most. Store less, or split it over several keys.`;
}

function sourceOf({ caller, runId }: ToolContext): string {
  return runId ?? caller.door;
}

function show(found: MemoryEntry) {
  return { key: found.key, value: found.value, source: found.source, updated_at: found.updatedAt };
}

function preview({ key, value, source, updatedAt }: MemoryEntry) {
  return { key, preview: cutText(JSON.stringify(value), PREVIEW_CHARS), source, updated_at: updatedAt };
}

function nothingUnder(key: string) {
  return errorResult(
    `Nothing is remembered under ${JSON.stringify(key)}. memory_search finds the keys there are.`,
  );
}
