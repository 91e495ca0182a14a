import { sleep } from "../../lib/waiting.ts";
import { PlatformError } from "../contract.ts";
import type { WeixinApi } from "../weixin-api.ts";
import {
  AFTER_ACTION,
  AFTER_MESSAGE,
  type Conversation,
  type Conversations,
  type Kept,
} from "./conversations.ts";
import { isDenied, isUsedUp, meaningOf } from "./errors.ts";
import type { Held } from "./held.ts";
import { pushMessage } from "./push.ts";
import type { Timing } from "./timing.ts";
import type { Words } from "./words.ts";

/** How answers reach people: within a call, by a push, or at the next message. */
export interface Giving {
  /**
   * Gives a text, after all that is kept for this person. Resolves once it is given or kept; rejects with what a push rejects with
   * when a later try may help.
   */
  give(user: string, text: Kept, signal: AbortSignal): Promise<void>;
  /** The person has done something: so much may be pushed now, and what is kept is given. True when something is. */
  heard(user: string, opens: "message" | "action"): boolean;
  /** Takes one push of those that are left. False when there is none. */
  takePush(user: string): boolean;
  /** Whether answers can follow after the call, as far as is known. */
  readonly canPush: boolean;
}

export interface GivingParts {
  api: WeixinApi;
  conversations: Conversations;
  held: Held;
  timing: Timing;
  words: Words;
  /** Milliseconds since the epoch. */
  now(): number;
  log(message: string, fields: Record<string, unknown>): void;
}

/** An account that may not push is not asked again before. */
const DENIED_MS = 7 * 24 * 3_600_000;
/** More than this for one person is too much to be fetched. */
const MAX_KEPT = 20;

/** Makes what gives. The texts of one person are given one after another. */
export function createGiving(parts: GivingParts): Giving {
  const { conversations, held, timing, words, now } = parts;
  const turns = new Map<string, Promise<unknown>>();
  const timers = new Map<string, Timer>();
  const repliedAtMs = new Map<string, number>();

  const canPush = () => conversations.deniedUntilMs <= now();
  const pushesOf = ({ allowance }: Conversation): number => {
    if (!canPush()) return 0;
    const { pushes, untilMs } = allowance ?? allowanceAfter(AFTER_MESSAGE);
    return untilMs > now() ? pushes : 0;
  };
  const allowanceAfter = ({ pushes, lastsMs }: typeof AFTER_MESSAGE) => ({
    pushes,
    untilMs: now() + lastsMs,
  });
  const usePush = (conversation: Conversation) => {
    conversation.allowance ??= allowanceAfter(AFTER_MESSAGE);
    conversation.allowance.pushes -= 1;
  };

  /** Gives what is kept for as long as something can be given. `isWhole`: no more comes. */
  async function pump(user: string, isWhole: boolean, signal: AbortSignal): Promise<void> {
    const conversation = conversations.of(user);
    for (let [next, ...rest] = conversation.kept; next; [next, ...rest] = conversation.kept) {
      const left = pushesOf(conversation);
      const isInCall = held.isWaiting(user);
      if (!isInCall && left === 0) return;
      // Nothing can be sent after it: if there is more, the person has to be told.
      const isLast = isInCall ? !canPush() : left === 1;
      if (isLast && rest.length === 0 && !isWhole) return pumpLater(user, isInCall);
      const text = isLast && rest.length > 0 ? next.text + words.more : next.text;
      if (!isInCall && !(await push(user, conversation, text, signal))) return;
      if (isInCall && !held.give(user, text)) continue; // its time was up just now
      if (isInCall) repliedAtMs.set(user, now());
      conversation.kept.shift();
    }
  }

  /** False when the text has to be kept. */
  async function push(
    user: string,
    conversation: Conversation,
    text: string,
    signal: AbortSignal,
  ): Promise<boolean> {
    try {
      await sleep(Math.max(0, (repliedAtMs.get(user) ?? 0) + timing.afterReplyMs - now()), signal);
      repliedAtMs.delete(user);
      await pushMessage(parts.api, user, { msgtype: "text", text: { content: text } }, signal);
      usePush(conversation);
      return true;
    } catch (error) {
      if (isDenied(error)) conversations.deniedUntilMs = now() + DENIED_MS;
      else if (isUsedUp(error)) conversation.allowance = { pushes: 0, untilMs: 0 };
      else throw error;
      return false;
    }
  }

  function pumpLater(user: string, isInCall: boolean): void {
    clearTimeout(timers.get(user));
    const waitMs = isInCall ? timing.anotherPartOfReplyMs : timing.anotherPartMs;
    timers.set(user, setTimeout(pumpAlone, waitMs, user, true));
  }

  /** For what nobody waits for. What fails is kept. */
  function pumpAlone(user: string, isWhole: boolean): void {
    timers.delete(user);
    void inTurn(user, async () => {
      await pump(user, isWhole, AbortSignal.timeout(timing.callMs)).catch((error: unknown) =>
        parts.log("a text that is kept could not be given", { user, error }),
      );
      conversations.save();
    });
  }

  function inTurn<T>(user: string, task: () => Promise<T>): Promise<T> {
    const before = turns.get(user) ?? Promise.resolve();
    const result = before.then(task, task);
    turns.set(user, result);
    const leave = () => turns.get(user) === result && turns.delete(user);
    result.then(leave, leave);
    return result;
  }

  return {
    get canPush() {
      return canPush();
    },
    give: (user, text, signal) =>
      inTurn(user, async () => {
        clearTimeout(timers.get(user));
        const conversation = conversations.of(user);
        const isKept = () => conversation.kept.some(({ id }) => id === text.id);
        const hadKept = conversation.kept.length > 0;
        if (!isKept()) conversation.kept.push(text);
        const drop = () => {
          conversation.kept = conversation.kept.filter(({ id }) => id !== text.id);
        };
        try {
          await pump(user, false, signal);
          if (isKept()) refuseUnlessKept(conversation, conversations, canPush());
        } catch (error) {
          drop();
          throw error;
        } finally {
          if (hadKept || isKept()) conversations.save();
        }
        // The answer of this call shall come after what it has saved, and after the answer of the call that it was given to.
        await new Promise((resolve) => setImmediate(resolve));
      }),
    heard(user, opens) {
      const conversation = conversations.of(user);
      const { allowance } = conversation;
      if (opens === "message") conversation.allowance = allowanceAfter(AFTER_MESSAGE);
      else if (allowance === null || pushesOf(conversation) < AFTER_ACTION.pushes)
        conversation.allowance = allowanceAfter(AFTER_ACTION);
      if (conversation.kept.length === 0) return false;
      pumpAlone(user, false);
      return true;
    },
    takePush(user) {
      const conversation = conversations.of(user);
      if (pushesOf(conversation) === 0) return false;
      usePush(conversation);
      return true;
    },
  };
}

/** Rejects where nothing more can be kept. */
function refuseUnlessKept({ kept }: Conversation, { canKeep }: Conversations, canPush: boolean): void {
  if (canKeep && kept.length <= MAX_KEPT) return;
  const { kind, message, ...options } = meaningOf(canPush ? 45047 : 48001, "message/custom/send");
  throw new PlatformError(kind, message, options);
}
