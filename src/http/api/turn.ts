import type { TurnRequest } from "../../agent/contract.ts";
import { AppError } from "../../lib/errors.ts";
import type { Run } from "../../store/records.ts";
import { sessionIdOf, sessionOwner } from "../../tools/contract.ts";
import type { Admission } from "../admission.ts";
import { json, problem } from "../answers.ts";
import { type Edge, holdOpen } from "../edge.ts";
import { deliveryOf } from "./idempotency.ts";
import { finishedAnswer, isOpen } from "./run-answers.ts";

const IN_FLIGHT_RETRY_MS = 1000;
const STOPPING_RETRY_MS = 2000;

/** How the client wants its answer: when the run has ended, as a stream of its events, or not in this exchange. */
export type AnswerMode = "wait" | "stream" | "async";

/** Reads `Accept` and `Prefer` (RFC 7240 §4.1); a stream that was asked for wins. */
export function answerMode({ headers }: Request, stream = false): AnswerMode {
  if (stream || /\btext\/event-stream\b/i.test(headers.get("accept") ?? "")) return "stream";
  return /(?:^|,)\s*respond-async\s*(?:[;,]|$)/i.test(headers.get("prefer") ?? "") ? "async" : "wait";
}

/** Takes an optional member that is null for one that is absent, as clients with a `None` to spare send it. */
export function dropNulls({ body }: { body: unknown }): void {
  if (typeof body !== "object" || body === null) return;
  for (const [name, value] of Object.entries(body)) if (value === null) Reflect.deleteProperty(body, name);
}

export interface Turn {
  request: Request;
  admission: Admission;
  /** The body as it came, for the fingerprint of an idempotent request. */
  body: unknown;
  mode: AnswerMode;
  turn: Omit<TurnRequest, "delivery">;
}

/** Hands a message to the agent and answers in the way that was asked for. */
export async function answerTurn(
  edge: Edge,
  { request, admission, body, mode, turn }: Turn,
): Promise<Response> {
  const { agent, config } = edge;
  const delivery = deliveryOf(request, body, sessionOwner(turn.caller));
  const { run, duplicate } = await agent.accept(delivery === undefined ? turn : { ...turn, delivery });

  admission.headers["x-run-id"] = run.id;
  admission.headers["location"] = `${config.current.api.base_path}/runs/${run.id}`;
  if (mode === "async") return accepted(admission, run);
  if (duplicate && isOpen(run)) return inFlight(admission, run);
  if (mode === "stream") return streamRun(edge, request, admission, run.id, 0);
  return finishedAnswer(admission, isOpen(run) ? await ended(edge, request, run) : run);
}

/** The events of a run after `afterSeq`, and then the live ones. */
export function streamRun(
  edge: Edge,
  request: Request,
  admission: Admission,
  runId: string,
  afterSeq: number,
): Response {
  return edge.hub.open({
    events: (signal) => edge.agent.events(runId, afterSeq, signal),
    admission,
    release: holdOpen(edge, request),
  });
}

/** A repeat of an asynchronous request gets the same bytes, so the answer tells only what was true for the first. */
function accepted(admission: Admission, run: Run): Response {
  admission.headers["preference-applied"] = "respond-async";
  return json(admission, { run_id: run.id, session_id: sessionIdOf(run.sessionKey), status: "queued" }, 202);
}

function inFlight(admission: Admission, run: Run): Response {
  const error = new AppError(
    "request_in_flight",
    "The first request with this Idempotency-Key is not answered yet.",
    {
      hint: "Wait, or follow the run at the address in Location.",
      retryAfterMs: IN_FLIGHT_RETRY_MS,
    },
  );
  return problem(admission, error, { run_id: run.id });
}

/** Waits for the end of a run. A client that goes away, and a server that stops, end only the wait. */
async function ended(edge: Edge, request: Request, run: Run): Promise<Run> {
  const { agent, stopping } = edge;
  const release = holdOpen(edge, request);
  try {
    return await agent.finished(run.id, AbortSignal.any([request.signal, stopping]));
  } catch (error) {
    if (!request.signal.aborted && !stopping.aborted) throw error;
    throw new AppError("shutting_down", "Hermes is stopping; the run goes on after its next start.", {
      hint: "Ask for the run at the address in Location.",
      retryAfterMs: STOPPING_RETRY_MS,
    });
  } finally {
    release();
  }
}
