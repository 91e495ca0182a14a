import type { AccountSettings, OutboundMessage, PlatformAdapter } from "../../../src/platforms/contract.ts";
import { createSlackAdapter, TIMINGS } from "../../../src/platforms/slack/client.ts";
import type { ListenTimings } from "../../../src/platforms/slack/listen.ts";
import { type FakeSlack, type StoredMessage, startFakeSlack } from "../../fakes/slack/index.ts";
import { beginListening, createHeard, DEFAULTS, type Heard, type Listening as Listens } from "../heard.ts";

/** Waits that tests can afford. */
export const SHORT_TIMINGS: ListenTimings = {
  ...TIMINGS,
  firstRetryMs: 20,
  maxRetryMs: 100,
  stableMs: 0,
};

export { createHeard, failureOf, type Heard, never } from "../heard.ts";

/** An account as the configuration has it. */
export function account(changes: Partial<AccountSettings<"slack">> = {}): AccountSettings<"slack"> {
  return { ...DEFAULTS, ...changes };
}

/** The keys of the fake's app. */
export function keysOf(slack: FakeSlack): Partial<AccountSettings<"slack">> {
  return { bot_token: slack.botToken, api_base: slack.apiBase };
}

/** The adapter of the fake's bot, over Socket Mode. */
export function adapterOf(
  slack: FakeSlack,
  changes: Partial<AccountSettings<"slack">> = {},
  timings: Partial<ListenTimings> = {},
): PlatformAdapter {
  const settings = account({ ...keysOf(slack), app_token: slack.appToken, ...changes });
  return createSlackAdapter(settings, { ...SHORT_TIMINGS, ...timings });
}

/** An adapter that listens until the end of the block, and the workspace that it listens to. */
export interface Listening extends Heard, Listens {
  slack: FakeSlack;
}

/** Begins to listen, and waits until it is connected. */
export async function startListening(
  slack: FakeSlack = startFakeSlack(),
  changes: Partial<AccountSettings<"slack">> = {},
  timings: Partial<ListenTimings> = {},
): Promise<Listening> {
  const listening = beginListening(adapterOf(slack, changes, timings), createHeard());
  await slack.until(() => listening.states.length > 0, "it is connected");
  const stopListening = listening[Symbol.asyncDispose];
  return Object.assign(listening, {
    slack,
    async [Symbol.asyncDispose]() {
      await stopListening();
      await slack[Symbol.asyncDispose]();
    },
  });
}

/** A message to be sent. */
export function outbound(markdown: string, changes: Partial<OutboundMessage> = {}): OutboundMessage {
  return { address: { chat: "C0GENERAL" }, markdown, idempotencyId: "delivery_1:0", ...changes };
}

/** What the bot shows in a channel. */
export function shownIn(slack: FakeSlack, channel = "C0GENERAL"): StoredMessage[] {
  return slack.messages(channel).filter((one) => one.user === slack.botUserId && !one.isDeleted);
}
