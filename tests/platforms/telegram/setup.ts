import type {
  AccountSettings,
  ConnectionHooks,
  InboundEvent,
  InboundMessage,
  OutboundMessage,
  PlatformAdapter,
} from "../../../src/platforms/contract.ts";
import { PlatformError } from "../../../src/platforms/contract.ts";
import { createAdapter } from "../../../src/platforms/telegram/adapter.ts";
import { TIMING, type Timing } from "../../../src/platforms/telegram/timing.ts";
import type { FakeTelegram } from "../../fakes/telegram/contract.ts";
import { createWatch } from "../../fakes/telegram/watch.ts";

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
    enabled: true,
    bot_token: "1:token",
    allowed_users: [],
    polling_timeout: 1,
    max_retries: 2,
    mode: "polling",
    allowed_groups: [],
    require_mention: true,
    pairing: true,
    streaming: "edit",
    reactions: false,
    chats: {},
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

/** What an adapter has told its hooks. */
export interface Heard {
  hooks: ConnectionHooks;
  /** Events that were taken. */
  events: InboundEvent[];
  /** What it saved last. */
  saved: unknown;
  /** "connected", or why it is not. */
  states: string[];
  logs: { level: string; message: string; fields: Record<string, unknown> }[];
  /** How often it was alive. */
  signs: number;
  /** Called with every event before it is taken: waits, or throws. */
  before: (event: InboundEvent) => Promise<void> | void;
  until: ReturnType<typeof createWatch>["until"];
}

/** `saved`: by the process before. */
export function createHeard(saved: unknown = null): Heard {
  const watch = createWatch();
  const heard: Heard = {
    events: [],
    saved,
    states: [],
    logs: [],
    signs: 0,
    before: () => {},
    until: watch.until,
    hooks: {
      async emit(event) {
        await heard.before(event);
        heard.events.push(event);
        watch.changed();
      },
      connected({ id, name }) {
        heard.states.push(`connected as ${name} (${id})`);
        watch.changed();
      },
      alive() {
        heard.signs += 1;
        watch.changed();
      },
      reconnecting(reason) {
        heard.states.push(reason);
        watch.changed();
      },
      get state() {
        return heard.saved;
      },
      webhookPath: "/hooks/telegram/work",
      async saveState(next) {
        heard.saved = structuredClone(next);
      },
      log(level, message, fields = {}) {
        heard.logs.push({ level, message, fields });
        watch.changed();
      },
    },
  };
  return heard;
}

/** An adapter that listens until the end of the block. */
export interface Listening extends Heard, AsyncDisposable {
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
    ended,
    stop: () => controller.abort(),
    async [Symbol.asyncDispose]() {
      controller.abort();
      await ended;
    },
  });
}

export const never = new AbortController().signal;

/** A message to be sent. */
export function outbound(markdown: string, changes: Partial<OutboundMessage> = {}): OutboundMessage {
  return { address: { chat: "501" }, markdown, idempotencyId: "delivery_1:0", ...changes };
}

/** What a call rejected with. */
export async function failureOf(call: Promise<unknown>): Promise<PlatformError> {
  const error = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof PlatformError) return error;
  throw new Error(`no PlatformError but ${Bun.inspect(error)}`);
}

/** The messages among the events. */
export function messagesOf({ events }: Heard): InboundMessage[] {
  return events.filter((event) => event.type === "message");
}
