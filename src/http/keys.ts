import { derived, type LiveConfig } from "../config/live.ts";
import type { Config } from "../config/schema.ts";
import type { ToolGroup } from "../config/tool-groups.ts";
import { digest, sameDigest } from "../lib/secrets.ts";
import { callerOfKey, OWNER, ownerAt } from "../tools/caller.ts";
import type { Caller, Door } from "../tools/contract.ts";

/** A credential that is valid now. */
export interface Key {
  /** Names the credential in this process and tells nothing about it. */
  id: string;
  caller: Caller;
  /** What the rate limit counts by. */
  account: string;
  /** The tool groups whose scope an access token holds. */
  grants?: readonly ToolGroup[];
}

/** The keys of a surface as the configuration has them at this moment. */
export interface Keyring {
  /** The key that a token is; null for a wrong one. Takes the same time whichever key it is. */
  find(token: string): Key | null;
  /** True while the key of this id is valid. */
  holds(id: string): boolean;
  /** Who calls without a key: the owner when `auth.type` is `none`, otherwise nobody. */
  anonymous(): Key | null;
}

/** What a surface's section of the configuration says about keys. */
export interface KeyList {
  door: Door;
  /** True when nobody needs a key. */
  isOpen: boolean;
  /** Each has every right. */
  ownerTokens: readonly string[];
  /** Keys of others, each with its own rights. */
  named: Config["api"]["auth"]["keys"];
  /** What the rate limit counts by: the keys of one name together, which a rotation needs, or each owner's token alone. */
  ownersApart?: boolean;
}

/** The keys of section `api`. */
export function apiKeys({ api }: Config): KeyList {
  const { type, token, keys } = api.auth;
  return {
    door: "api",
    isOpen: type === "none",
    ownerTokens: token === undefined ? [] : [token],
    named: keys,
  };
}

/** The keys of section `mcp`: none with `oauth2`. Each of `api_keys` belongs to a program of its own. */
export function mcpKeys({ mcp }: Config): KeyList {
  const { type, api_keys, keys } = mcp.auth;
  const counts = type === "api_key";
  return {
    door: "mcp-http",
    isOpen: type === "none",
    ownerTokens: counts ? api_keys : [],
    named: counts ? keys : [],
    ownersApart: true,
  };
}

/** Reads the live configuration, so that a rotated key counts, and an old one does not, from the next request on. */
export function createKeyring(config: LiveConfig, read: (config: Config) => KeyList): Keyring {
  const lists = derived(config, (current) => {
    const list = read(current);
    const anonymous: Key = { id: "none", caller: ownerAt(list.door), account: OWNER };
    return { ...list, keys: keysOf(list), anonymous };
  });
  return {
    find(token) {
      const given = digest(token);
      let found: Key | null = null;
      for (const key of lists().keys) if (sameDigest(given, key.digest)) found = key;
      return found;
    },
    holds(id) {
      const { isOpen, anonymous, keys } = lists();
      return isOpen ? id === anonymous.id : keys.some((key) => key.id === id);
    },
    anonymous() {
      const { isOpen, anonymous } = lists();
      return isOpen ? anonymous : null;
    },
  };
}

function keysOf(list: KeyList): (Key & { digest: Uint8Array })[] {
  const { door } = list;
  return [
    ...list.ownerTokens.map((token) => ({ token, caller: ownerAt(door) })),
    ...list.named.map((key) => ({ token: key.token, caller: callerOfKey(door, key) })),
  ].map(({ token, caller }) => {
    const hash = digest(token);
    const id = Buffer.from(hash).toString("hex");
    const isApart = list.ownersApart === true && caller.principal === OWNER;
    return { id, digest: hash, caller, account: isApart ? id : caller.principal };
  });
}
