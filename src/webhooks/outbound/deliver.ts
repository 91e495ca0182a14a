import { hash } from "node:crypto";
import type { WebhookEndpoint } from "../../config/webhook-endpoints.ts";
import { backoffMs, clamp } from "../../lib/backoff.ts";
import { toAppError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { SafeFetch } from "../../lib/safe-fetch.ts";
import type { RunError } from "../../store/records.ts";
import type { WebhookStore } from "../../store/webhook-contract.ts";
import type {
  WebhookAttempt,
  WebhookDeliveryWithBody,
  WebhookEndpointState,
  WebhookOutcome,
} from "../../store/webhook-records.ts";
import { type AttemptResult, attemptDelivery } from "./attempt.ts";
import type { Clock } from "./clock.ts";
import { MAX_RETRY_AFTER_MS, retryDelayMs } from "./schedule.ts";

const DAY_MS = 24 * 3_600_000;
/** Between tries of the store, while it cannot be written. */
const STORE_RETRY = { baseMs: 200, maxMs: 5_000 };

export interface DeliverParts {
  store: WebhookStore;
  fetch: SafeFetch;
  log: Log;
  clock: Clock;
  /** From 0 up to 1. */
  random: () => number;
}

export interface DeliverSettings {
  timeoutMs: number;
  disableAfterDays: number;
  /** False once the endpoint has another address, or is gone: what this one says of itself counts no more. */
  isCurrent(): boolean;
}

/**
 * Tries a delivery once and notes what came of it, whatever the store does meanwhile. Gives how long the endpoint asks to be
 * left alone. Rejects only with the reason of the signal: the delivery is then as it was before.
 */
export async function deliverOnce(
  delivery: WebhookDeliveryWithBody,
  endpoint: WebhookEndpoint,
  settings: DeliverSettings,
  parts: DeliverParts,
  signal: AbortSignal,
): Promise<number> {
  const { store, fetch, clock, random } = parts;
  const { timeoutMs, isCurrent } = settings;
  const tried = await attemptDelivery(delivery, endpoint, { fetch, timeoutMs, signal, now: clock.now });
  const result = tried.kind === "gone" && !isCurrent() ? asFailed(tried.attempt) : tried;
  const outcome = outcomeOf(result, delivery.attempts + 1, clock.now(), random);
  const state = await persisted(() => store.record(delivery.id, result.attempt, outcome), parts, signal);
  tell(parts.log, delivery, result, outcome, state);
  const why = reasonToDisable(result, state, clock.now(), settings);
  if (why !== null && isCurrent()) await disable(endpoint, why, parts, signal);
  return result.kind === "failed" && result.isBusy
    ? clamp(result.retryAfterMs ?? 0, 0, MAX_RETRY_AFTER_MS)
    : 0;
}

/** Names an address, without telling it. */
export function urlDigest({ url }: WebhookEndpoint): string {
  return hash("sha256", url);
}

function asFailed(attempt: WebhookAttempt): AttemptResult {
  return { kind: "failed", attempt, retryAfterMs: undefined, isBusy: false };
}

function outcomeOf(result: AttemptResult, tries: number, now: number, random: () => number): WebhookOutcome {
  if (result.kind !== "failed") return { status: result.kind === "delivered" ? "sent" : "dead" };
  const delayMs = retryDelayMs(tries, { retryAfterMs: result.retryAfterMs, random });
  return delayMs === null ? { status: "dead" } : { status: "due", dueAt: now + delayMs };
}

/** The store is asked until it answers: what is delivered and not noted would be delivered again. */
async function persisted<T>(
  write: () => Promise<T>,
  { log, clock, random }: DeliverParts,
  signal: AbortSignal,
): Promise<T> {
  for (let retry = 0; ; retry++)
    try {
      return await write();
    } catch (error) {
      if (toAppError(error).code !== "store_unavailable") throw error;
      if (retry === 0) log.warn("a webhook waits for the store", { error });
      await clock.sleep(backoffMs(retry, { ...STORE_RETRY, random }), signal);
      signal.throwIfAborted();
    }
}

function tell(
  log: Log,
  { id, eventId, type, endpoint }: WebhookDeliveryWithBody,
  { attempt }: AttemptResult,
  outcome: WebhookOutcome,
  { failingSince, lastFailureAt }: WebhookEndpointState,
): void {
  const { error } = attempt;
  const fields = { endpoint, delivery: id, event: eventId, type };
  if (error === null) log.debug("a webhook was delivered", fields);
  else if (outcome.status === "dead")
    log.warn("a webhook could not be delivered and is given up", { ...fields, reason: error.message });
  else if (failingSince === lastFailureAt)
    log.warn("an endpoint does not take webhooks", { ...fields, reason: error.message });
  else log.debug("a webhook is tried again later", { ...fields, reason: error.message });
}

/** Why nothing more shall be sent to an endpoint; null when there is no reason. */
function reasonToDisable(
  { kind, attempt }: AttemptResult,
  { failingSince }: WebhookEndpointState,
  now: number,
  { disableAfterDays }: DeliverSettings,
): RunError | null {
  if (kind === "gone") return attempt.error;
  if (failingSince === null || now - failingSince < disableAfterDays * DAY_MS) return null;
  const days = Math.floor((now - failingSince) / DAY_MS);
  return {
    code: "endpoint_failing",
    message: `It took nothing for ${days} days. Last: ${attempt.error?.message ?? "no answer"}`,
  };
}

async function disable(
  endpoint: WebhookEndpoint,
  error: RunError,
  parts: DeliverParts,
  signal: AbortSignal,
): Promise<void> {
  const why = { urlDigest: urlDigest(endpoint), error };
  const givenUp = await persisted(() => parts.store.disable(endpoint.name, why), parts, signal);
  parts.log.warn("an endpoint for webhooks is disabled", {
    endpoint: endpoint.name,
    reason: error.message,
    given_up: givenUp,
    hint: `hermes webhook endpoints enable ${endpoint.name}`,
  });
}
