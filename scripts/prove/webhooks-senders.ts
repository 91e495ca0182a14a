import { STANDARD } from "../../src/webhooks/standard.ts";
import type { Hermes } from "../../tests/support/hermes.ts";
import { promptFor } from "./recording-model.ts";
import type { Verdict } from "./verdict.ts";

/** The secret of every route. */
export const SECRET = "a-secret-of-events-for-this-proof-only";
/** The routes that events are sent to. */
export const ROUTES = ["orders", "stock"] as const;

const ANSWER_TIMEOUT_MS = 30_000;
const AGAIN_MS = 20;

/** An event that a sender delivers to one route until that has taken it, and perhaps again after that. */
export interface SentEvent {
  /** As its sender signs it; the same on both routes for some. */
  id: string;
  route: (typeof ROUTES)[number];
  name: string;
  body: string;
  /** How often it shall be delivered in all. */
  wanted: number;
  deliveries: number;
  /** Of them, how many were told that it came before. */
  duplicates: number;
  runId: string | null;
}

/** Hermes as the senders see it: there, or about to come back. */
export interface Target {
  hermes: Hermes;
  /** Resolves while it runs. */
  up(): Promise<void>;
  /** Called once for each event, when its acceptance was seen. */
  accepted(): void;
}

/** Makes the event of this number. Every tenth is one of both routes, under the same id. */
export function eventOf(n: number, wanted: number): SentEvent {
  const isOfBoth = n % 20 >= 18;
  const route = ROUTES[n % 2] ?? ROUTES[0];
  const id = isOfBoth ? `msg_both_${Math.floor(n / 20)}` : `msg_${n}`;
  const name = `w${String(n).padStart(6, "0")}`;
  const prompt = promptFor({ name, chunks: 1 + (n % 4), everyMs: n % 3, tool: false });
  const body = JSON.stringify({ prompt, customer: n % 500 });
  return { id, route, name, body, wanted, deliveries: 0, duplicates: 0, runId: null };
}

/** Delivers an event once, signed at this moment; tries again until it is answered with 2xx, as any sender does. */
export async function deliver(event: SentEvent, target: Target, verdict: Verdict): Promise<void> {
  for (;;) {
    await target.up();
    try {
      const told = await attempt(event, target.hermes, verdict);
      if (told === "again") {
        await Bun.sleep(AGAIN_MS);
        continue;
      }
      event.deliveries += 1;
      if (told.duplicate) event.duplicates += 1;
      if (event.runId === null) {
        event.runId = told.run_id;
        target.accepted();
      } else if (event.runId !== told.run_id)
        verdict.violation(`${event.name}: taken as ${event.runId} and again as ${told.run_id}`);
      return;
    } catch (error) {
      // Cut off: nobody can tell whether it was taken, so that it is sent again.
      if (error instanceof DOMException && error.name === "TimeoutError")
        verdict.violation(`${event.name}: no answer within ${ANSWER_TIMEOUT_MS} ms`);
    }
  }
}

interface Told {
  run_id: string;
  status: string;
  duplicate?: true;
}

async function attempt(event: SentEvent, hermes: Hermes, verdict: Verdict): Promise<Told | "again"> {
  const body = Buffer.from(event.body);
  const response = await fetch(`${hermes.service.url}/webhook/${event.route}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...STANDARD.sign(body, SECRET, { id: event.id, nowMs: Date.now() }),
    },
    body,
    keepalive: false, // a reused connection that breaks may be asked a second time behind our back
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  if (response.status === 503) {
    await response.body?.cancel();
    return "again";
  }
  const told = (await response.json()) as Told;
  const isNew = response.status === 202 && told.duplicate === undefined;
  const isKnown = response.status === 200 && told.duplicate === true;
  if (!isNew && !isKnown) verdict.violation(`${event.name}: ${response.status} ${JSON.stringify(told)}`);
  return told;
}
