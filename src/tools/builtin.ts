import type { Store } from "../store/contract.ts";
import type { Tool } from "./contract.ts";
import { memoryTools } from "./memory.ts";
import { sessionTools } from "./session.ts";
import { todolistTools } from "./todolist.ts";

/** The tools that need nothing but the store. */
export function builtinTools(store: Pick<Store, "memory" | "todos" | "sessions">): Tool[] {
  return [...memoryTools(store.memory), ...todolistTools(store.todos), ...sessionTools(store.sessions)];
}
