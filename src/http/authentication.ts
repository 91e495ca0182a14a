import type { LiveConfig } from "../config/live.ts";
import { apiKeys, createKeyring, type Key } from "./keys.ts";
import { bearerToken } from "./plugins/credentials.ts";

/** What a challenge says beyond that a credential is needed (RFC 6750 §3). */
export interface ChallengeError {
  error: "invalid_token" | "insufficient_scope";
  /** Every scope that is needed, by one blank apart; absent: what a first token should have. */
  scope?: string;
}

/** How a surface finds out who calls. */
export interface Authentication {
  /** Who calls without a credential; null when one is needed. */
  anonymous(): Key | null;
  /** Whose credential the headers carry, null for none or a wrong one. A function where finding out takes time: it may throw `unauthorized`. */
  identify(headers: Headers): Key | null | (() => Promise<Key>);
  /** True while the credential of this id is valid. */
  holds(keyId: string): boolean;
  /** True when wrong credentials lock an address out. */
  locksOut(): boolean;
  /** The header `WWW-Authenticate` of a refusal. */
  challenge(request: Request, error?: ChallengeError): string;
  /** How to send a credential, as one sentence. */
  hint(): string;
}

/** The REST API takes its keys as bearer tokens only. */
export function apiAuthentication(config: LiveConfig): Authentication {
  const keys = createKeyring(config, apiKeys);
  return {
    anonymous: keys.anonymous,
    holds: keys.holds,
    identify(headers) {
      const token = bearerToken(headers.get("authorization"));
      return token === null ? null : keys.find(token);
    },
    locksOut: () => true,
    challenge: () => 'Bearer realm="hermes"',
    hint: () => "Send the header Authorization: Bearer <token>.",
  };
}
