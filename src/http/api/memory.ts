import { AppError } from "../../lib/errors.ts";
import { timestamp } from "../../lib/timestamp.ts";
import type { MemoryEntry } from "../../store/records.ts";
import { valueProblem } from "../../tools/memory.ts";
import { admittedPlugin, callerOf } from "../admission.ts";
import { json, noContent } from "../answers.ts";
import { jsonBody } from "../body.ts";
import type { Edge } from "../edge.ts";
import { ROUTES } from "../routes.ts";
import { DEFAULT_PAGE } from "../schemas.ts";
import { numericLimit, pageOf } from "./paging.ts";

/** What stands in the store as the source of entries written here. */
const SOURCE = "api";

/** `/memory`: the caller's own entries. */
export function memoryApi(edge: Edge) {
  const { memory } = edge.store;
  return admittedPlugin(edge.config.current.api.base_path)
    .get(
      ROUTES.readMemory.path,
      async ({ query, admission }) => {
        const { principal } = callerOf(admission);
        if (query.key !== undefined) {
          const entry = await memory.get(principal, query.key);
          if (entry === null) throw noEntry();
          return json(admission, publicEntry(entry));
        }
        if (query.q !== undefined) {
          const entries = await memory.search(principal, query.q, query.limit ?? DEFAULT_PAGE);
          return json(admission, { memories: entries.map(publicEntry), next_cursor: null });
        }
        const { items, nextCursor } = await memory.list(principal, pageOf(query));
        return json(admission, { memories: items.map(publicEntry), next_cursor: nextCursor });
      },
      { query: ROUTES.readMemory.query, transform: numericLimit },
    )
    .post(
      ROUTES.writeMemory.path,
      async ({ body, admission }) => {
        const problem = valueProblem(body.value);
        if (problem !== null) throw new AppError("invalid_request", `value: ${problem}`);
        const entry = await memory.set(callerOf(admission).principal, body.key, body.value, SOURCE);
        return json(admission, publicEntry(entry));
      },
      { body: ROUTES.writeMemory.body, parse: jsonBody(edge) },
    )
    .delete(
      ROUTES.deleteMemory.path,
      async ({ query, admission }) => {
        if (!(await memory.delete(callerOf(admission).principal, query.key))) throw noEntry();
        return noContent(admission);
      },
      { query: ROUTES.deleteMemory.query },
    );
}

function publicEntry({ key, value, source, createdAt, updatedAt }: MemoryEntry) {
  return { key, value, source, created_at: timestamp(createdAt), updated_at: timestamp(updatedAt) };
}

function noEntry(): AppError {
  return new AppError("not_found", "There is no memory under this key.", {
    hint: "GET /memory without a key lists what there is.",
  });
}
