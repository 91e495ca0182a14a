import type { ValidationError } from "elysia";
import type { TSchema } from "typebox";
import { AppError } from "../lib/errors.ts";
import { nearest } from "../lib/nearest.ts";
import { PATTERN_FORMS } from "./schemas.ts";

/** More findings than this help nobody. */
const MAX_FINDINGS = 10;

/** One thing that is wrong with a request. */
export interface Finding {
  /** JSON pointer into the body, or the name of a query parameter with a slash in front. */
  field: string;
  detail: string;
}

/** The parts of a TypeBox error that are used here. */
interface TypeBoxError {
  path: string;
  message: string;
  schema: TSchema;
}

/** What is wrong with a request that does not match its schema: field by field, with the nearest right name. Repeats no value. */
export function describeInvalid(error: ValidationError): { error: AppError; findings: Finding[] } {
  const schema = schemaOf(error);
  const known = Object.keys((schema as { properties?: object } | undefined)?.properties ?? {});
  const seen = new Set<string>();
  const findings: Finding[] = [];
  let hint: string | undefined;
  for (const one of errorsOf(error)) {
    if (seen.has(one.path) || findings.length === MAX_FINDINGS) continue;
    seen.add(one.path);
    findings.push({ field: one.path, detail: detailOf(one) });
    if (one.message === UNEXPECTED) hint ??= nameHint(one.path.slice(1), known);
  }
  const where = { query: "query", params: "address" }[error.type as string] ?? "body";
  const message = findings[0] ? sentence(findings[0], where) : `The ${where} is not as it should be.`;
  return {
    error: new AppError("invalid_request", message, {
      hint: hint ?? "See /swagger for what this endpoint takes.",
    }),
    findings,
  };
}

const UNEXPECTED = "Unexpected property";
const MISSING = "Expected required property";

function schemaOf(error: ValidationError): TSchema | undefined {
  return (error.validator as { schema?: TSchema }).schema;
}

function errorsOf(error: ValidationError): Iterable<TypeBoxError> {
  return (error.validator as { Errors(value: unknown): Iterable<TypeBoxError> }).Errors(error.value);
}

function detailOf({ message, schema }: TypeBoxError): string {
  if (message === UNEXPECTED) return "unknown name";
  if (message === MISSING) return "missing";
  return `must be ${formOf(schema)}`;
}

/** What a field takes, in words that follow "must be". */
function formOf(schema: TSchema): string {
  const { type, pattern, minLength = 0, maxLength, minimum, maximum, maxItems, anyOf } = schema;
  if (pattern !== undefined) return PATTERN_FORMS.get(pattern) ?? `text that matches ${pattern}`;
  if (type === "string") return `text of ${minLength} to ${maxLength} characters`;
  if (type === "integer") return `a whole number from ${minimum} to ${maximum}`;
  if (type === "boolean") return "true or false";
  if (anyOf) return anyOf.map((choice: TSchema) => JSON.stringify(choice["const"])).join(" or ");
  return `a list of ${maxItems} entries at most`;
}

function sentence({ field, detail }: Finding, where: string): string {
  return field === "" ? `The ${where}: ${detail}.` : `${field.slice(1)}: ${detail}.`;
}

function nameHint(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  if (meant !== null) return `Did you mean "${meant}"?`;
  return known.length === 0 ? "This endpoint takes none." : `Known names: ${known.join(", ")}.`;
}
