import { isLoopback } from "../../config/check-listeners.ts";
import { AppError } from "../../lib/errors.ts";
import { SCHEME_NAMES, type SignedHeaders, type Verdict } from "../../webhooks/contract.ts";
import { detectScheme, schemeOf } from "../../webhooks/schemes.ts";
import type { HookCall } from "./contract.ts";
import type { HookSettings } from "./settings.ts";

/** What proves where an event comes from, of the settings of a route. */
export type ProofSettings = Pick<HookSettings, "secrets" | "scheme" | "allowsUnsigned" | "url">;

/** Every header that signatures stand in. What they hold is nobody's to see. */
export const SIGNATURE_HEADERS: readonly string[] = SCHEME_NAMES.flatMap((name) =>
  name === "generic" ? [] : schemeOf(name).headers,
);

/** What a proxy adds: the request comes from another machine. */
const PROXY_HEADERS = [
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
  "via",
];

/** Whether the headers leave it possible that the request is proven. */
export function isPossible(settings: ProofSettings, headers: SignedHeaders): boolean {
  if (settings.allowsUnsigned && isUnsigned(settings, headers)) return true;
  const scheme = settings.scheme ?? detectScheme(headers);
  if (scheme === null || !scheme.headers.some((name) => Object.hasOwn(headers, name))) return false;
  return scheme.beforeBody?.(headers, settings.secrets) ?? true;
}

/** Whether a request is proven. An unsigned one from this machine has no id. */
export function prove(settings: ProofSettings, { headers, body, query }: HookCall, nowMs: number): Verdict {
  if (settings.allowsUnsigned && isUnsigned(settings, headers))
    return { ok: true, deliveryId: null, atMs: null };
  const scheme = settings.scheme ?? detectScheme(headers);
  if (scheme === null) return { ok: false, reason: "it is not signed" };
  const { url } = settings;
  const request = { headers, body, ...(url === undefined ? {} : { url: url + query }) };
  return scheme.verify(request, settings.secrets, nowMs);
}

/**
 * What Slack sends before it takes an address, signed as an event is (docs.slack.dev/reference/events/url_verification): it wants
 * its challenge back. Null for anything else.
 */
export function challengeOf(
  { scheme }: ProofSettings,
  headers: SignedHeaders,
  payload: unknown,
): string | null {
  if ((scheme ?? detectScheme(headers))?.name !== "slack") return null;
  const { type, challenge } = Object(payload) as Record<string, unknown>;
  return type === "url_verification" && typeof challenge === "string" ? challenge : null;
}

/** What a request gets that is not proven: what everybody may know. */
export function notSigned({ scheme }: ProofSettings): AppError {
  const hint =
    scheme === null
      ? "Send the header X-Hermes-Signature: sha256=<HMAC-SHA256 of the body with the secret, in hex>. `hermes webhook test` sends a signed event."
      : `Events are signed here by the scheme ${scheme.name}, in the header ${scheme.headers.join(" or ")}.`;
  return new AppError("unauthorized", "This event is not signed with the secret of this address.", { hint });
}

/** True for a request that has no signature, not even a blank one, and was made on this machine, under a name of it. */
function isUnsigned({ scheme }: ProofSettings, headers: SignedHeaders): boolean {
  const has = (name: string) => Object.hasOwn(headers, name);
  const [, host = ""] = /^(\[[^\]]*\]|[^:]*)(?::\d*)?$/.exec(headers["host"] ?? "") ?? [];
  return ![...SIGNATURE_HEADERS, ...(scheme?.headers ?? []), ...PROXY_HEADERS].some(has) && isLoopback(host);
}
