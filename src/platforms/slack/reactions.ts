import { setNewest } from "../../lib/newest.ts";
import type { ChatAddress, Reaction } from "../contract.ts";
import type { SlackApi } from "./api.ts";
import { slackCode } from "./errors.ts";

const EMOJI: Readonly<Record<Reaction, string>> = {
  seen: "eyes",
  done: "white_check_mark",
  failed: "x",
};
const MAX_KEPT = 1000;

/** Puts one reaction on a message in place of the one before; null takes it away. */
export type React = (
  address: ChatAddress,
  messageId: string,
  reaction: Reaction | null,
  signal: AbortSignal,
) => Promise<void>;

/** `React` for one account. Slack takes few removals a minute: only what can be there is removed. */
export function createReact(api: SlackApi): React {
  const last = new Map<string, Reaction>();

  const call = async (
    method: "add" | "remove",
    name: string,
    place: { channel: string; timestamp: string },
    signal: AbortSignal,
  ) => {
    try {
      await api.call(`reactions.${method}`, { ...place, name }, signal);
    } catch (error) {
      if (!["already_reacted", "no_reaction"].includes(slackCode(error))) throw error;
    }
  };

  return async ({ chat }, messageId, reaction, signal) => {
    const place = { channel: chat, timestamp: messageId };
    const key = `${chat}:${messageId}`;
    // From a process before, there can be nothing but the first one, or whatever somebody wants to have taken away.
    const known = last.get(key);
    const unknown: readonly Reaction[] = reaction === null ? ["seen", "done", "failed"] : ["seen"];
    const before = known === undefined ? unknown : [known];
    if (reaction !== null) {
      await call("add", EMOJI[reaction], place, signal);
      setNewest(last, key, reaction, MAX_KEPT);
    } else last.delete(key);
    for (const one of before) if (one !== reaction) await call("remove", EMOJI[one], place, signal);
  };
}
