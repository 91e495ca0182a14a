import { AppError } from "../lib/errors.ts";
import { type Db, statement } from "./connection.ts";

/** A session with the sessions of its sub-tasks, their sub-tasks and so on: they go together. */

const SESSIONS_BELOW = `WITH RECURSIVE tree (key) AS (
    VALUES (?)
    UNION SELECT s.key FROM tree JOIN runs r ON r.session_key = tree.key JOIN sessions s ON s.parent_run_id = r.id
  )`;

const RUNS_BELOW = `WITH RECURSIVE tree (id) AS (
    VALUES (?)
    UNION SELECT r.id FROM tree JOIN sessions s ON s.parent_run_id = tree.id JOIN runs r ON r.session_key = s.key
  )`;

const selectOpenRun = statement((db) =>
  db.$client.prepare<[number], [string]>(
    `${SESSIONS_BELOW} SELECT 1 FROM tree JOIN runs ON session_key = tree.key
     WHERE status IN ('queued', 'running') LIMIT 1`,
  ),
);

const deleteWordsOfSession = statement((db) =>
  db.$client.prepare(
    `${SESSIONS_BELOW} DELETE FROM messages_fts
     WHERE rowid IN (SELECT messages.id FROM tree JOIN messages ON session_key = tree.key)`,
  ),
);

const deleteWordsOfRun = statement((db) =>
  db.$client.prepare(
    `${RUNS_BELOW} DELETE FROM messages_fts
     WHERE rowid IN (SELECT messages.id FROM tree JOIN messages ON run_id = tree.id)`,
  ),
);

/** Throws `conflict` while a run of the session or below it has not ended. */
export function refuseOpenRuns(db: Db, sessionKey: string): void {
  if (selectOpenRun(db).values(sessionKey).length === 0) return;
  throw new AppError("conflict", "A run of this session is still open.", {
    hint: "Cancel the run or wait for its end, then try again.",
  });
}

/** Takes the words of the session and of all below it out of the search, before their rows go; within a transaction. */
export function forgetWordsOfSession(db: Db, sessionKey: string): void {
  deleteWordsOfSession(db).run(sessionKey);
}

/** The same for a run and its sub-tasks. */
export function forgetWordsOfRun(db: Db, runId: string): void {
  deleteWordsOfRun(db).run(runId);
}
