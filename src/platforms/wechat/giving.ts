import { createInOrder } from "../../lib/in-order.ts";
import { within } from "../../lib/waiting.ts";
import { PlatformError } from "../contract.ts";
import type { Conversations, Kept } from "./conversations.ts";
import { meaningOf } from "./errors.ts";
import type { Held } from "./held.ts";
import type { Pushes } from "./pushes.ts";
import type { Timing } from "./timing.ts";
import type { Words } from "./words.ts";

/** How texts reach people: within a call, by a push, or at the next message. */
export interface Giving {
  /**
   * Gives a text, after all that is kept for this person. Resolves once it is given or kept; rejects with what a push rejects with
   * when a later try may help.
   */
  give(user: string, text: Kept, signal: AbortSignal): Promise<void>;
  /** Gives what is kept, now that the person has written. True when something is. */
  giveKept(user: string): boolean;
}

export interface GivingParts {
  conversations: Conversations;
  held: Held;
  pushes: Pushes;
  timing: Timing;
  words: Words;
  log(message: string, fields: Record<string, unknown>): void;
}

/** More than this for one person is too much to be fetched. */
const MAX_KEPT = 20;

/** The texts of one person are given one after another. */
export function createGiving(parts: GivingParts): Giving {
  const { conversations, held, pushes, timing, words } = parts;
  const inOrder = createInOrder();
  const timers = new Map<string, Timer>();

  /** Gives what is kept for as long as something can be given. `isWhole`: no more comes. */
  async function pump(user: string, isWhole: boolean, signal: AbortSignal): Promise<void> {
    const conversation = conversations.of(user);
    for (let [next, ...rest] = conversation.kept; next; [next, ...rest] = conversation.kept) {
      const left = pushes.left(user);
      const isInCall = held.isWaiting(user);
      if (!isInCall && left === 0) return;
      // Nothing can be sent after it: if there is more, the person has to be told.
      const isLast = isInCall ? !pushes.areAllowed : left === 1;
      if (isLast && rest.length === 0 && !isWhole) return pumpLater(user, isInCall);
      const text = isLast && rest.length > 0 ? next.text + words.more : next.text;
      const given = isInCall ? held.give(user, text) : null;
      if (isInCall && given === null) continue; // its time was up just now
      if (given !== null) {
        await within(given, timing.hangUpMs); // until it is answered, the call can be cut off with the text
        pushes.replied(user);
      } else if (!(await pushes.send(user, { msgtype: "text", text: { content: text } }, signal))) return;
      conversation.kept.shift();
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
    void inOrder(user, async () => {
      await pump(user, isWhole, AbortSignal.timeout(timing.callMs)).catch((error: unknown) =>
        parts.log("a text that is kept could not be given", { user, error }),
      );
      void conversations.save();
    });
  }

  async function giveOrKeep(user: string, text: Kept, signal: AbortSignal): Promise<void> {
    clearTimeout(timers.get(user));
    const conversation = conversations.of(user);
    const isKept = () => conversation.kept.some(({ id }) => id === text.id);
    const hadKept = conversation.kept.length > 0;
    if (!isKept()) conversation.kept.push(text);
    try {
      await pump(user, false, signal);
      const canKeep = conversations.canKeep && conversation.kept.length <= MAX_KEPT;
      if (isKept() && !canKeep) throw refusal(pushes);
      if (isKept()) await conversations.save();
      else if (hadKept) void conversations.save();
    } catch (error) {
      conversation.kept = conversation.kept.filter(({ id }) => id !== text.id);
      if (hadKept) void conversations.save();
      throw error;
    }
    // Its own answer shall come after what was saved, and after the answer of the call that it was given to.
    await new Promise((resolve) => setImmediate(resolve));
  }

  return {
    give: (user, text, signal) => inOrder(user, () => giveOrKeep(user, text, signal)),
    giveKept(user) {
      if (conversations.of(user).kept.length === 0) return false;
      pumpAlone(user, false);
      return true;
    },
  };
}

/** Why a text can neither be given nor kept. */
function refusal({ areAllowed }: Pushes): PlatformError {
  const { kind, message, ...options } = meaningOf(areAllowed ? 45047 : 48001, "message/custom/send");
  return new PlatformError(kind, message, options);
}
