import type { ConnectionHooks } from "../contract.ts";
import { type Fields, fieldsOf, objectsOf, textOf } from "../fields.ts";

/** A text that could not be given yet. */
export interface Kept {
  /** Of the message that it is. */
  id: string;
  text: string;
}

/** What stands open with one person. */
export interface Conversation {
  /** Oldest first. */
  kept: Kept[];
  /** So many messages may still be pushed until then (milliseconds since the epoch); null where WeChat alone knows. */
  allowance: { pushes: number; untilMs: number } | null;
}

/** What stands open with everybody. What is kept outlives the process, bounded in number and size. */
export interface Conversations {
  of(user: string): Conversation;
  /** Until when nothing is pushed, because the account may not (milliseconds since the epoch). */
  deniedUntilMs: number;
  /** Reads what the process before has saved; once is enough. */
  begin(hooks: ConnectionHooks): void;
  /** False where nobody receives: what cannot be given cannot be kept either. */
  readonly canKeep: boolean;
  /** Resolves once it is on disk; a rejection may be left to itself. */
  save(): Promise<void>;
}

/** Whoever was heard last is remembered. */
const MAX_CONVERSATIONS = 5000;
const MAX_KEPT_CHARS = 200_000;

/** Nothing stands open yet. */
export function createConversations(): Conversations {
  const open = new Map<string, Conversation>();
  let hooks: ConnectionHooks | null = null;

  const conversations: Conversations = {
    deniedUntilMs: 0,
    of(user) {
      const conversation = open.get(user) ?? { kept: [], allowance: null };
      open.delete(user); // to the end
      open.set(user, conversation);
      forget(open, hooks);
      return conversation;
    },
    begin(given) {
      if (hooks !== null) return;
      hooks = given;
      const saved = fieldsOf(given.state);
      conversations.deniedUntilMs = Number(saved["deniedUntilMs"] ?? 0);
      for (const one of objectsOf(saved["open"]))
        open.set(textOf(one["user"]), {
          kept: objectsOf(one["kept"]).map(({ id, text }) => ({ id: textOf(id), text: textOf(text) })),
          allowance: allowanceOf(fieldsOf(one["allowance"])),
        });
    },
    get canKeep() {
      return hooks !== null;
    },
    save() {
      const kept = [...open].flatMap(([user, one]) => (one.kept.length > 0 ? [{ user, ...one }] : []));
      const { deniedUntilMs } = conversations;
      return hooks?.saveState({ deniedUntilMs, open: kept }) ?? Promise.resolve();
    },
  };
  return conversations;
}

function allowanceOf({ pushes, untilMs }: Fields): Conversation["allowance"] {
  return typeof pushes === "number" && typeof untilMs === "number" ? { pushes, untilMs } : null;
}

/** Forgets the oldest where there is too much. */
function forget(open: Map<string, Conversation>, hooks: ConnectionHooks | null): void {
  const charsOf = ({ kept }: Conversation) => kept.reduce((sum, { text }) => sum + text.length, 0);
  let chars = open.values().reduce((sum, one) => sum + charsOf(one), 0);
  for (const [user, one] of open) {
    if (open.size <= MAX_CONVERSATIONS && chars <= MAX_KEPT_CHARS) return;
    if (open.size <= MAX_CONVERSATIONS && one.kept.length === 0) continue;
    open.delete(user);
    chars -= charsOf(one);
    if (one.kept.length > 0) hooks?.log("warn", "an answer that nobody fetched is given up", { user });
  }
}
