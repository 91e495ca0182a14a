import { parseRetryAfter } from "../lib/backoff.ts";
import { AppError, type AppErrorOptions, type ErrorCode } from "../lib/errors.ts";
import type { Endpoint } from "./endpoint.ts";

const MAX_MESSAGE_CHARS = 300;
/** Anything shorter is no secret, and to take it out would garble the message. */
const MIN_SECRET_CHARS = 6;

/**
 * The provider's own words, fit to be shown: one line, no control characters, at most 300 characters, without the key and
 * the configured headers, and without words that show a part of a key (`sk-ab***yz`).
 */
export function providerWords(message: string, endpoint: Endpoint): string {
  let text = message;
  for (const secret of [endpoint.apiKey ?? "", ...Object.values(endpoint.headers)])
    if (secret.length >= MIN_SECRET_CHARS) text = text.replaceAll(secret, "[redacted]");
  text = text
    .replace(/\S*\*{2,}\S*/g, "[redacted]")
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
  return text.length > MAX_MESSAGE_CHARS ? `${text.slice(0, MAX_MESSAGE_CHARS - 1)}…` : text;
}

/** The message of an error body in any of the shapes that providers use; null when it has none. */
export function errorMessage(body: unknown): string | null {
  if (typeof body === "string") return body || null;
  if (typeof body !== "object" || body === null) return null;
  const { error, message, detail, base_resp } = body as Record<string, unknown>;
  if (error !== undefined && error !== null) return errorMessage(error) ?? JSON.stringify(error);
  if (typeof message === "string") return message;
  if (detail !== undefined) return typeof detail === "string" ? detail : JSON.stringify(detail);
  const status = (base_resp as { status_code?: number; status_msg?: string } | undefined) ?? {};
  return status.status_code ? (status.status_msg ?? String(status.status_code)) : null;
}

/** What an HTTP status of a provider means. `body` is its answer, as text. */
export function statusFailure(endpoint: Endpoint, status: number, headers: Headers, body: string): AppError {
  const said = errorMessage(parsed(body));
  const cause = new Error(`${endpoint.provider} answered ${status}: ${body.slice(0, 2000)}`);
  const words = said ? providerWords(said, endpoint) : "";
  if (status >= 300 && status < 400) return redirectFailure(endpoint, headers.get("location"), cause);
  if (status === 401)
    return new AppError("model_refused", `${endpoint.provider} does not accept the API key.`, {
      hint: `Set ${endpoint.keyPlace} to a valid key.`,
      cause,
    });
  if (status === 403)
    return new AppError("model_refused", `${endpoint.provider} does not allow this${words && `: ${words}`}`, {
      hint: `Check that the key in ${endpoint.keyPlace} may use ${endpoint.model}.`,
      cause,
    });
  const message = `${endpoint.provider} answered ${status}${words && `: ${words}`}`;
  const retryAfterMs = retryAfter(headers);
  const options = { cause, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  const code = codeOfStatus(status);
  if (code !== "model_refused") return new AppError(code, message, options);
  return new AppError(code, message, { ...options, hint: refusalHint(endpoint, status) });
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 429 || status === 529) return "model_rate_limited";
  if (status === 408 || status === 504) return "model_timeout";
  if (status >= 500 || status === 409 || status === 425) return "model_bad_answer";
  return "model_refused";
}

function refusalHint(endpoint: Endpoint, status: number): string {
  if (status === 402) return `Top up the account at ${endpoint.provider}, or choose another model.`;
  if (status === 404)
    return `Check the model name ${endpoint.model} and providers.${endpoint.provider}.base_url; \`GET /models\` lists what there is.`;
  return "Change the request, or choose another model.";
}

function redirectFailure(endpoint: Endpoint, location: string | null, cause: Error): AppError {
  return new AppError("model_refused", `${endpoint.provider} redirects to another address.`, {
    hint: `Set providers.${endpoint.provider}.base_url to the address it answers at${location ? ` (${providerWords(location, endpoint)})` : ""}.`,
    cause,
  });
}

function retryAfter(headers: Headers): number | undefined {
  const inMs = headers.get("retry-after-ms");
  return inMs !== null && /^\d{1,12}(\.\d+)?$/.test(inMs)
    ? Math.ceil(Number(inMs))
    : parseRetryAfter(headers.get("retry-after"));
}

/** An error that the provider reports inside an answer whose status was 200; `report` is its JSON, parsed or not. */
export function reportedFailure(endpoint: Endpoint, report: unknown): AppError {
  const body = typeof report === "string" ? (parsed(report) ?? report) : report;
  const { code, status, type } = ((body as { error?: unknown }).error ?? body) as Record<string, unknown>;
  const words = providerWords(errorMessage(body) ?? "no reason given", endpoint);
  const number = [code, status].map(Number).find((value) => value >= 400 && value < 600);
  const limited = /rate_limit|overloaded/.test(`${code} ${type}`);
  return new AppError(
    limited ? "model_rate_limited" : number === undefined ? "model_bad_answer" : codeOfStatus(number),
    `${endpoint.provider} reports an error: ${words}`,
    { cause: body },
  );
}

/** The answer cannot be used; `what` completes "sent ...". */
export function badAnswer(endpoint: Endpoint, what: string, options: AppErrorOptions = {}): AppError {
  return new AppError("model_bad_answer", `${endpoint.provider} sent ${what}.`, options);
}

/** The answer goes on past every limit. It is not asked for again: that would cost as much once more. */
export function endless(endpoint: Endpoint): AppError {
  return new AppError("model_endless", `${endpoint.provider} sent an answer that does not end.`, {
    hint: "Ask for less at once, or use another model.",
  });
}

/** The answer is a web page: of a proxy, a sign-in page, or of a server that has no such path. */
export function webPage(endpoint: Endpoint): AppError {
  return badAnswer(endpoint, "a web page instead of an answer", {
    hint: `Check providers.${endpoint.provider}.base_url, and that no proxy or sign-in page stands in between.`,
  });
}

/** What `fetch` or the reading of a body threw. */
export function connectionFailure(endpoint: Endpoint, begun: boolean, cause: unknown): AppError {
  if (begun)
    return new AppError(
      "model_unreachable",
      `The connection to ${endpoint.provider} broke off inside the answer.`,
      {
        cause,
      },
    );
  return new AppError("model_unreachable", `${endpoint.provider} cannot be reached at ${origin(endpoint)}.`, {
    hint: `Check the network, HTTPS_PROXY and providers.${endpoint.provider}.base_url.`,
    cause,
  });
}

/** Scheme, host and port only: a base URL may carry credentials. */
function origin(endpoint: Endpoint): string {
  return URL.canParse(endpoint.baseUrl) ? new URL(endpoint.baseUrl).origin : "its base_url";
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null; // a web page or plain text: of no use to the user, and kept in the cause
  }
}
