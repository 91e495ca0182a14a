import type { CompleteRequestParams, CompleteResult } from "@modelcontextprotocol/server";
import { AppError } from "../lib/errors.ts";
import type { Store } from "../store/contract.ts";
import { type Caller, sessionIdOf, sessionOwner } from "../tools/contract.ts";
import type { Exchange } from "./contract.ts";
import { MEMORY_TEMPLATE, SESSION_TEMPLATE } from "./resources.ts";
import type { ReadableSkills } from "./skills.ts";

/** The most that the protocol allows in one answer. */
const MAX_VALUES = 100;

export interface CompletionParts {
  store: Pick<Store, "memory" | "sessions">;
  skills: ReadableSkills;
  mayUse(caller: Caller, tool: string): boolean;
  mayReadSkills(caller: Caller): boolean;
}

/** Offers memory keys and session ids for the templates. The task of a prompt is free text. */
export async function complete(
  parts: CompletionParts,
  { ref, argument }: CompleteRequestParams,
  { caller }: Exchange,
): Promise<CompleteResult> {
  if (ref.type === "ref/prompt") {
    const known = parts.mayReadSkills(caller) ? (await parts.skills.list()).skills : [];
    if (known.some(({ name }) => name === ref.name)) return values([]);
    throw unknown(`prompt ${ref.name}`);
  }
  if (ref.uri === MEMORY_TEMPLATE && parts.mayUse(caller, "memory_read"))
    return values(await memoryKeys(parts, caller, argument.value));
  if (ref.uri === SESSION_TEMPLATE && parts.mayUse(caller, "session_read")) {
    const { items } = await parts.store.sessions.list({ owner: sessionOwner(caller), limit: MAX_VALUES });
    return values(items.map(({ key }) => sessionIdOf(key)).filter((id) => id.startsWith(argument.value)));
  }
  throw unknown(`template ${ref.uri}`);
}

/** The keys that begin like the text, then others that it is found in. */
async function memoryKeys({ store }: CompletionParts, caller: Caller, text: string): Promise<string[]> {
  const { items } = await store.memory.list(caller.principal, { limit: MAX_VALUES });
  const found = text === "" ? [] : await store.memory.search(caller.principal, text, MAX_VALUES);
  const keys = [...new Set([...items, ...found].map(({ key }) => key))];
  const first = keys.filter((key) => key.startsWith(text));
  return [...first, ...keys.filter((key) => !key.startsWith(text) && key.includes(text))];
}

function values(all: string[]): CompleteResult {
  return {
    completion: { values: all.slice(0, MAX_VALUES), total: all.length, hasMore: all.length > MAX_VALUES },
  };
}

function unknown(what: string): AppError {
  return new AppError("not_found", `There is no ${what.slice(0, 200)}.`);
}
