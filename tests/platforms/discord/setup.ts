import type {
  AccountSettings,
  ConnectionHooks,
  InboundEvent,
  InboundMessage,
  OutboundMessage,
  PlatformAdapter,
} from "../../../src/platforms/contract.ts";
import { PlatformError } from "../../../src/platforms/contract.ts";
import { createAdapter } from "../../../src/platforms/discord/adapter.ts";
import type { DiscordState } from "../../../src/platforms/discord/state.ts";
import { TIMING, type Timing } from "../../../src/platforms/discord/timing.ts";
import type { FakeDiscord } from "../../fakes/discord/index.ts";
import { until } from "../../fakes/discord/until.ts";

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
  return {
    enabled: true,
    allowed_users: [],
    allowed_groups: [],
    allowed_guilds: [],
    allowed_channels: [],
    require_mention: true,
    pairing: true,
    streaming: "edit",
    reactions: false,
    chats: {},
    mode: "websocket",
    ...changes,
  };
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
export interface Heard {
  hooks: ConnectionHooks;
  /** Events that were offered, taken or not. */
  offered: InboundEvent[];
  /** Events that were taken. */
  events: InboundEvent[];
  /** "connected as ...", or why it is not. */
  states: string[];
  logs: { level: string; message: string; fields: Record<string, unknown> }[];
  /** How often it was alive. */
  signs: number;
  /** Every state that was saved. */
  saved: DiscordState[];
  /** Called with every event before it is taken: waits, or throws. */
  before: (event: InboundEvent) => Promise<void> | void;
}

/** Hooks of a process that begins with this state. */
export function createHeard(state: unknown = null): Heard {
  const heard: Heard = {
    offered: [],
    events: [],
    states: [],
    logs: [],
    signs: 0,
    saved: [],
    before: () => {},
    hooks: {
      async emit(event) {
        heard.offered.push(event);
        await heard.before(event);
        heard.events.push(event);
      },
      connected: ({ id, name }) => void heard.states.push(`connected as ${name} (${id})`),
      alive() {
        heard.signs += 1;
      },
      reconnecting: (reason) => void heard.states.push(reason),
      state,
      webhookPath: "/webhook/discord",
      saveState: async (next) => void heard.saved.push(structuredClone(next) as DiscordState),
      log: (level, message, fields = {}) => void heard.logs.push({ level, message, fields }),
    },
  };
  return heard;
}

/** An adapter that listens until the end of the block. */
export interface Listening extends Heard, AsyncDisposable {
  adapter: PlatformAdapter;
  /** How `listen` ended. */
  ended: Promise<unknown>;
  stop(): void;
}

/** Begins to listen. */
export function startListening(adapter: PlatformAdapter, heard = createHeard()): Listening {
  const controller = new AbortController();
  if (!adapter.listen) throw new Error("it does not listen");
  const ended = adapter.listen(heard.hooks, controller.signal).then(
    () => "stopped",
    (error: unknown) => error,
  );
  return Object.assign(heard, {
    adapter,
    ended,
    stop: () => controller.abort(),
    async [Symbol.asyncDispose]() {
      controller.abort();
      await ended;
    },
  });
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

export const never = new AbortController().signal;

/** A message to be sent to the channel of the fake. */
export function outbound(
  fake: FakeDiscord,
  markdown: string,
  changes: Partial<OutboundMessage> = {},
): OutboundMessage {
  return { address: { chat: fake.channel }, markdown, idempotencyId: "delivery_1:0", ...changes };
}

/** What a call rejected with. */
export async function failureOf(call: Promise<unknown> | undefined): Promise<PlatformError> {
  const error = await Promise.resolve(call).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof PlatformError) return error;
  throw new Error(`no PlatformError but ${Bun.inspect(error)}`);
}

/** The messages among the events. */
export function messagesOf({ events }: Pick<Heard, "events">): InboundMessage[] {
  return events.filter((event) => event.type === "message");
}

/** Their texts. */
export function textsOf(heard: Pick<Heard, "events">): string[] {
  return messagesOf(heard).map(({ text }) => text);
}
