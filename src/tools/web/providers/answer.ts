import type { SearchRequest } from "../contract.ts";

/** The list at this place of an answer; null when there is none. */
export function listAt(answer: unknown, ...path: readonly string[]): unknown[] | null {
  let value = answer;
  for (const name of path) value = fieldOf(value, name);
  return Array.isArray(value) ? value : null;
}

/** A field of what may be an object. */
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

/** The results of the wanted page, out of those of all pages up to it. */
export function pageOf(results: unknown[] | null, { page, limit }: SearchRequest): unknown[] | null {
  return results?.slice((page - 1) * limit, page * limit) ?? null;
}
