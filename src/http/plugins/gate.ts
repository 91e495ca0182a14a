import type { LiveConfig } from "../../config/live.ts";
import { AppError } from "../../lib/errors.ts";
import type { Admission } from "../admission.ts";
import type { Key } from "../keys.ts";
import type { Route } from "../routes.ts";
import type { Surface, SurfaceSettings } from "../surface.ts";
import { createDoorkeeper, type Doorkeeper } from "./hosts.ts";
import { createLockout, createRateLimit, type Lockout, type RateLimit } from "./limits.ts";
import { bodyTooLarge } from "./refusals.ts";

const JSON_CONTENT = /^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i;

const EVENT_CONTENT =
  /^(?:application\/(?:json|[\w.+-]+\+json|x-www-form-urlencoded)|text\/plain)\s*(?:;\s*charset="?utf-8"?\s*)?$/i;

/** What the guard keeps for each surface. */
export interface Gate {
  surface: Surface;
  settings(): SurfaceSettings;
  doorkeeper: Doorkeeper;
  rateLimit: RateLimit;
  lockout: Lockout;
}

/** Made anew from the configuration at every request, but for what it remembers of callers. */
export function createGate(config: LiveConfig, surface: Surface): Gate {
  const settings = () => surface.kind.settings(config.current);
  return {
    surface,
    settings,
    doorkeeper: createDoorkeeper(config, (current) => {
      const { host, allowed_hosts, allowed_origins } = surface.kind.settings(current);
      return { hosts: [host, ...allowed_hosts, ...surface.hostNames(current)], origins: allowed_origins };
    }),
    rateLimit: createRateLimit({ requestsPerMinute: () => settings().rate_limit.requests_per_minute }),
    lockout: createLockout(),
  };
}

/** Throws `forbidden` when the key may not do what the route does. */
export function checkScope(scope: Route["scope"], key: Key, { surface }: Gate): void {
  if (scope === "any") return;
  const held: readonly string[] = key.caller.scopes;
  if (held.includes(scope) || held.includes("admin")) return;
  throw new AppError("forbidden", `This needs a key with the scope "${scope}".`, {
    hint: `Use another key, or add the scope to it in ${surface.kind.key}.auth.keys.`,
  });
}

/** Takes one request from the allowance of whoever calls. Throws `rate_limited`; `who` names them. */
export function checkRate(
  account: string,
  who: string,
  { surface, settings, rateLimit }: Gate,
  { headers }: Admission,
): void {
  const { allowed, remaining, retryAfterMs } = rateLimit.take(account, performance.now());
  headers["ratelimit"] = `"key";r=${remaining};t=${Math.ceil(retryAfterMs / 1000)}`;
  if (allowed) return;
  const limit = settings().rate_limit.requests_per_minute;
  headers["ratelimit-policy"] = `"key";q=${limit};w=60`;
  throw new AppError("rate_limited", `${who} may make ${limit} requests per minute.`, {
    hint: `Wait as long as Retry-After says, or raise ${surface.kind.key}.rate_limit.requests_per_minute.`,
    retryAfterMs,
  });
}

/** Throws when the headers do not announce JSON of a length that is taken. */
export function checkBody(headers: Headers, gate: Gate, admission: Admission): void {
  checkSize(headers, gate, admission);
  const type = headers.get("content-type");
  if (type !== null && JSON_CONTENT.test(type)) return;
  throw new AppError("unsupported_media_type", "The body must be JSON in UTF-8.", {
    hint: "Send the header Content-Type: application/json.",
  });
}

/** Throws when the headers do not announce an event of a length and a kind that is taken. */
export function checkEventBody(headers: Headers, gate: Gate, admission: Admission): void {
  checkSize(headers, gate, admission);
  const type = headers.get("content-type");
  if (type !== null && EVENT_CONTENT.test(type)) return;
  throw new AppError("unsupported_media_type", "The body must be JSON, a form or plain text, in UTF-8.", {
    hint: "Send the header Content-Type: application/json.",
  });
}

/** Throws when the headers announce more than is taken, or a body whose length they do not tell because it is compressed. */
export function checkSize(headers: Headers, { surface, settings }: Gate, admission: Admission): void {
  const maxBytes = settings().max_body_bytes;
  if (Number(headers.get("content-length") ?? 0) > maxBytes) throw bodyTooLarge(maxBytes, surface.kind.key);
  if ((headers.get("content-encoding") ?? "identity") !== "identity") {
    admission.headers["accept-encoding"] = "identity";
    throw new AppError("unsupported_media_type", "The body must not be compressed.", {
      hint: "Send it without Content-Encoding.",
    });
  }
}
