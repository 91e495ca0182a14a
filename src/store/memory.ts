import { and, asc, eq, gt, sql } from "drizzle-orm";
import { type Db, statement } from "./connection.ts";
import type { MemoryStore } from "./contract.ts";
import { decodeCursor, pageOf, wholeLimit } from "./cursor.ts";
import type { MemoryEntry } from "./records.ts";
import { memory } from "./schema.ts";
import { indexWords, matchExpression, parseQuery } from "./search.ts";
import type { Access } from "./writer.ts";

const selectEntry = statement((db) =>
  db
    .select()
    .from(memory)
    .where(and(eq(memory.principal, sql.placeholder("principal")), eq(memory.key, sql.placeholder("key"))))
    .prepare(),
);

const upsert = statement((db) =>
  db
    .insert(memory)
    .values({
      principal: sql.placeholder("principal"),
      key: sql.placeholder("key"),
      value: sql.placeholder("value"),
      source: sql.placeholder("source"),
      createdAt: sql.placeholder("now"),
      updatedAt: sql.placeholder("now"),
    })
    .onConflictDoUpdate({
      target: [memory.principal, memory.key],
      set: { value: sql`excluded.value`, source: sql`excluded.source`, updatedAt: sql`excluded.updated_at` },
    })
    .returning()
    .prepare(),
);

const deleteEntry = statement((db) =>
  db
    .delete(memory)
    .where(and(eq(memory.principal, sql.placeholder("principal")), eq(memory.key, sql.placeholder("key"))))
    .returning({ id: memory.id })
    .prepare(),
);

const replaceWords = statement((db) =>
  db.$client.prepare("INSERT OR REPLACE INTO memory_fts (rowid, words) VALUES (?, ?)"),
);

const deleteWords = statement((db) => db.$client.prepare("DELETE FROM memory_fts WHERE rowid = ?"));

/** Memory with its full-text index. `now` gives milliseconds since the epoch. */
export function createMemoryStore(access: Access, now: () => number): MemoryStore {
  return {
    get: (principal, key) =>
      access.read((db) => {
        const row = selectEntry(db).get({ principal, key });
        return row ? toEntry(row) : null;
      }),
    set: (principal, key, value, source) =>
      access.write((db) => {
        const row = upsert(db).get({ principal, key, value: value ?? null, source, now: now() });
        replaceWords(db).run(row.id, indexWords(`${key}\n${textOf(row.value)}`));
        return toEntry(row);
      }),
    delete: (principal, key) =>
      access.write((db) => {
        const deleted = deleteEntry(db).get({ principal, key });
        if (!deleted) return false;
        deleteWords(db).run(deleted.id);
        return true;
      }),
    list: (principal, page) =>
      access.read((db) => {
        const limit = wholeLimit(page.limit);
        const from = decodeCursor(page.cursor, ["string"]);
        const rows = db
          .select()
          .from(memory)
          .where(and(eq(memory.principal, principal), from ? gt(memory.key, from[0]) : undefined))
          .orderBy(asc(memory.key))
          .limit(limit + 1)
          .all();
        return pageOf(rows.map(toEntry), limit, (last) => [last.key]);
      }),
    search: (principal, query, limit) =>
      access.read((db) => {
        const question = parseQuery(query);
        if (question.words.length === 0) return [];
        const all = find(db, principal, matchExpression(question, "all"), limit);
        return all.length > 0 ? all : find(db, principal, matchExpression(question, "any"), limit);
      }),
  };
}

function find(db: Db, principal: string, match: string, limit: number): MemoryEntry[] {
  return db
    .select({ entry: memory })
    .from(sql`memory_fts`)
    .innerJoin(memory, sql`${memory.id} = memory_fts.rowid`)
    .where(and(sql`memory_fts MATCH ${match}`, eq(memory.principal, principal)))
    .orderBy(sql`bm25(memory_fts), ${memory.key}`)
    .limit(wholeLimit(limit))
    .all()
    .map((row) => toEntry(row.entry));
}

function toEntry({ id: _id, principal: _principal, ...entry }: typeof memory.$inferSelect): MemoryEntry {
  return entry;
}

/** The strings, numbers and names in a JSON value. */
function textOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value)
    .map(([name, inner]) => `${Array.isArray(value) ? "" : name} ${textOf(inner)}`)
    .join("\n");
}
