import type { PageRequest } from "../../store/records.ts";
import { DEFAULT_PAGE } from "../schemas.ts";

/** The page that a query asks for. */
export function pageOf({ limit = DEFAULT_PAGE, cursor }: { limit?: number; cursor?: string }): PageRequest {
  return cursor === undefined ? { limit } : { limit, cursor };
}

/** Makes a number of `limit` when it is one, before the query is validated: in an address everything is text. */
export function numericLimit({ query }: { query: { limit?: unknown } }): void {
  if (typeof query.limit === "string" && /^\d{1,9}$/.test(query.limit)) query.limit = Number(query.limit);
}
