import type { LiveConfig } from "../config/live.ts";
import type { Config } from "../config/schema.ts";
import { digest, sameDigest } from "../lib/secrets.ts";
import type { Caller, Scope } from "../tools/contract.ts";
import { derived } from "./live.ts";

/** The principal of the token with every right. */
const OWNER = "owner";
const ALL_SCOPES: readonly Scope[] = ["read", "chat", "tools", "admin"];

/** A key that is valid now. */
export interface Key {
  /** Names the key in this process; made from its digest, so that it tells nothing about it. */
  id: string;
  caller: Caller;
}

/** The keys of the REST API as the configuration has them at this moment. */
export interface Keyring {
  /** The key that a token is; null for a wrong one. Takes the same time whichever key it is. */
  find(token: string): Key | null;
  /** True while the key of this id is valid. */
  holds(id: string): boolean;
  /** Who calls without a key: the owner when `api.auth.type` is `none`, otherwise nobody. */
  anonymous(): Key | null;
}

/** Reads the live configuration, so that a rotated key counts, and an old one does not, from the next request on. */
export function createKeyring(config: LiveConfig): Keyring {
  const keys = derived(config, keysOf);
  const anonymous: Key = { id: "none", caller: caller(OWNER, ALL_SCOPES) };
  const isOpen = () => config.current.api.auth.type === "none";
  return {
    find(token) {
      const given = digest(token);
      let found: Key | null = null;
      for (const key of keys()) if (sameDigest(given, key.digest)) found = key;
      return found;
    },
    holds: (id) => (isOpen() ? id === anonymous.id : keys().some((key) => key.id === id)),
    anonymous: () => (isOpen() ? anonymous : null),
  };
}

function keysOf(config: Config): (Key & { digest: Uint8Array })[] {
  const { token, keys } = config.api.auth;
  return [
    ...(token === undefined ? [] : [{ token, caller: caller(OWNER, ALL_SCOPES) }]),
    ...keys.map((key) => ({ token: key.token, caller: caller(key.name, key.scopes, key.tools) })),
  ].map((entry) => {
    const hash = digest(entry.token);
    return { id: Buffer.from(hash).toString("hex"), digest: hash, caller: entry.caller };
  });
}

function caller(principal: string, scopes: readonly Scope[], tools?: readonly string[]): Caller {
  return { door: "api", principal, scopes, ...(tools === undefined ? {} : { tools }) };
}
