import { AppError } from "../../lib/errors.ts";
import { type Caller, sessionOwner } from "../../tools/contract.ts";

/** The owner whose things a request is about: the caller, or the one it names, for which it needs the scope `admin`. */
export function ownerOf(caller: Caller, named?: string): string {
  const own = sessionOwner(caller);
  if (named === undefined || named === own) return own;
  if (isAdmin(caller)) return named;
  throw new AppError("forbidden", 'Only a key with the scope "admin" reaches other owners.', {
    hint: "Leave `owner` out.",
  });
}

/** True when the caller may know of a session: its own, or anybody's with `admin`. */
export function mayReach(caller: Caller, sessionKey: string): boolean {
  return isAdmin(caller) || sessionKey.startsWith(`${sessionOwner(caller)}/`);
}

function isAdmin({ scopes }: Caller): boolean {
  return scopes.includes("admin");
}
