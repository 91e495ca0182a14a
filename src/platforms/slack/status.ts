import { addNewest } from "../../lib/newest.ts";
import type { AccountSettings, ChatAddress } from "../contract.ts";
import { PlatformError } from "../contract.ts";
import type { SlackApi } from "./api.ts";
import { slackCode } from "./errors.ts";

const WORDS = { en: "is thinking...", zh: "正在思考…" } as const;
/** Errors after which no other try can help while the app is as it is. */
const NOWHERE: ReadonlySet<string> = new Set([
  "unknown_method",
  "method_deprecated",
  "missing_scope",
  "no_permission",
  "not_allowed",
  "feature_not_enabled",
]);
const MAX_KEPT = 1000;

/** The line below a thread that says that the bot is at work (docs.slack.dev/reference/methods/assistant.threads.setStatus). */
export interface Status {
  /** Shows it, where there is a thread. Slack takes it away with the next message of the bot, or after two minutes. */
  show(address: ChatAddress, signal: AbortSignal): Promise<void>;
  /** A message was posted in the thread: Slack has taken it away. */
  posted(address: ChatAddress): void;
  /** Takes it away when it is still there: an edit does not. Never rejects: Slack takes it away in the end. */
  clear(address: ChatAddress, signal: AbortSignal): Promise<void>;
}

/** `Status` for one account. `note` is told of what failed and does not matter to the caller. */
export function createStatus(
  api: SlackApi,
  { language }: Pick<AccountSettings<"slack">, "language">,
  note: (message: string, fields: Record<string, unknown>) => void,
): Status {
  const shownIn = new Set<string>();
  const words = WORDS[language === "zh" ? "zh" : "en"];
  let isThere = true;

  const set = ({ chat, thread }: ChatAddress, status: string, signal: AbortSignal) =>
    api.call("assistant.threads.setStatus", { channel_id: chat, thread_ts: thread, status }, signal);

  return {
    async show(address, signal) {
      if (!isThere || address.thread === undefined) return;
      try {
        await set(address, words, signal);
        addNewest(shownIn, keyOf(address), MAX_KEPT);
      } catch (error) {
        if (!(error instanceof PlatformError) || !NOWHERE.has(slackCode(error))) throw error;
        isThere = false;
        note("the app cannot show that it is at work", { reason: error.message });
      }
    },
    posted: (address) => void shownIn.delete(keyOf(address)),
    async clear(address, signal) {
      if (!shownIn.delete(keyOf(address))) return;
      await set(address, "", signal).catch((error: unknown) =>
        note("the line that the bot is at work stays", { reason: String(error) }),
      );
    },
  };
}

function keyOf({ chat, thread = "" }: ChatAddress): string {
  return `${chat}:${thread}`;
}
