import { type Db, statement } from "./connection.ts";
import type { AbsorbedRuns } from "./contract.ts";
import { endRepliesUnsent } from "./deliveries.ts";
import { appendRunEvents } from "./events.ts";
import { appendMessages, moveMessages } from "./messages.ts";
import type { NewMessage, NewRunEvent } from "./records.ts";

/** Those that come next in the session, up to the first one that does not join. */
const selectJoining = statement((db) =>
  db.$client.prepare<{ id: string }, [string]>(
    `SELECT id FROM runs WHERE session_key = ?1 AND status = 'queued' AND joins_running = 1 AND position < coalesce(
       (SELECT min(position) FROM runs WHERE session_key = ?1 AND status = 'queued' AND joins_running = 0), 1e18)
     ORDER BY position`,
  ),
);

const endAsSteered = statement((db) =>
  db.$client.prepare(
    "UPDATE runs SET status = 'completed', finish_reason = 'steered', finished_at = ?2 WHERE id = ?1",
  ),
);

/** A running run, and the number of its last event. */
interface RunningRun {
  id: string;
  sessionKey: string;
  lastSeq: number;
}

/** See `RunStore.absorb`; within a transaction. */
export function absorbJoining(
  db: Db,
  run: RunningRun,
  said: NewMessage[],
  events: (absorbed: NewMessage[], runIds: readonly string[]) => NewRunEvent[],
  now: number,
): AbsorbedRuns {
  const runIds = selectJoining(db)
    .all(run.sessionKey)
    .map((row) => row.id);
  if (runIds.length > 0) appendMessages(db, run, said, now);
  const messages = runIds.flatMap((id) => {
    const moved = moveMessages(db, id, run, now);
    endAsSteered(db).run(id, now);
    endRepliesUnsent(db, id, now);
    return moved;
  });
  return {
    runIds,
    messages,
    events: appendRunEvents(db, run.id, run.lastSeq, events(messages, runIds), now),
  };
}
