import type { Config } from "../config/schema.ts";
import type { Caller, Door, Scope } from "./contract.ts";

/** The principal of the credentials with every right. */
export const OWNER = "owner";
/** Every scope there is. */
export const ALL_SCOPES: readonly Scope[] = ["read", "chat", "tools", "admin"];

/** The owner, at a door that knows it is the owner. */
export function ownerAt(door: Door): Caller {
  return { door, principal: OWNER, scopes: ALL_SCOPES };
}

/** Whoever an entry of `auth.keys` is for, with the rights of that entry. */
export function callerOfKey(door: Door, key: Config["api"]["auth"]["keys"][number]): Caller {
  const { name, scopes, tools, approval } = key;
  return {
    door,
    principal: name,
    scopes,
    ...(tools === undefined ? {} : { tools }),
    ...(approval === undefined ? {} : { approval }),
  };
}
