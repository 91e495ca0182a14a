import { setNewest } from "../../lib/newest.ts";
import { fieldsOf, objectsOf, textOf } from "../fields.ts";

/** So many conversations are known; those that were silent for longest go first. */
const MAX_KNOWN = 100;
/** A webhook that expires sooner is not used any more. */
const LAST_MOMENT_MS = 10_000;

/** What a message told of the conversation that it came from. */
export interface Conversation {
  /** DingTalk's own id, also of a direct chat. */
  id: string;
  isDirect: boolean;
  /** Where it can be answered without a token; lasts for 90 minutes. Whoever has it can write there. */
  webhook?: { url: string; expiresAtMs: number };
}

/** The conversations in which somebody has written lately, by the chat of their address. */
export interface Conversations {
  note(chat: string, conversation: Conversation): void;
  of(chat: string): Conversation | undefined;
  /** Where the chat can be answered now; null when that is over. */
  webhookOf(chat: string): URL | null;
  /** The webhook does not work any more. */
  forgetWebhook(chat: string): void;
  /** What is worth keeping over a restart: a small JSON value. */
  readonly state: unknown;
  /** Knows again what `state` was. */
  restore(state: unknown): void;
}

/** `isTheirs` decides which webhooks may be used: they come from outside, and messages are posted to them. */
export function createConversations(
  isTheirs: (url: URL) => boolean,
  now: () => number = Date.now,
): Conversations {
  const known = new Map<string, Conversation>();
  const isAlive = ({ webhook }: Conversation) =>
    webhook !== undefined && webhook.expiresAtMs - LAST_MOMENT_MS > now();

  const note = (chat: string, conversation: Conversation) => {
    setNewest(known, chat, conversation, MAX_KNOWN);
  };
  return {
    note,
    of: (chat) => known.get(chat),
    webhookOf(chat) {
      const conversation = known.get(chat);
      if (conversation === undefined || !isAlive(conversation)) return null;
      const url = URL.parse(conversation.webhook?.url ?? "");
      return url !== null && isTheirs(url) ? url : null;
    },
    forgetWebhook(chat) {
      const conversation = known.get(chat);
      if (conversation === undefined) return;
      const { webhook: _over, ...rest } = conversation;
      known.set(chat, rest);
    },
    get state() {
      const alive = [...known].filter(([, conversation]) => isAlive(conversation));
      return { conversations: alive.map(([chat, conversation]) => ({ chat, ...conversation })) };
    },
    restore(state) {
      for (const saved of objectsOf(fieldsOf(state)["conversations"])) {
        const [chat, id] = [textOf(saved["chat"]), textOf(saved["id"])];
        const { url, expiresAtMs } = fieldsOf(saved["webhook"]);
        if (chat === "" || known.has(chat) || typeof url !== "string" || typeof expiresAtMs !== "number")
          continue;
        note(chat, { id, isDirect: saved["isDirect"] === true, webhook: { url, expiresAtMs } });
      }
    },
  };
}
