import type { JsonSchemaValidator } from "@modelcontextprotocol/client";

/** Schemas of one output schema once its references are spelled out. */
const MAX_SCHEMAS = 1000;
/** Schemas times values: what a check costs at most. */
const MAX_STEPS = 1_000_000;

/** Keywords whose value is a schema or a list of schemas. */
const APPLICATORS = new Set([
  "items",
  "prefixItems",
  "contains",
  "additionalProperties",
  "propertyNames",
  "allOf",
  "anyOf",
  "oneOf",
  "not",
  "if",
  "then",
  "else",
]);
/** Keywords whose value is a map of names to schemas. */
const MAPS = new Set(["properties", "dependentSchemas"]);
/** Keywords that are cheap to check whatever they say. */
const ASSERTIONS = new Set([
  "type",
  "const",
  "enum",
  "required",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "minContains",
  "maxContains",
  "minProperties",
  "maxProperties",
  "dependentRequired",
]);

type Schema = Readonly<Record<string, unknown>>;

interface Check {
  validate: JsonSchemaValidator<unknown>;
  schemas: number;
}

const checks = new WeakMap<Schema, Check | null>();

/**
 * True when the value fits the JSON Schema (2020-12) that its server declared. Server and schema are of the same outside
 * party, so the check is bounded: patterns and formats are not run (a pattern can take for ever), local references are
 * spelled out up to a limit, others are never followed, and the schema is interpreted, not compiled. What cannot be checked
 * in these bounds does not fit.
 */
export async function fitsSchema(schema: Schema, value: unknown): Promise<boolean> {
  let check = checks.get(schema);
  if (check === undefined) {
    check = await prepare(schema);
    checks.set(schema, check);
  }
  if (check === null || check.schemas * countValues(value) > MAX_STEPS) return false;
  return orOnThrow(() => check.validate(value).valid, false);
}

async function prepare(schema: Schema): Promise<Check | null> {
  const { CfWorkerJsonSchemaValidator } = await import("@modelcontextprotocol/client/validators/cf-worker");
  const budget = { left: MAX_SCHEMAS };
  return orOnThrow(() => {
    const bounded = spellOut(schema, schema, budget) as Record<string, unknown>;
    const validate = new CfWorkerJsonSchemaValidator({ draft: "2020-12" }).getValidator<unknown>(bounded);
    return { validate, schemas: MAX_SCHEMAS - budget.left };
  }, null);
}

/** What the work returns. A throw only says that the schema of the outside party is none, or beyond the bounds. */
function orOnThrow<T>(work: () => T, otherwise: T): T {
  try {
    return work();
  } catch {
    return otherwise;
  }
}

/** The schema cannot be checked within bounds. */
class Unbounded extends Error {}

/** The schema as a tree, without keywords that may be costly. Raises `Unbounded`. */
function spellOut(node: unknown, root: Schema, budget: { left: number }): unknown {
  budget.left -= 1;
  if (budget.left < 0) throw new Unbounded();
  if (Array.isArray(node)) return node.map((item) => spellOut(item, root, budget));
  if (typeof node !== "object" || node === null) return node;
  const { $ref, ...beside } = node as Record<string, unknown>;
  if ("patternProperties" in beside || "$dynamicRef" in beside) throw new Unbounded();
  const own = Object.fromEntries(
    Object.entries(beside).flatMap(([key, value]) => {
      if (APPLICATORS.has(key)) return [[key, spellOut(value, root, budget)]];
      if (MAPS.has(key)) return [[key, spellOutMap(value, root, budget)]];
      if (key === "enum" && Array.isArray(value)) budget.left -= value.length;
      return ASSERTIONS.has(key) ? [[key, value]] : [];
    }),
  );
  if ($ref === undefined) return own;
  return { allOf: [own, spellOut(resolveLocal($ref, root), root, budget)] };
}

function spellOutMap(map: unknown, root: Schema, budget: { left: number }): unknown {
  if (typeof map !== "object" || map === null) throw new Unbounded();
  return Object.fromEntries(
    Object.entries(map).map(([name, value]) => [name, spellOut(value, root, budget)]),
  );
}

/** The part of the document that a JSON pointer names (RFC 6901). */
function resolveLocal(ref: unknown, root: Schema): unknown {
  if (ref === "#") return root;
  if (typeof ref !== "string" || !ref.startsWith("#/")) throw new Unbounded();
  let node: unknown = root;
  for (const part of ref.slice(2).split("/")) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof node !== "object" || node === null || !Object.hasOwn(node, key)) throw new Unbounded();
    node = (node as Record<string, unknown>)[key];
  }
  return node;
}

function countValues(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce<number>((sum, item) => sum + countValues(item), 1);
}
