import type { Agent } from "../../agent/contract.ts";
import { AppError } from "../../lib/errors.ts";
import { newId } from "../../lib/ids.ts";
import type { Log } from "../../lib/log.ts";
import type { Store } from "../../store/contract.ts";
import type { OutboundDelivery, Run } from "../../store/records.ts";
import type { EventState, Hook, HookAnswer } from "./contract.ts";
import { type EventIdentity, type HookEvent, identify, readEvent } from "./event.ts";
import { messageFor } from "./message.ts";
import { instructionsFor, promptFor, sessionFor } from "./prompt.ts";
import { challengeOf, isPossible, notSigned, prove } from "./proof.ts";
import type { HookSettings } from "./settings.ts";

/** What taking events works with. */
export interface HookParts {
  store: Pick<Store, "inbox">;
  agent: Pick<Agent, "accept" | "finished">;
  log: Log;
}

/** Refusals that are for the sender: the event cannot be used, or shall come again. */
const FOR_SENDERS: ReadonlySet<string> = new Set([
  "malformed_json",
  "invalid_request",
  "overloaded",
  "shutting_down",
  "store_unavailable",
  "internal",
]);
/** Until somebody may have mended the configuration. */
const MEND_MS = 60_000;

/** What takes the events of one route. */
export function createHook(settings: HookSettings, parts: HookParts): Hook {
  const { log } = parts;
  return {
    admits: (headers) => isPossible(settings, headers),
    refusal: () => notSigned(settings),
    async take(call, patience) {
      const verdict = prove(settings, call, Date.now());
      if (!verdict.ok) {
        log.debug("an event was refused", { route: settings.source, reason: verdict.reason });
        throw notSigned(settings);
      }
      const identity = identify(settings, verdict.deliveryId, call.body);
      const event = readEvent(settings, call, identity.eventId);
      const challenge = challengeOf(settings, call.headers, event.payload);
      if (challenge !== null) return { challenge };
      if (settings.filter?.(event) === false) return ignored(identity);
      try {
        return settings.deliverOnly
          ? await pass(settings, event, identity, parts)
          : await ask(settings, event, identity, parts, patience);
      } catch (error) {
        throw refusalOf(error, settings);
      }
    },
  };
}

/** Hands the event to the agent. */
async function ask(
  settings: HookSettings,
  event: HookEvent,
  { delivery, eventId }: EventIdentity,
  { agent }: HookParts,
  patience: () => AbortSignal,
): Promise<HookAnswer> {
  const { caller, model, chat, waitMs } = settings;
  try {
    const { run, duplicate } = await agent.accept({
      kind: "execute",
      caller,
      sessionId: sessionFor(settings, event),
      text: promptFor(settings, event),
      instructions: instructionsFor(settings),
      delivery,
      ...(model === undefined ? {} : { model }),
      ...(chat === null ? {} : { reply: { id: newId("dlv"), kind: "answer", ...chat } }),
    });
    const ended = waitMs === null ? null : await endOf(run, waitMs, agent, patience());
    const state = stateOf(ended ?? run);
    return { eventId, runId: run.id, state, duplicate, ...(ended === null ? {} : { ended }) };
  } catch (error) {
    // It came before, and what became of it was removed since.
    if (error instanceof AppError && error.code === "conflict")
      return { eventId, runId: null, state: "done", duplicate: true };
    throw error;
  }
}

/** Sends the event to its chat as it is. */
async function pass(
  settings: HookSettings,
  event: HookEvent,
  { delivery, eventId }: EventIdentity,
  { store }: HookParts,
): Promise<HookAnswer> {
  if (settings.chat === null) throw new Error("a route without a model has no chat");
  const text = await messageFor(settings, event);
  const { message, duplicate } = await store.inbox.send(delivery, {
    id: newId("dlv"),
    kind: "send",
    text,
    ...settings.chat,
  });
  const state = message === null ? "done" : messageState(message);
  return { eventId, runId: null, state, duplicate, ...(message === null ? {} : { deliveryId: message.id }) };
}

function ignored({ eventId }: EventIdentity): HookAnswer {
  return { eventId, runId: null, state: "ignored", duplicate: false };
}

/** The run once it has ended; null when that takes longer than a caller waits. */
async function endOf(
  run: Run,
  waitMs: number,
  agent: HookParts["agent"],
  signal: AbortSignal,
): Promise<Run | null> {
  if (run.finishedAt !== null) return run;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(waitMs)]);
  try {
    return await agent.finished(run.id, limit);
  } catch (error) {
    if (limit.aborted) return null;
    throw error;
  }
}

function stateOf({ status }: Run): EventState {
  if (status === "queued") return "received";
  if (status === "running") return "running";
  return status === "completed" ? "done" : "failed";
}

function messageState({ status }: OutboundDelivery): EventState {
  if (status === "sent") return "done";
  return status === "dead" ? "failed" : "received";
}

/** A fault of the route is the operator's to mend, who reads of it in the log: the sender shall come again, and is told no more. */
function refusalOf(thrown: unknown, { source }: HookSettings): unknown {
  if (!(thrown instanceof AppError) || FOR_SENDERS.has(thrown.code)) return thrown;
  const { code, message, hint, cause } = thrown;
  return new AppError("not_ready", "Events cannot be taken here at this moment.", {
    hint: "Send it again later. The log of Hermes tells its operator what to do.",
    retryAfterMs: MEND_MS,
    cause: new AppError(code, `webhook:${source}: ${message}`, {
      cause,
      ...(hint === undefined ? {} : { hint }),
    }),
  });
}
