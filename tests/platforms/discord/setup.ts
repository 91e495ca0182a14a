import type {
  AccountSettings,
  InboundMessage,
  OutboundMessage,
  PlatformAdapter,
} from "../../../src/platforms/contract.ts";
import { createAdapter } from "../../../src/platforms/discord/adapter.ts";
import type { DiscordState } from "../../../src/platforms/discord/state.ts";
import { TIMING, type Timing } from "../../../src/platforms/discord/timing.ts";
import type { FakeDiscord } from "../../fakes/discord/index.ts";
import { until } from "../../fakes/discord/until.ts";
import {
  beginListening,
  createHeard as createNotes,
  DEFAULTS,
  type Listening as Listens,
  type Heard as Notes,
} from "../heard.ts";

export { failureOf, never } from "../heard.ts";

/** Nothing takes as long, but machines may be busy. */
export const TEST_TIMEOUT_MS = 30_000;

const SHORT = { baseMs: 5, maxMs: 20 };

/** Waits that tests can afford. */
export const SHORT_TIMING: Timing = {
  ...TIMING,
  reconnect: SHORT,
  settledMs: 0,
  invalid: { leastMs: 5, spreadMs: 5 },
  identifyEveryMs: 0,
  emitRetry: SHORT,
  saveEveryMs: 20,
  checkEveryMs: 20,
};

/** An account as the configuration has it. */
export function account(changes: Partial<AccountSettings<"discord">> = {}): AccountSettings<"discord"> {
  return { ...DEFAULTS, allowed_guilds: [], allowed_channels: [], mode: "websocket", ...changes };
}

/** The adapter of the fake's bot. */
export function adapterOf(
  fake: FakeDiscord,
  changes: Partial<AccountSettings<"discord">> = {},
  timing: Partial<Timing> = {},
): PlatformAdapter {
  const settings = account({ bot_token: fake.token, api_base: fake.apiBase, ...changes });
  return createAdapter(settings, { ...SHORT_TIMING, ...timing });
}

/** What an adapter has told its hooks, and what of it is on disk. */
export interface Heard extends Notes {
  /** Every state that was saved. */
  saved: DiscordState[];
}

/** Hooks of a process that begins with this state. */
export function createHeard(state: unknown = null): Heard {
  const notes = createNotes(state);
  const saved: DiscordState[] = [];
  Object.defineProperty(notes.hooks, "state", { value: state }); // what is saved is for the process after
  notes.hooks.saveState = async (next) => void saved.push(structuredClone(next) as DiscordState);
  return Object.assign(notes, { saved });
}

/** An adapter that listens until the end of the block. */
export type Listening = Heard & Listens;

/** Begins to listen. */
export function startListening(adapter: PlatformAdapter, heard = createHeard()): Listening {
  return beginListening(adapter, heard);
}

/** The same, and waits until it is connected. */
export async function connected(fake: FakeDiscord, state: unknown = null): Promise<Listening> {
  const listening = startListening(adapterOf(fake), createHeard(state));
  await until("it is connected", () => isConnected(listening));
  return listening;
}

/** True while the last that was heard is that it is connected. */
export function isConnected({ states }: Heard): boolean {
  return states.at(-1)?.startsWith("connected") === true;
}

/** A message to be sent to the channel of the fake. */
export function outbound(
  fake: FakeDiscord,
  markdown: string,
  changes: Partial<OutboundMessage> = {},
): OutboundMessage {
  return { address: { chat: fake.channel }, markdown, idempotencyId: "delivery_1:0", ...changes };
}

/** The messages among the events. */
export function messagesOf({ events }: Pick<Heard, "events">): InboundMessage[] {
  return events.filter((event) => event.type === "message");
}

/** Their texts. */
export function textsOf(heard: Pick<Heard, "events">): string[] {
  return messagesOf(heard).map(({ text }) => text);
}
