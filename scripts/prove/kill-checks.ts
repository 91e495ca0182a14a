import { Database } from "bun:sqlite";
import type { Hermes } from "../../tests/support/hermes.ts";
import { type Message, noteAnswer } from "./kill-callers.ts";
import type { RecordingModel } from "./recording-model.ts";
import type { Verdict } from "./verdict.ts";

const ENDED = new Set(["completed", "failed", "cancelled"]);
const DRAIN_TIMEOUT_MS = 120_000;
const DRAIN_PAUSE_MS = 50;
const READERS = 16;

/** Waits for every accepted run to end and checks what it ended with. */
export async function checkNoneLost(messages: readonly Message[], hermes: Hermes, verdict: Verdict) {
  const waiting = messages.filter((message) => message.runId !== null && message.answeredAt === null);
  const deadline = performance.now() + DRAIN_TIMEOUT_MS;
  const queue = [...waiting];
  const reader = async () => {
    for (let message = queue.shift(); message; message = queue.shift())
      for (;;) {
        const response = await fetch(hermes.api(`/runs/${message.runId}`), { headers: hermes.headers });
        const run = (await response.json()) as { status: string; response?: string };
        if (response.ok && run.status === "completed") {
          noteAnswer(message, run.response, verdict);
          break;
        }
        if (!response.ok || ENDED.has(run.status) || performance.now() > deadline) {
          verdict.violation(`${message.text}: lost: ${response.status} ${JSON.stringify(run)}`);
          break;
        }
        await Bun.sleep(DRAIN_PAUSE_MS);
      }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  return waiting.length;
}

/** No model call may begin for a message whose answer was seen, and one life of the server may answer it only once. */
export function checkNoneTwice(messages: readonly Message[], model: RecordingModel, verdict: Verdict): void {
  for (const message of messages) {
    const calls = model.calls(message.text);
    const answeredAt = message.answeredAt ?? Number.POSITIVE_INFINITY;
    if (calls.some((call) => call.startedAt > answeredAt))
      verdict.violation(`${message.text}: the model was asked again after the answer was seen`);
    const finished = calls.filter((call) => call.step === "answer" && call.completedAt !== null);
    if (new Set(finished.map((call) => call.life)).size < finished.length)
      verdict.violation(`${message.text}: answered twice within one life of the server`);
    if (message.answeredAt !== null && finished.length === 0)
      verdict.violation(`${message.text}: answered, but the model never finished an answer`);
  }
}

export interface Effects {
  attempts: number[];
  toolCalls: number;
  unknownOutcomes: number;
}

/** Reads the database itself: whole, each message one run, each tool's effect at most once. */
export function checkDatabase(path: string, messages: readonly Message[], verdict: Verdict): Effects {
  const database = new Database(path, { readonly: true });
  try {
    const integrity = database.query("PRAGMA integrity_check").values().flat();
    if (integrity.join() !== "ok") verdict.violation(`integrity_check: ${integrity.slice(0, 3).join("; ")}`);
    const orphans = database.query("PRAGMA foreign_key_check").values();
    if (orphans.length > 0) verdict.violation(`foreign_key_check: ${orphans.length} rows`);
    checkRuns(database, messages, verdict);
    const repeated = database.query("SELECT title FROM todos GROUP BY title HAVING count(*) > 1").values();
    for (const [title] of repeated) verdict.violation(`${title}: its tool ran twice`);
    const failures = database
      .query(
        "SELECT count(*) FROM messages WHERE json_extract(body, '$.role') = 'tool' AND json_extract(body, '$.isError')",
      )
      .values();
    const stored = database.query("SELECT count(*) FROM todos").values();
    return {
      attempts: database.query("SELECT attempts FROM runs").values().flat() as number[],
      toolCalls: Number(stored[0]?.[0]),
      unknownOutcomes: Number(failures[0]?.[0]),
    };
  } finally {
    database.close();
  }
}

function checkRuns(database: Database, messages: readonly Message[], verdict: Verdict): void {
  const rows = database
    .query(
      "SELECT json_extract(body, '$.parts[0].text'), count(*), count(DISTINCT run_id) FROM messages" +
        " WHERE json_extract(body, '$.role') = 'user' GROUP BY 1",
    )
    .values() as [string, number, number][];
  const stored = new Map(rows.map(([text, count, runs]) => [text, { count, runs }]));
  for (const { text, runId } of messages) {
    const found = stored.get(text);
    if (found && (found.count > 1 || found.runs > 1))
      verdict.violation(`${text}: stored ${found.count} times, in ${found.runs} runs`);
    if (runId !== null && !found) verdict.violation(`${text}: accepted and not stored`);
  }
}
