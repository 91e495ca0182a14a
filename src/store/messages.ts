import { asc, eq, sql } from "drizzle-orm";
import { type Db, statement } from "./connection.ts";
import type { Message, NewMessage } from "./records.ts";
import { messages } from "./schema.ts";
import { indexWords } from "./search.ts";

/** Rows of messages, as sessions and runs share them. */

/**
 * None of the statements here may be one that SQLite runs on a savepoint of its own, such as an INSERT with RETURNING:
 * FTS5 writes its index out at each savepoint instead of once at the end, which costs as much as all the rest.
 */
const insertMessage = statement((db) =>
  db.$client.prepare("INSERT INTO messages (session_key, run_id, body, created_at) VALUES (?, ?, ?, ?)"),
);

const insertWords = statement((db) =>
  db.$client.prepare("INSERT INTO messages_fts (rowid, words) VALUES (?, ?)"),
);

const countInSession = statement((db) =>
  db.$client.prepare("UPDATE sessions SET message_count = message_count + ?, updated_at = ? WHERE key = ?"),
);

const selectOfRun = statement((db) =>
  db
    .select()
    .from(messages)
    .where(eq(messages.runId, sql.placeholder("runId")))
    .orderBy(asc(messages.id))
    .prepare(),
);

const deleteWordsOfRun = statement((db) =>
  db.$client.prepare("DELETE FROM messages_fts WHERE rowid IN (SELECT id FROM messages WHERE run_id = ?)"),
);

const deleteOfRun = statement((db) => db.$client.prepare("DELETE FROM messages WHERE run_id = ?"));

/** Appends messages to the session of a run; within a transaction. */
export function appendMessages(
  db: Db,
  run: { id: string; sessionKey: string },
  added: NewMessage[],
  now: number,
): void {
  if (added.length === 0) return;
  for (const body of added) {
    const { lastInsertRowid } = insertMessage(db).run(run.sessionKey, run.id, JSON.stringify(body), now);
    const words = indexWords(searchableText(body));
    if (words !== "") insertWords(db).run(lastInsertRowid, words);
  }
  countInSession(db).run(added.length, now, run.sessionKey);
}

/** Makes all messages of a run the last ones of another run of its session, and gives them; within a transaction. */
export function moveMessages(
  db: Db,
  fromRunId: string,
  to: { id: string; sessionKey: string },
  now: number,
): NewMessage[] {
  const moved = selectOfRun(db)
    .all({ runId: fromRunId })
    .map((row) => row.body);
  deleteWordsOfRun(db).run(fromRunId);
  deleteOfRun(db).run(fromRunId);
  countInSession(db).run(-moved.length, now, to.sessionKey);
  appendMessages(db, to, moved, now);
  return moved;
}

/** The messages of a run, oldest first. */
export function messagesOfRun(db: Db, runId: string): Message[] {
  return selectOfRun(db).all({ runId }).map(toMessage);
}

/** A row as the message that the other rooms see. */
export function toMessage(row: typeof messages.$inferSelect): Message {
  const { body, ...place } = row;
  return { ...body, ...place };
}

/** What people wrote and read. The results of tools are no part of the history that one searches. */
export function searchableText(message: NewMessage): string {
  return message.role === "tool" ? "" : plainText(message);
}

/** The text parts of a message, a line each. */
export function plainText(message: NewMessage): string {
  return message.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
}
