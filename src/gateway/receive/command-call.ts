import type { Agent } from "../../agent/contract.ts";
import type { ModelRouter } from "../../models/contract.ts";
import type { InboundMessage, MenuCommand } from "../../platforms/contract.ts";
import type { Store } from "../../store/contract.ts";
import type { ChatState, Run } from "../../store/records.ts";
import type { Words } from "../words.ts";
import { type Place, sessionKeyOf } from "./place.ts";

/** What commands work with. */
export interface CommandParts {
  store: Store;
  agent: Agent;
  models: ModelRouter;
}

/** One command that somebody wrote. */
export interface CommandCall {
  name: string;
  /** What stands behind the name. */
  rest: string;
  message: InboundMessage;
  place: Place;
  chat: ChatState;
  sessionId: string;
  /** The name space and the id of the message, for what must not be done twice. */
  delivery: { source: string; id: string; fingerprint: string };
  /** Set when a process died in the middle of it: when it was begun. It is not about what came later. */
  begunAtMs: number | null;
  /** The bot that was written to; null before it is known. */
  bot: string | null;
  /** True for who may let others in. */
  isListed: boolean;
  /** Has the last turn done again; its answer comes by itself. */
  retry(): Promise<void>;
}

/** Its answer, or null where that comes by itself. */
type Handler = (call: CommandCall, parts: CommandParts, words: Words) => Promise<string | null>;

/** A command with what it does. */
export interface Command extends MenuCommand {
  usage: string;
  run: Handler;
}

/** The command that a text is, or null. A path such as `/etc/hosts` is none. */
export function commandIn(text: string): { name: string; rest: string } | null {
  const found = /^\/([a-z][a-z0-9_]{0,31})(?:\s+([\s\S]*))?$/i.exec(text.trim());
  return found ? { name: (found[1] as string).toLowerCase(), rest: (found[2] ?? "").trim() } : null;
}

/** The runs of the current session that have not ended and that the command is about, oldest first. */
export async function openRuns(call: CommandCall, { store }: CommandParts): Promise<Run[]> {
  const open = await store.runs.openOf(sessionKeyOf(call.place, call.sessionId));
  return open.filter((run) => isMeant(run, call));
}

/** Whether something was there when the command came. */
export function isMeant({ createdAt }: { createdAt: number }, { begunAtMs }: CommandCall): boolean {
  return begunAtMs === null || createdAt <= begunAtMs;
}
