import type { Hermes } from "../../tests/support/hermes.ts";
import { readFrames, textOf } from "./frames.ts";
import { answerTo } from "./recording-model.ts";
import type { Verdict } from "./verdict.ts";

/** A message that a caller sends until it is accepted or its fate is unknown. */
export interface Message {
  text: string;
  door: "chat" | "stream" | "execute";
  sessionId: string;
  /** With an Idempotency-Key it is sent again after a cut; without one it never is. */
  key: string | null;
  runId: string | null;
  /** When this caller held the right answer in hand. */
  answeredAt: number | null;
}

/** The server as the callers see it: there, or about to come back. */
export interface Target {
  hermes: Hermes;
  /** Resolves while it runs. */
  up(): Promise<void>;
  /** Called once per message, when its acceptance was seen. */
  accepted(message: Message): void;
}

const ANSWER_TIMEOUT_MS = 120_000;
const IN_FLIGHT_PAUSE_MS = 25;

type Outcome = "done" | "again";

/** Sends one message. Resolves with false when the connection broke and nobody can tell whether it was accepted. */
export async function deliver(message: Message, target: Target, verdict: Verdict): Promise<boolean> {
  for (;;) {
    await target.up();
    try {
      if ((await attempt(message, target, verdict)) === "done") return true;
      await Bun.sleep(IN_FLIGHT_PAUSE_MS);
    } catch (error) {
      if (error instanceof DOMException && error.name === "TimeoutError") {
        verdict.violation(`${message.text}: no answer within ${ANSWER_TIMEOUT_MS} ms`);
        return message.runId !== null;
      }
      if (message.key === null) return message.runId !== null;
    }
  }
}

async function attempt(message: Message, target: Target, verdict: Verdict): Promise<Outcome> {
  const { hermes } = target;
  const execute = message.door === "execute";
  const response = await fetch(hermes.api(execute ? "/execute" : "/chat"), {
    method: "POST",
    headers: {
      ...hermes.headers,
      ...(execute ? { prefer: "respond-async" } : {}),
      ...(message.key === null ? {} : { "idempotency-key": message.key }),
    },
    body: JSON.stringify({
      [execute ? "task" : "message"]: message.text,
      session_id: message.sessionId,
      ...(message.door === "stream" ? { stream: true } : {}),
    }),
    keepalive: false, // a reused connection that breaks may be asked a second time behind our back
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  if (response.status === 409 || response.status === 503) {
    await response.body?.cancel();
    return "again";
  }
  if (!response.ok) {
    verdict.violation(`${message.text}: ${response.status} ${await response.text()}`);
    return "done";
  }
  const accept = (runId: unknown) => noteAccepted(message, String(runId), target, verdict);
  if (response.headers.get("content-type")?.startsWith("text/event-stream"))
    return readStream(message, response, accept, verdict);
  const header = response.headers.get("x-run-id");
  if (header) accept(header);
  const body = (await response.json()) as { run_id: string; response?: string };
  accept(body.run_id);
  if (response.status === 200) noteAnswer(message, body.response, verdict);
  return "done";
}

async function readStream(
  message: Message,
  response: Response,
  accept: (runId: unknown) => void,
  verdict: Verdict,
): Promise<Outcome> {
  const frames = [];
  for await (const frame of readFrames(response)) {
    frames.push(frame);
    if (frame.event === "run.started") accept(frame.data["run_id"]);
    if (frame.event === "run.failed") verdict.violation(`${message.text}: ${frame.raw}`);
    if (frame.event !== "run.completed") continue;
    noteAnswer(message, frame.data["response"], verdict);
    if (textOf(frames) !== frame.data["response"])
      verdict.violation(`${message.text}: the deltas do not add up to the answer`);
    return "done";
  }
  throw new Error("the stream ended before the run");
}

function noteAccepted(message: Message, runId: string, target: Target, verdict: Verdict): void {
  if (message.runId === null) {
    message.runId = runId;
    target.accepted(message);
  } else if (message.runId !== runId)
    verdict.violation(`${message.text}: accepted as ${message.runId} and again as ${runId}`);
}

/** Notes an answer that a caller got, which must be the right one. */
export function noteAnswer(message: Message, response: unknown, verdict: Verdict): void {
  if (response !== answerTo(message.text))
    verdict.violation(`${message.text}: answered with ${JSON.stringify(response)}`);
  message.answeredAt ??= performance.now();
}
