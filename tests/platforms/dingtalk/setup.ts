import type {
  AccountSettings,
  ConnectionHooks,
  InboundEvent,
  InboundMessage,
  OutboundMessage,
  PlatformAdapter,
} from "../../../src/platforms/contract.ts";
import { PlatformError } from "../../../src/platforms/contract.ts";
import { createAdapter } from "../../../src/platforms/dingtalk/adapter.ts";
import { TIMING, type Timing } from "../../../src/platforms/dingtalk/timing.ts";
import { type FakeDingTalk, startFakeDingTalk } from "../../fakes/dingtalk/index.ts";

/** Waits that tests can afford. */
const SHORT_TIMING: Timing = {
  ...TIMING,
  reconnect: { baseMs: 20, maxMs: 100 },
  stableMs: 0,
  checkEveryMs: 20,
};

export const never = new AbortController().signal;

/** An account as the configuration has it. */
export function account(changes: Partial<AccountSettings<"dingtalk">> = {}): AccountSettings<"dingtalk"> {
  return {
    enabled: true,
    app_key: "dingkey",
    app_secret: "secret",
    card_content_key: "content",
    mode: "websocket",
    allowed_users: [],
    allowed_groups: [],
    require_mention: true,
    pairing: true,
    streaming: "edit",
    reactions: false,
    chats: {},
    ...changes,
  };
}

/** The adapter of the fake's robot. */
export function adapterOf(
  fake: FakeDingTalk,
  changes: Partial<AccountSettings<"dingtalk">> = {},
  timing: Partial<Timing> = {},
): PlatformAdapter {
  const keys = { app_key: fake.appKey, app_secret: fake.appSecret, api_base: fake.apiBase };
  return createAdapter(account({ ...keys, ...changes }), { ...SHORT_TIMING, ...timing });
}

/** What an adapter has told its hooks. */
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
  /** What was saved last. */
  saved: unknown;
  /** Called with every event before it is taken: waits, or throws. */
  before: (event: InboundEvent) => Promise<void> | void;
}

/** `state` is what a process before has saved. */
export function createHeard(state: unknown = null): Heard {
  const heard: Heard = {
    offered: [],
    events: [],
    states: [],
    logs: [],
    signs: 0,
    saved: state,
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
      webhookPath: "/webhook/dingtalk",
      async saveState(next) {
        heard.saved = JSON.parse(JSON.stringify(next));
      },
      log: (level, message, fields = {}) => void heard.logs.push({ level, message, fields }),
    },
  };
  return heard;
}

/** An adapter that listens until the end of the block, and the DingTalk that it listens to. */
export interface Listening extends Heard, AsyncDisposable {
  fake: FakeDingTalk;
  adapter: PlatformAdapter;
  /** How `listen` ended. */
  ended: Promise<unknown>;
  stop(): void;
}

/** What is different in a test. */
export interface Differently {
  fake?: FakeDingTalk;
  changes?: Partial<AccountSettings<"dingtalk">>;
  timing?: Partial<Timing>;
  state?: unknown;
}

/** Begins to listen, and waits until it is connected or says why it is not. */
export async function startListening({
  fake = startFakeDingTalk(),
  changes = {},
  timing = {},
  state = null,
}: Differently = {}): Promise<Listening> {
  const heard = createHeard(state);
  const adapter = adapterOf(fake, changes, timing);
  const controller = new AbortController();
  const ended = Promise.resolve(adapter.listen?.(heard.hooks, controller.signal)).then(
    () => "stopped",
    (error: unknown) => error,
  );
  await fake.until(() => heard.states.length > 0, "it is connected");
  return Object.assign(heard, {
    fake,
    adapter,
    ended,
    stop: () => controller.abort(),
    async [Symbol.asyncDispose]() {
      controller.abort();
      await ended;
      await fake[Symbol.asyncDispose]();
    },
  });
}

/** A listening robot to which person 1 has written, so that there is a webhook. */
export async function startSpoken(changes = {}, writing = {}) {
  const listening = await startListening({ changes });
  listening.fake.write({ text: "hello", ...writing });
  await listening.fake.until(() => listening.events.length === 1, "somebody has written");
  const { fake } = listening;
  return Object.assign(listening, {
    direct: () => fake.shown(fake.directId(1)),
    group: () => fake.shown(fake.groupId),
  });
}

/** A message to be sent to person 1. */
export function outbound(
  fake: FakeDingTalk,
  markdown: string,
  changes: Partial<OutboundMessage> = {},
): OutboundMessage {
  return { address: { chat: fake.staffId(1) }, markdown, idempotencyId: "delivery_1:0", ...changes };
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
