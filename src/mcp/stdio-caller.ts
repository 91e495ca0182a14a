import type { Config } from "../config/schema.ts";
import { AppError } from "../lib/errors.ts";
import { sameSecret } from "../lib/secrets.ts";
import { callerOfKey, ownerAt } from "../tools/caller.ts";
import type { Caller } from "../tools/contract.ts";

/**
 * Who calls over stdio. Without a key it is the owner: whoever can start `hermes mcp` can read its files anyway. With one it
 * is whoever the key belongs to, with no more than the rights of that key. Throws `unauthorized` for a key that is none of
 * the configured ones: somebody believes that it protects something.
 */
export function stdioCaller({ mcp: { auth } }: Config, apiKey: string | null): Caller {
  const door = "mcp-stdio";
  const owner = ownerAt(door);
  if (apiKey === null) return owner;
  if (auth.api_keys.length + auth.keys.length === 0)
    throw new AppError(
      "unauthorized",
      "HERMES_API_KEY is set, but no MCP key is configured. Remove it from the client's settings (over stdio none is needed), or add it to mcp.auth.api_keys.",
    );
  let caller: Caller | null = null;
  for (const key of auth.api_keys) if (sameSecret(apiKey, key)) caller = owner;
  for (const key of auth.keys) if (sameSecret(apiKey, key.token)) caller = callerOfKey(door, key);
  if (caller === null)
    throw new AppError(
      "unauthorized",
      "HERMES_API_KEY is none of the configured MCP keys. Use one of mcp.auth.api_keys or mcp.auth.keys, or remove it from the client's settings.",
    );
  return caller;
}
