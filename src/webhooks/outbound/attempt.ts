import type { WebhookEndpoint } from "../../config/webhook-endpoints.ts";
import { parseRetryAfter } from "../../lib/backoff.ts";
import { toAppError } from "../../lib/errors.ts";
import type { SafeFetch, SafeResponse } from "../../lib/safe-fetch.ts";
import type { RunError } from "../../store/records.ts";
import type {
  WebhookAttempt,
  WebhookDeliveryWithBody,
  WebhookResponse,
} from "../../store/webhook-records.ts";
import { schemeOf } from "../schemes.ts";

/** A longer answer is none: nobody needs one, and it may have no end. */
const MAX_ANSWER_BYTES = 1024 * 1024;
/** What is kept of an answer, for whoever looks for the reason of a failure. */
const KEPT_BODY_CHARS = 2_000;
const KEPT_HEADERS = 32;
const KEPT_HEADER_CHARS = 200;
const USER_AGENT = "Hermes-Webhooks/1";
/** Prove that a request comes from Hermes, so that nobody is shown them. */
const PROOFS = ["webhook-signature", "x-hermes-signature"];

/** What a try came to. `gone`: the endpoint wants nothing more, ever. */
export type AttemptResult =
  | { kind: "delivered" | "gone"; attempt: WebhookAttempt }
  | {
      kind: "failed";
      attempt: WebhookAttempt;
      /** What the endpoint asked for. */
      retryAfterMs: number | undefined;
      /** It is the endpoint as a whole that asks for patience, not this event. */
      isBusy: boolean;
    };

export interface AttemptParts {
  fetch: SafeFetch;
  timeoutMs: number;
  signal: AbortSignal;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/**
 * Sends an event once, signed for this moment. Only a 2xx is a success; redirects are not followed. Rejects only with the reason
 * of the signal.
 */
export async function attemptDelivery(
  { eventId, body }: Pick<WebhookDeliveryWithBody, "eventId" | "body">,
  endpoint: WebhookEndpoint,
  { fetch, timeoutMs, signal, now }: AttemptParts,
): Promise<AttemptResult> {
  const startedAt = now();
  const bytes = new TextEncoder().encode(body);
  const headers = {
    "content-type": "application/json",
    "user-agent": USER_AGENT,
    ...signatures(bytes, endpoint, eventId, startedAt),
  };
  const finish = (response: WebhookResponse | null, error: RunError | null): WebhookAttempt => ({
    startedAt,
    durationMs: Math.max(0, Math.round(now() - startedAt)),
    request: { url: withoutQuery(endpoint.url), headers: withoutProofs(headers) },
    response,
    error,
  });
  let answer: SafeResponse;
  try {
    answer = await fetch(endpoint.url, {
      method: "POST",
      headers,
      body: bytes,
      timeoutMs,
      maxBytes: MAX_ANSWER_BYTES,
      redirects: "return",
      signal,
    });
  } catch (thrown) {
    signal.throwIfAborted();
    const attempt = finish(null, noAnswer(thrown));
    return { kind: "failed", attempt, retryAfterMs: undefined, isBusy: false };
  }
  const response = keptResponse(answer);
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: "delivered", attempt: finish(response, null) };
  const attempt = finish(response, refusal(status));
  if (status === 410) return { kind: "gone", attempt };
  const retryAfterMs = parseRetryAfter(answer.headers.get("retry-after"), now());
  return { kind: "failed", attempt, retryAfterMs, isBusy: status === 429 || status === 503 };
}

/** Both dialects: the plain one with the present secret, Standard Webhooks with every secret that is in use. */
function signatures(
  body: Uint8Array,
  { secrets, url }: WebhookEndpoint,
  id: string,
  nowMs: number,
): Record<string, string> {
  const signing = { id, nowMs, url };
  const standard = secrets.map((secret) => schemeOf("standard").sign(body, secret, signing));
  const name = "webhook-signature";
  return {
    ...standard[0],
    [name]: standard.flatMap((headers) => headers[name] ?? []).join(" "),
    ...schemeOf("hermes").sign(body, secrets[0], signing),
  };
}

/** What is wrong with an answer, by its status. */
function refusal(status: number): RunError {
  if (status === 410)
    return { code: "endpoint_gone", message: "It answered 410: it wants no more events.", hint: ENABLE_HINT };
  if (status >= 300 && status < 400)
    return {
      code: "endpoint_redirects",
      message: `It answered ${status}. Redirects are not followed.`,
      hint: "Configure the address that it leads to.",
    };
  return { code: "endpoint_refused", message: `It answered ${status}.` };
}

const ENABLE_HINT = "`hermes webhook endpoints enable` sends to it again.";

/** Why there was no answer. An error in making the request is one of the endpoint's settings, such as its secret. */
function noAnswer(thrown: unknown): RunError {
  const { code, message, hint } = toAppError(thrown);
  if (code === "body_too_large")
    return { code, message: "Its answer has more than 1 MiB.", hint: "Answer 2xx, with little or no body." };
  return hint === undefined ? { code, message } : { code, message, hint };
}

function keptResponse({ status, headers, bytes }: SafeResponse): WebhookResponse {
  const kept = [...headers].slice(0, KEPT_HEADERS);
  return {
    status,
    headers: Object.fromEntries(
      kept.map(([name, value]) => [
        name,
        name === "set-cookie" ? "[redacted]" : value.slice(0, KEPT_HEADER_CHARS),
      ]),
    ),
    body: new TextDecoder().decode(bytes.subarray(0, 4 * KEPT_BODY_CHARS)).slice(0, KEPT_BODY_CHARS),
  };
}

/** A query may hold a token. */
function withoutQuery(text: string): string {
  const url = URL.parse(text);
  return url === null ? "" : url.origin + url.pathname;
}

function withoutProofs(headers: Readonly<Record<string, string>>): Record<string, string> {
  const shown = Object.entries(headers).map(([name, value]) => [
    name,
    PROOFS.includes(name) ? `${value.split(/[,=]/, 1)[0]}…` : value,
  ]);
  return Object.fromEntries(shown);
}
