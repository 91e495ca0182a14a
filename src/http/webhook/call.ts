import type { BunRequest } from "bun";
import { accountLabel } from "../../config/accounts.ts";
import type { Gateway, GatewayWebhook } from "../../gateway/contract.ts";
import { AppError, ERROR_CODES, isErrorCode } from "../../lib/errors.ts";
import type { WebhookAnswer, WebhookRequest } from "../../platforms/contract.ts";
import type { Admission } from "../admission.ts";
import { content, problem } from "../answers.ts";
import { unproven } from "../plugins/refusals.ts";
import type { Route } from "../routes.ts";

/** The account that a call is for, and what answers it there. */
export interface CalledAccount {
  /** As `accountLabel` names it. */
  label: string;
  webhook: GatewayWebhook;
}

/** Whom a call to this route is for. Throws `not_found` when no account answers there. */
export function calledAccount(gateway: Gateway | null, request: Request, { platform }: Route): CalledAccount {
  const { account: name = "" } = (request as BunRequest).params as { account?: string };
  const webhook = platform === undefined ? null : (gateway?.webhook(platform, name) ?? null);
  if (platform === undefined || webhook === null)
    throw new AppError("not_found", "No account answers at this address.", {
      hint: "The account must be in the configuration, and receive by its webhook.",
    });
  return { label: accountLabel({ platform, name }), webhook };
}

/** The headers with their names in lower case; those of one name are one, joined by commas. */
export function headersOf(request: Request): Readonly<Record<string, string>> {
  return request.headers.toJSON();
}

/** A call as its platform gets it. */
export function webhookRequest(request: Request, body: Uint8Array, receivedAtMs: number): WebhookRequest {
  return {
    method: request.method === "POST" ? "POST" : "GET",
    headers: headersOf(request),
    query: Object.fromEntries(new URL(request.url).searchParams),
    body,
    receivedAtMs,
  };
}

/** The answer of a platform. A refusal is a problem document: platforms look at its status, and 401 says no more than that. */
export function answerOf(admission: Admission, { status, contentType, body }: WebhookAnswer): Response {
  if (status >= 400) return problem(admission, status === 401 ? unproven() : refusedWith(status));
  const headers = { "content-type": contentType ?? "text/plain; charset=utf-8" };
  return content(admission, body ?? null, body === undefined ? {} : headers, status);
}

/** The error whose status this is. */
function refusedWith(status: number): AppError {
  const code = Object.keys(ERROR_CODES).find((one) => isErrorCode(one) && ERROR_CODES[one][0] === status);
  const known = code !== undefined && isErrorCode(code) ? code : "bad_request";
  return new AppError(known, "This call cannot be taken.", { hint: "The log of Hermes says more." });
}
