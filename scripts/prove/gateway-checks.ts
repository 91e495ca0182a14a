import { Database } from "bun:sqlite";
import type { Question } from "./gateway-writers.ts";
import type { Verdict } from "./verdict.ts";

/** Reads the database itself: whole, one run per message, completed, and nothing left in the outbox. The number of runs. */
export function checkRuns(path: string, questions: readonly Question[], verdict: Verdict): number {
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
      counts.set(name, (counts.get(name) ?? 0) + 1);
      if (status !== "completed") verdict.violation(`the run of ${name} is ${status}`);
    }
    for (const { name } of questions)
      if (counts.get(name) !== 1) verdict.violation(`${name} has ${counts.get(name) ?? 0} runs`);
    const left = database
      .query<{ status: string; n: number }, []>(
        "SELECT status, count(*) AS n FROM deliveries WHERE status <> 'sent' GROUP BY status",
      )
      .all();
    for (const { status, n } of left) verdict.violation(`${n} deliveries are still ${status}`);
    return runs.length;
  } finally {
    database.close();
  }
}
