import { parseJson } from "../lib/json.ts";

/** Longer ids are no ids. */
const MAX_ID_LENGTH = 256;

/** The object that a verified body holds as JSON; null for any other body, such as a form. */
export function objectIn(body: Uint8Array): Record<string, unknown> | null {
  try {
    const value = parseJson(body);
    return value !== null && typeof value === "object" && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null; // no JSON: it holds no field, which is an answer and not a failure
  }
}

/** The id that the sender wrote into the body it signed; null when there is none. */
export function idIn(body: Uint8Array, field: string): string | null {
  const id = objectIn(body)?.[field];
  return typeof id === "string" && id !== "" && id.length <= MAX_ID_LENGTH ? id : null;
}
