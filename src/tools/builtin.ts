import type { LiveConfig } from "../config/live.ts";
import type { Log } from "../lib/log.ts";
import type { SafeFetch } from "../lib/safe-fetch.ts";
import type { Store } from "../store/contract.ts";
import type { Tool } from "./contract.ts";
import { memoryTools } from "./memory.ts";
import { sessionTools } from "./session.ts";
import { todolistTools } from "./todolist.ts";

/** What the tools of this process are made from. */
export interface ToolParts {
  store: Pick<Store, "memory" | "todos" | "sessions">;
  config: LiveConfig;
  /** Hermes's own directory. */
  home: string;
  fetch: SafeFetch;
  log: Log;
}

/** Every tool that Hermes itself has, in the order in which they are listed. */
export function builtinTools({ store }: ToolParts): Tool[] {
  return [...memoryTools(store.memory), ...todolistTools(store.todos), ...sessionTools(store.sessions)];
}
