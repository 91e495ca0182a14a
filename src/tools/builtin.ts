import type { LiveConfig } from "../config/live.ts";
import type { Log } from "../lib/log.ts";
import type { SafeFetch } from "../lib/safe-fetch.ts";
import type { Store } from "../store/contract.ts";
import type { Tool } from "./contract.ts";
import { type Delegation, delegateTools } from "./delegate.ts";
import { fileTools } from "./file/tools.ts";
import { memoryTools } from "./memory.ts";
import { sessionTools } from "./session.ts";
import { createSkillLibrary } from "./skill/library.ts";
import { skillTools } from "./skill/tools.ts";
import type { Terminal } from "./terminal/terminal.ts";
import { todolistTools } from "./todolist.ts";
import { webTools } from "./web/tools.ts";

/** What the tools of this process are made from. */
export interface ToolParts {
  store: Pick<Store, "memory" | "todos" | "sessions">;
  config: LiveConfig;
  /** Hermes's own directory. */
  home: string;
  fetch: SafeFetch;
  /** Without it there are no commands. */
  terminal?: Pick<Terminal, "tools">;
  /** Without it there is no delegate_task. */
  delegation?: Delegation;
  log: Log;
}

/** Every tool that Hermes itself has, in the order in which they are listed. */
export function builtinTools(parts: ToolParts): Tool[] {
  const { store, fetch, config, home, terminal, delegation, log } = parts;
  return [
    ...memoryTools(store.memory),
    ...todolistTools(store.todos),
    ...fileTools(config, home),
    ...(terminal?.tools ?? []),
    ...webTools({ config, fetch }),
    ...(delegation ? delegateTools(delegation) : []),
    ...skillTools(createSkillLibrary({ home, log })),
    ...sessionTools(store.sessions),
  ];
}
