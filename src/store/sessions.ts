import { and, asc, desc, eq, gt, isNull, lt, sql } from "drizzle-orm";
import { AppError } from "../lib/errors.ts";
import { type Db, statement } from "./connection.ts";
import type { SessionStore } from "./contract.ts";
import { decodeCursor, pageOf, wholeLimit } from "./cursor.ts";
import { findDelivery, keepDelivery } from "./inbox.ts";
import { removeLastTurn } from "./last-turn.ts";
import { plainText, searchableText, toMessage } from "./messages.ts";
import type { MessageHit, Page, Session } from "./records.ts";
import { messages, sessions } from "./schema.ts";
import { type MatchMode, matchExpression, parseQuery, snippet } from "./search.ts";
import { forgetWordsOfSession, refuseOpenRuns } from "./session-tree.ts";
import type { Access } from "./writer.ts";

const selectSession = statement((db) =>
  db
    .select()
    .from(sessions)
    .where(eq(sessions.key, sql.placeholder("key")))
    .prepare(),
);

const selectMessages = statement((db) =>
  db
    .select()
    .from(messages)
    .where(and(eq(messages.sessionKey, sql.placeholder("key")), gt(messages.id, sql.placeholder("from"))))
    .orderBy(asc(messages.id))
    .limit(sql.placeholder("limit"))
    .prepare(),
);

const selectNewestMessages = statement((db) =>
  db
    .select()
    .from(messages)
    .where(and(eq(messages.sessionKey, sql.placeholder("key")), lt(messages.id, sql.placeholder("from"))))
    .orderBy(desc(messages.id))
    .limit(sql.placeholder("limit"))
    .prepare(),
);

const deleteSession = statement((db) => db.$client.prepare("DELETE FROM sessions WHERE key = ?"));

const updateSummary = statement((db) =>
  db.$client.prepare("UPDATE sessions SET summary = ?, summary_through_id = ? WHERE key = ?"),
);

/** Sessions, and the search over their messages. `now` gives milliseconds since the epoch. */
export function createSessionStore(access: Access, now: () => number): SessionStore {
  return {
    get: (key) =>
      access.read((db) => {
        const row = selectSession(db).get({ key });
        return row ? toSession(row) : null;
      }),
    list: (page) => access.read((db) => listSessions(db, page)),
    messages: (key, page) => access.read((db) => listMessages(db, key, page)),
    search: (query, page) => access.read((db) => searchMessages(db, query, page)),
    delete: (key) =>
      access.write((db) => {
        refuseOpenRuns(db, key);
        forgetWordsOfSession(db, key);
        return deleteSession(db).run(key).changes > 0;
      }),
    summary: (key) =>
      access.read((db) => {
        const row = selectSession(db).get({ key });
        if (!row || row.summary === null || row.summaryThroughId === null) return null;
        return { text: row.summary, throughId: row.summaryThroughId };
      }),
    saveSummary: (key, { text, throughId }) =>
      access.write((db) => {
        if (updateSummary(db).run(text, throughId, key).changes === 0)
          throw new AppError("not_found", "There is no such session.");
      }),
    undo: (key, delivery) =>
      access.write((db) => {
        const known = findDelivery(db, delivery);
        if (known) return known.note;
        const removed = removeLastTurn(db, key, now());
        const text = removed && plainText(removed);
        keepDelivery(db, delivery, { runId: null, note: text }, now());
        return text;
      }),
  };
}

function toSession({
  summary: _summary,
  summaryThroughId: _through,
  parentRunId: _parent,
  ...session
}: typeof sessions.$inferSelect): Session {
  return session;
}

function listSessions(db: Db, page: Parameters<SessionStore["list"]>[0]): Page<Session> {
  const limit = wholeLimit(page.limit);
  const from = decodeCursor(page.cursor, ["number", "string"]);
  const rows = db
    .select()
    .from(sessions)
    .where(
      and(
        isNull(sessions.parentRunId),
        page.owner === undefined ? undefined : eq(sessions.owner, page.owner),
        from ? sql`(${sessions.updatedAt}, ${sessions.key}) < (${from[0]}, ${from[1]})` : undefined,
      ),
    )
    .orderBy(desc(sessions.updatedAt), desc(sessions.key))
    .limit(limit + 1)
    .all();
  return pageOf(rows.map(toSession), limit, (last) => [last.updatedAt, last.key]);
}

function listMessages(db: Db, key: string, page: Parameters<SessionStore["messages"]>[1]) {
  const limit = wholeLimit(page.limit);
  const from = decodeCursor(page.cursor, ["number"])?.[0];
  if (page.newest) {
    const rows = selectNewestMessages(db).all({
      key,
      from: from ?? Number.MAX_SAFE_INTEGER,
      limit: limit + 1,
    });
    const { items, nextCursor } = pageOf(rows.map(toMessage), limit, (oldest) => [oldest.id]);
    return { items: items.reverse(), nextCursor };
  }
  const rows = selectMessages(db).all({ key, from: from ?? 0, limit: limit + 1 });
  return pageOf(rows.map(toMessage), limit, (last) => [last.id]);
}

/** Messages with all the words of the query; when there are none, those with any of them. */
function searchMessages(
  db: Db,
  query: string,
  page: Parameters<SessionStore["search"]>[1],
): Page<MessageHit> {
  const limit = wholeLimit(page.limit);
  const from = decodeCursor(page.cursor, ["number", "string"]);
  const question = parseQuery(query);
  if (question.words.length === 0) return { items: [], nextCursor: null };

  const offset = Math.max(0, Math.floor(from?.[0] ?? 0));
  let mode: MatchMode = from?.[1] === "any" ? "any" : "all";
  const find = () =>
    db
      .select({ message: messages })
      .from(sql`messages_fts`)
      .innerJoin(messages, sql`${messages.id} = messages_fts.rowid`)
      .where(
        and(
          sql`messages_fts MATCH ${matchExpression(question, mode)}`,
          page.sessionKey === undefined
            ? sql`${messages.sessionKey} NOT IN (SELECT key FROM sessions WHERE parent_run_id IS NOT NULL)`
            : eq(messages.sessionKey, page.sessionKey),
          page.owner === undefined
            ? undefined
            : sql`${messages.sessionKey} IN (SELECT key FROM sessions WHERE owner = ${page.owner})`,
        ),
      )
      .orderBy(sql`bm25(messages_fts), ${messages.id} DESC`)
      .limit(limit + 1)
      .offset(offset)
      .all();
  let rows = find();
  if (rows.length === 0 && !from && question.words.length > 1) {
    mode = "any";
    rows = find();
  }
  const hits = rows.map((row) => {
    const message = toMessage(row.message);
    return { message, snippet: snippet(searchableText(message), question) };
  });
  return pageOf(hits, limit, () => [offset + limit, mode]);
}
