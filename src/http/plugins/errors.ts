import { ParseError, ValidationError } from "elysia";
import { AppError, toAppError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { Admission } from "../admission.ts";
import { refusal } from "../answers.ts";
import { describeInvalid } from "../validation.ts";

/** Codes after which the rest of the body is not worth reading. */
const CLOSING = new Set(["body_too_large", "request_timeout"]);

/** Turns whatever an endpoint threw into an error of its form. Internal ones are logged with their cause. */
export function createErrorHandler(log: Log): (admission: Admission, thrown: unknown) => Response {
  return (admission, thrown) => {
    if (thrown instanceof ValidationError) {
      const { error, findings } = describeInvalid(thrown);
      return refusal(admission, error, { errors: findings });
    }
    const error = toAppError(thrown instanceof ParseError ? parseFailure(thrown) : thrown);
    if (CLOSING.has(error.code)) admission.headers["connection"] = "close";
    if (error.status >= 500 && error.code !== "shutting_down")
      log.error("request failed", {
        request_id: admission.requestId,
        route: admission.route?.path,
        code: error.code,
        error,
      });
    return refusal(admission, error.code === "store_unavailable" ? withoutPaths(error) : error);
  };
}

/** What the store advises is meant for the operator, and names files. */
function withoutPaths({ code, message, retryAfterMs }: AppError): AppError {
  return new AppError(code, message, {
    hint: "Send it again later. The log of Hermes tells its operator what to do.",
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Elysia wraps what a body parser threw. */
function parseFailure({ cause }: ParseError): unknown {
  if (cause instanceof AppError) return cause;
  return new AppError("bad_request", "The body could not be read.", { cause });
}
