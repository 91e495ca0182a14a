import { type Db, statement } from "./connection.ts";
import { messagesOfRun } from "./messages.ts";
import type { NewMessage } from "./records.ts";
import { forgetWordsOfRun, refuseOpenRuns } from "./session-tree.ts";

/** Runs whose message went to the turn before are no turns of their own; they go with that one. */
const selectLastTurn = statement((db) =>
  db.$client.prepare<{ id: string; position: number }, [string]>(
    `SELECT id, position FROM runs WHERE session_key = ? AND finish_reason IS NOT 'steered'
     ORDER BY position DESC LIMIT 1`,
  ),
);

/** A summary that tells of the turn goes too; the next one is made from the messages. */
const forgetInSession = statement((db) =>
  db.$client.prepare(
    `UPDATE sessions SET
       message_count = message_count - (SELECT count(*) FROM messages WHERE run_id = ?2),
       summary = iif(summary_through_id >= (SELECT min(id) FROM messages WHERE run_id = ?2), NULL, summary),
       updated_at = ?3
     WHERE key = ?1`,
  ),
);

const deleteRunsFrom = statement((db) =>
  db.$client.prepare("DELETE FROM runs WHERE session_key = ? AND position >= ?"),
);

/**
 * Removes the last turn of a session with everything that was said in it and its sub-tasks; within a transaction. Gives
 * what the user said, as one message, or null when there is no turn. Throws `conflict` while a run of the session is open.
 */
export function removeLastTurn(db: Db, sessionKey: string, now: number): NewMessage | null {
  refuseOpenRuns(db, sessionKey);
  const turn = selectLastTurn(db).get(sessionKey);
  if (!turn) return null;
  const said = messagesOfRun(db, turn.id).filter((message) => message.role === "user");
  forgetWordsOfRun(db, turn.id);
  forgetInSession(db).run(sessionKey, turn.id, now);
  deleteRunsFrom(db).run(sessionKey, turn.position);
  return { role: "user", parts: said.flatMap((message) => message.parts) };
}
