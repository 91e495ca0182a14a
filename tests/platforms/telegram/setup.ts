import type {
  AccountSettings,
  InboundMessage,
  OutboundMessage,
  PlatformAdapter,
} from "../../../src/platforms/contract.ts";
import { createAdapter } from "../../../src/platforms/telegram/adapter.ts";
import { TIMING, type Timing } from "../../../src/platforms/telegram/timing.ts";
import type { FakeTelegram } from "../../fakes/telegram/contract.ts";
import { createWatch } from "../../fakes/telegram/watch.ts";
import {
  beginListening,
  createHeard as createNotes,
  DEFAULTS,
  type Listening as Listens,
  type Heard as Notes,
} from "../heard.ts";

export { failureOf, never } from "../heard.ts";

const SHORT = { baseMs: 5, maxMs: 20 };

/** Waits that tests can afford. */
export const SHORT_TIMING: Timing = {
  ...TIMING,
  retry: SHORT,
  reconnect: SHORT,
  emitRetry: SHORT,
  slowEmitMs: 550,
  emptyPollMs: 20,
  webhookCheckMs: 20,
};

/** An account as the configuration has it. */
export function account(changes: Partial<AccountSettings<"telegram">> = {}): AccountSettings<"telegram"> {
  return {
    ...DEFAULTS,
    bot_token: "1:token",
    allowed_users: [],
    polling_timeout: 1,
    max_retries: 2,
    mode: "polling",
    ...changes,
  };
}

/** The adapter of the fake's bot. */
export function adapterOf(
  fake: Pick<FakeTelegram, "url" | "token">,
  changes: Partial<AccountSettings<"telegram">> = {},
  timing: Partial<Timing> = {},
): ReturnType<typeof createAdapter> {
  const settings = account({ bot_token: fake.token, api_base: fake.url, ...changes });
  return createAdapter(settings, { ...SHORT_TIMING, ...timing });
}

/** What an adapter has told its hooks, and waiting for what it will tell. */
export interface Heard extends Notes {
  until: ReturnType<typeof createWatch>["until"];
}

/** `saved`: by the process before. */
export function createHeard(saved: unknown = null): Heard {
  const { until, changed } = createWatch();
  const notes = createNotes(saved, changed);
  Object.assign(notes.hooks, { webhookPath: "/hooks/telegram/work" });
  return Object.assign(notes, { until });
}

/** An adapter that listens until the end of the block. */
export type Listening = Heard & Listens;

/** Begins to listen. */
export function startListening(adapter: PlatformAdapter, heard = createHeard()): Listening {
  return beginListening(adapter, heard);
}

/** A message to be sent. */
export function outbound(markdown: string, changes: Partial<OutboundMessage> = {}): OutboundMessage {
  return { address: { chat: "501" }, markdown, idempotencyId: "delivery_1:0", ...changes };
}

/** The messages among the events. */
export function messagesOf({ events }: Heard): InboundMessage[] {
  return events.filter((event) => event.type === "message");
}
