/**
 * The one table of error codes. HTTP, the CLI and the tools all speak these codes, so that a code seen anywhere can be
 * looked up here: its HTTP status and its title, which is the same for every occurrence (RFC 9457 §3.1.3).
 */
export const ERROR_CODES = {
  bad_request: [400, "Bad request"],
  malformed_json: [400, "Malformed JSON"],
  unauthorized: [401, "Authentication required"],
  forbidden: [403, "Not allowed"],
  origin_refused: [403, "Origin not allowed"],
  not_found: [404, "Not found"],
  method_not_allowed: [405, "Method not allowed"],
  request_timeout: [408, "Request took too long to arrive"],
  conflict: [409, "Conflict"],
  request_in_flight: [409, "The first request with this key is still running"],
  run_cancelled: [409, "The run was cancelled"],
  body_too_large: [413, "Body too large"],
  unsupported_media_type: [415, "Unsupported media type"],
  host_refused: [421, "Host not served here"],
  invalid_request: [422, "Invalid request"],
  idempotency_mismatch: [422, "Idempotency key used for another request"],
  attachment_refused: [422, "Attachment refused"],
  unknown_model: [422, "Unknown model"],
  unknown_tool: [422, "Unknown tool"],
  rate_limited: [429, "Too many requests"],
  locked_out: [429, "Too many failed attempts"],
  internal: [500, "Internal error"],
  model_refused: [502, "The model provider refused the request"],
  model_bad_answer: [502, "The model provider sent an unusable answer"],
  model_endless: [502, "The model provider sent an answer without an end"],
  model_unreachable: [502, "The model provider could not be reached"],
  model_rate_limited: [503, "The model provider limits the rate"],
  store_unavailable: [503, "Storage is unavailable"],
  shutting_down: [503, "Shutting down"],
  overloaded: [503, "Too much to do"],
  not_ready: [503, "Not ready"],
  model_timeout: [504, "The model provider did not answer in time"],
  budget_exceeded: [507, "The budget of this turn is used up"],
  network_refused: [422, "Address refused"],
  network_failed: [502, "The address could not be reached"],
  network_timeout: [504, "The address did not answer in time"],
  page_unreadable: [422, "The page cannot be read"],
  address_in_use: [503, "Address in use"],
  config_invalid: [500, "Invalid configuration"],
  usage: [400, "Usage"],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** True for a code of the table; codes read back from disk may come from another version. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}

export interface AppErrorOptions {
  /** What the user can do about it, as one sentence. */
  hint?: string;
  /** What really happened. Goes to the log, never to the user. */
  cause?: unknown;
  /** When a retry makes sense; becomes `Retry-After`. */
  retryAfterMs?: number;
}

/** An error whose message and hint may be shown to the user as they stand. Every other error is shown as `internal`. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly hint: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: AppErrorOptions = {},
  ) {
    super(message, { cause: options.cause });
    this.hint = options.hint;
    this.retryAfterMs = options.retryAfterMs;
  }

  get status(): number {
    return ERROR_CODES[this.code][0];
  }

  get title(): string {
    return ERROR_CODES[this.code][1];
  }
}

/** Any thrown value as an `AppError`; what is not one already becomes `internal` with the value as its cause. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  return new AppError("internal", "Something went wrong inside Hermes.", {
    cause: thrown,
    hint: "The log has the details under this request id.",
  });
}
