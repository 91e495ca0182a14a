import { ParseError, ValidationError } from "elysia";
import { AppError, toAppError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { createSeldom } from "../../lib/seldom.ts";
import type { Admission } from "../admission.ts";
import { refusal } from "../answers.ts";
import { describeInvalid } from "../validation.ts";

/** Codes after which the rest of the body is not worth reading. */
const CLOSING = new Set(["body_too_large", "request_timeout"]);

/** Refusals for the moment. Anybody may bring about very many of them, and they have one cause. */
const FOR_THE_MOMENT = new Set(["overloaded", "not_ready", "store_unavailable"]);
/** One line in this time tells of them. */
const TOLD_EVERY_MS = 10_000;

/** Turns whatever an endpoint threw into an error of its form. Those of Hermes itself are logged, with their cause. */
export function createErrorHandler(log: Log): (admission: Admission, thrown: unknown) => Response {
  const seldom = createSeldom({ everyMs: TOLD_EVERY_MS });
  const tell = ({ requestId, route }: Admission, error: AppError) => {
    const { code } = error;
    const fields = { request_id: requestId, route: route?.path, code, error };
    if (!FOR_THE_MOMENT.has(code)) return log.error("request failed", fields);
    const more = seldom.tell(`${code} ${route?.path} ${error.cause}`);
    if (more !== null)
      log.error("request refused for the moment", { ...fields, more_before: more || undefined });
  };
  return (admission, thrown) => {
    if (thrown instanceof ValidationError) {
      const { error, findings } = describeInvalid(thrown);
      return refusal(admission, error, { errors: findings });
    }
    const error = toAppError(thrown instanceof ParseError ? parseFailure(thrown) : thrown);
    if (CLOSING.has(error.code)) admission.headers["connection"] = "close";
    if (error.status >= 500 && error.code !== "shutting_down") tell(admission, error);
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
