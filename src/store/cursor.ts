import { decodePlace, encodePlace } from "../lib/cursor.ts";
import { AppError } from "../lib/errors.ts";
import type { Page } from "./records.ts";

type Place = readonly (string | number)[];

/**
 * The place in a cursor, or null without one. Rejects a cursor that is not of this kind with `invalid_request`; a forged
 * one can only move the reader within what it may read anyway.
 */
export function decodeCursor<const Kinds extends readonly ("string" | "number")[]>(
  cursor: string | undefined,
  kinds: Kinds,
): { [I in keyof Kinds]: Kinds[I] extends "string" ? string : number } | null {
  if (cursor === undefined) return null;
  const place = decodePlace(cursor);
  const fits =
    Array.isArray(place) &&
    place.length === kinds.length &&
    kinds.every((kind, i) => typeof place[i] === kind);
  if (!fits)
    throw new AppError("invalid_request", "The cursor is not one that this list gave out.", {
      hint: "Pass `next_cursor` of the page before unchanged, or leave the cursor out to start anew.",
    });
  return place as unknown as { [I in keyof Kinds]: Kinds[I] extends "string" ? string : number };
}

/** At least one row, whatever was asked for. */
export function wholeLimit(limit: number): number {
  return Number.isFinite(limit) ? Math.max(1, Math.floor(limit)) : 1;
}

/** A page from rows of which one more than `limit` was read. */
export function pageOf<T>(rows: T[], limit: number, place: (last: T) => Place): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last !== undefined ? encodePlace(place(last)) : null };
}
