import { sleep } from "../../lib/waiting.ts";
import type { Fields } from "../fields.ts";
import type { WeixinApi } from "../weixin-api.ts";
import type { Conversation, Conversations } from "./conversations.ts";
import { isDenied, isUsedUp } from "./errors.ts";
import type { Timing } from "./timing.ts";

/** Messages that are sent after the call that they answer, of which WeChat allows so many. */
export interface Pushes {
  /** Whether the account may push at all, as far as is known. */
  readonly areAllowed: boolean;
  /** How many messages may be pushed to the person now. */
  left(user: string): number;
  /** The person has done something, and so allows some. */
  open(user: string, by: "message" | "action"): void;
  /** Uses one up. Resolves to false when WeChat allows none after all; rejects with what a later try may help against. */
  send(user: string, content: Fields, signal: AbortSignal): Promise<boolean>;
  /** A call of the person was answered just now. */
  replied(user: string): void;
}

export interface PushesParts {
  api: WeixinApi;
  conversations: Conversations;
  timing: Timing;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** An account that may not push is not asked again before. */
const DENIED_MS = 7 * 24 * 3_600_000;
/** What is allowed after what (https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html). */
const ALLOWANCES = {
  message: { pushes: 5, lastsMs: 48 * 3_600_000 },
  action: { pushes: 3, lastsMs: 60_000 },
};

/** Counts as WeChat does, so that it has nothing to refuse. */
export function createPushes({ api, conversations, timing, now }: PushesParts): Pushes {
  const repliedAtMs = new Map<string, number>();

  const areAllowed = () => conversations.deniedUntilMs <= now();
  const allowanceBy = (by: keyof typeof ALLOWANCES) => {
    const { pushes, lastsMs } = ALLOWANCES[by];
    return { pushes, untilMs: now() + lastsMs };
  };
  const leftIn = ({ allowance }: Conversation): number => {
    const { pushes, untilMs } = allowance ?? allowanceBy("message");
    return areAllowed() && untilMs > now() ? pushes : 0;
  };

  return {
    get areAllowed() {
      return areAllowed();
    },
    left: (user) => leftIn(conversations.of(user)),
    open(user, by) {
      const conversation = conversations.of(user);
      const isMore = conversation.allowance === null || leftIn(conversation) < ALLOWANCES[by].pushes;
      if (by === "message" || isMore) conversation.allowance = allowanceBy(by);
    },
    async send(user, content, signal) {
      const conversation = conversations.of(user);
      try {
        await sleep(Math.max(0, (repliedAtMs.get(user) ?? 0) + timing.afterReplyMs - now()), signal);
        repliedAtMs.delete(user);
        await api.call({ path: "message/custom/send", json: { touser: user, ...content } }, signal);
        conversation.allowance ??= allowanceBy("message");
        conversation.allowance.pushes -= 1;
        return true;
      } catch (error) {
        if (isDenied(error)) conversations.deniedUntilMs = now() + DENIED_MS;
        else if (isUsedUp(error)) conversation.allowance = { pushes: 0, untilMs: 0 };
        else throw error;
        return false;
      }
    },
    replied: (user) => void repliedAtMs.set(user, now()),
  };
}
