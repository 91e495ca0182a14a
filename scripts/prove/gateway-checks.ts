import { Database } from "bun:sqlite";
import type { Verdict } from "./verdict.ts";

/** What is no message of the proof: people ask for what could not be given to them yet. */
const ASKS_FOR_MORE = "继续";

/**
 * Reads the database itself: whole, every run completed, and nothing left in the outbox. Returns how many runs there are for each
 * message by its name, those aside with which people only ask for more.
 */
export function readRuns(path: string, verdict: Verdict): Map<string, number> {
  const database = new Database(path, { readonly: true });
  try {
    const sound = database.query<{ integrity_check: string }, []>("PRAGMA integrity_check").get();
    if (sound?.integrity_check !== "ok")
      verdict.violation(`the database is damaged: ${sound?.integrity_check}`);
    const runs = database
      .query<{ text: string; status: string }, []>(
        `SELECT (SELECT body FROM messages WHERE run_id = runs.id ORDER BY messages.id LIMIT 1) AS text, status FROM runs`,
      )
      .all();
    const counts = new Map<string, number>();
    for (const { text, status } of runs) {
      const name = /prove (\S+) /.exec(text)?.[1] ?? text;
      if (status !== "completed") verdict.violation(`the run of ${name} is ${status}`);
      if (!text.includes(ASKS_FOR_MORE)) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    const left = database
      .query<{ status: string; n: number }, []>(
        "SELECT status, count(*) AS n FROM deliveries WHERE status <> 'sent' GROUP BY status",
      )
      .all();
    for (const { status, n } of left) verdict.violation(`${n} deliveries are still ${status}`);
    return counts;
  } finally {
    database.close();
  }
}
