import type { JWTPayload, JWTVerifyGetKey } from "jose";
import { derived, type LiveConfig } from "../../config/live.ts";
import type { Config } from "../../config/schema.ts";
import { AppError } from "../../lib/errors.ts";
import type { SafeFetch } from "../../lib/safe-fetch.ts";
import { digest } from "../../lib/secrets.ts";
import { ALL_SCOPES, OWNER } from "../../tools/caller.ts";
import type { Caller } from "../../tools/contract.ts";
import type { Key } from "../keys.ts";
import { createKeySource } from "./key-source.ts";
import { audiencesOf } from "./resource.ts";
import { groupsIn } from "./scopes.ts";

/** How far the clocks of the two servers may be apart. */
const LEEWAY_S = 30;
const MAX_TOKEN_CHARS = 8_192;
const MAX_SUBJECT_CHARS = 255;
/** RFC 9068 §2.1 asks for `at+jwt`; several large authorization servers write `JWT`. An absent type could be anything. */
const ACCEPTED_TYPES = new Set(["at+jwt", "jwt"]);
/** Claims of ID tokens, logout tokens and security events: their holder got them for another purpose. */
const OTHER_PURPOSES = ["nonce", "at_hash", "c_hash", "s_hash", "events"];

export interface AccessTokenParts {
  config: LiveConfig;
  fetch: SafeFetch;
  /** The port that is listened on. */
  port(): number;
}

/** Judges access tokens by the configuration in force. */
export interface AccessTokens {
  /** Whose token it is. Rejects with `unauthorized` whatever is wrong with it, and `not_ready` when nobody can say. */
  verify(token: string): Promise<Key>;
  /** True for the id of a key of the issuer in force. */
  holds(keyId: string): boolean;
}

/** Signed access tokens of one issuer (RFC 9068), checked by its published keys. */
export function createAccessTokens({ config, fetch, port }: AccessTokenParts): AccessTokens {
  const keySources = derivedBy(config, ({ mcp: { auth } }) => {
    const { issuer, jwks_url: jwksUrl } = auth;
    return {
      name: `${issuer} ${jwksUrl}`,
      make: () => issuer && createKeySource({ issuer, jwksUrl, fetch }),
    };
  });
  return {
    async verify(token) {
      const { mcp } = config.current;
      const { issuer, algorithms } = mcp.auth;
      const keys = keySources();
      if (!issuer || !keys) throw wrong("there is no issuer");
      const { decodeProtectedHeader, jwtVerify } = await import("jose");
      checkHeader(token, algorithms, decodeProtectedHeader);
      const { payload } = await jwtVerify(token, keys as JWTVerifyGetKey, {
        issuer,
        audience: audiencesOf(config.current, port()),
        algorithms,
        clockTolerance: LEEWAY_S,
        requiredClaims: ["exp", "iat", "sub"],
      }).catch((error: unknown) => {
        throw error instanceof AppError ? error : wrong("it does not verify", error);
      });
      return keyOf(config.current, payload);
    },
    holds: (keyId) => keyId.startsWith(prefixOf(config.current)),
  };
}

/** What can be said without the issuer's keys is said first: a stranger shall not make Hermes ask for them. */
function checkHeader(
  token: string,
  algorithms: readonly string[],
  decode: (token: string) => { alg?: string; kid?: unknown; typ?: unknown },
): void {
  if (token.length > MAX_TOKEN_CHARS || token.split(".").length !== 3) throw wrong("it is no signed token");
  let header: ReturnType<typeof decode>;
  try {
    header = decode(token);
  } catch (error) {
    throw wrong("its header cannot be read", error);
  }
  const { alg = "", kid, typ } = header;
  const type = typeof typ === "string" ? typ.toLowerCase().replace(/^application\//, "") : "";
  if (!algorithms.includes(alg) || /^(none|hs)/i.test(alg)) throw wrong("its algorithm is not accepted");
  if (!ACCEPTED_TYPES.has(type)) throw wrong("it is no access token");
  if (typeof kid !== "string" || kid === "") throw wrong("it names no key");
}

function keyOf(config: Config, payload: JWTPayload): Key {
  const { sub = "", iat = 0 } = payload;
  if (sub === "" || sub.length > MAX_SUBJECT_CHARS || !sub.isWellFormed()) throw wrong("it has no subject");
  if (iat > Date.now() / 1000 + LEEWAY_S) throw wrong("it is issued in the future");
  if (OTHER_PURPOSES.some((claim) => Object.hasOwn(payload, claim))) throw wrong("it is no access token");
  if (payload["token_use"] !== undefined && payload["token_use"] !== "access")
    throw wrong("it is no access token");
  const grants = groupsIn(scopesOf(payload));
  const isOwner = sub === config.mcp.auth.owner;
  const caller: Caller = {
    door: "mcp-http",
    principal: isOwner ? OWNER : `oauth:${encodeURIComponent(sub)}`,
    scopes: isOwner ? ALL_SCOPES : ["read", "chat", "tools"],
    tools: grants,
  };
  // A session goes on with the next token of the same client.
  const holder = JSON.stringify([sub, payload["client_id"] ?? payload["azp"] ?? null]);
  return { id: prefixOf(config) + hex(holder), caller, account: caller.principal, grants };
}

/** `scope` (RFC 9068 §2.2.3); some servers name it `scp`, as text or as a list. */
function scopesOf(payload: JWTPayload): string[] {
  const given = payload["scope"] ?? payload["scp"] ?? "";
  const list = typeof given === "string" ? given.split(" ") : given;
  return Array.isArray(list) ? list.filter((scope) => typeof scope === "string") : [];
}

function prefixOf({ mcp }: Config): string {
  return mcp.auth.type === "oauth2" ? `oauth:${hex(mcp.auth.issuer ?? "").slice(0, 16)}:` : "oauth:nobody:";
}

function hex(text: string): string {
  return Buffer.from(digest(text)).toString("hex");
}

/** A value that is made anew only when its name changes, whatever else in the configuration does. */
function derivedBy<T>(config: LiveConfig, of: (config: Config) => { name: string; make: () => T }): () => T {
  let made: { name: string; value: T } | undefined;
  return derived(config, (current) => {
    const { name, make } = of(current);
    if (made?.name !== name) made = { name, value: make() };
    return made.value;
  });
}

/** The client learns only that the token is not valid; the reason is for the log. */
function wrong(reason: string, cause?: unknown): AppError {
  return new AppError("unauthorized", "The access token is not valid.", {
    hint: "Get a new one from the authorization server.",
    cause: new Error(reason, { cause }),
  });
}
