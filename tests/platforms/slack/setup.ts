import type {
  AccountSettings,
  ConnectionHooks,
  InboundEvent,
  InboundMessage,
  OutboundMessage,
  PlatformAdapter,
} from "../../../src/platforms/contract.ts";
import { PlatformError } from "../../../src/platforms/contract.ts";
import { createSlackAdapter, TIMINGS } from "../../../src/platforms/slack/client.ts";
import type { ListenTimings } from "../../../src/platforms/slack/listen.ts";
import { type FakeSlack, type StoredMessage, startFakeSlack } from "../../fakes/slack/index.ts";

/** Waits that tests can afford. */
export const SHORT_TIMINGS: ListenTimings = {
  ...TIMINGS,
  firstRetryMs: 20,
  maxRetryMs: 100,
  stableMs: 0,
};

export const never = new AbortController().signal;

/** An account as the configuration has it. */
export function account(changes: Partial<AccountSettings<"slack">> = {}): AccountSettings<"slack"> {
  return {
    enabled: true,
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
  /** Called with every event before it is taken: waits, or throws. */
  before: (event: InboundEvent) => Promise<void> | void;
}

export function createHeard(): Heard {
  const heard: Heard = {
    offered: [],
    events: [],
    states: [],
    logs: [],
    signs: 0,
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
      state: null,
      webhookPath: "/webhook/slack",
      saveState() {
        throw new Error("there is nothing to save");
      },
      log: (level, message, fields = {}) => void heard.logs.push({ level, message, fields }),
    },
  };
  return heard;
}

/** An adapter that listens until the end of the block, and the workspace that it listens to. */
export interface Listening extends Heard, AsyncDisposable {
  slack: FakeSlack;
  adapter: PlatformAdapter;
  /** How `listen` ended. */
  ended: Promise<unknown>;
  stop(): void;
}

/** Begins to listen, and waits until it is connected. */
export async function startListening(
  slack: FakeSlack = startFakeSlack(),
  changes: Partial<AccountSettings<"slack">> = {},
  timings: Partial<ListenTimings> = {},
): Promise<Listening> {
  const heard = createHeard();
  const adapter = adapterOf(slack, changes, timings);
  const controller = new AbortController();
  const ended = Promise.resolve(adapter.listen?.(heard.hooks, controller.signal)).then(
    () => "stopped",
    (error: unknown) => error,
  );
  await slack.until(() => heard.states.length > 0, "it is connected");
  return Object.assign(heard, {
    slack,
    adapter,
    ended,
    stop: () => controller.abort(),
    async [Symbol.asyncDispose]() {
      controller.abort();
      await ended;
      await slack[Symbol.asyncDispose]();
    },
  });
}

/** A message to be sent. */
export function outbound(markdown: string, changes: Partial<OutboundMessage> = {}): OutboundMessage {
  return { address: { chat: "C0GENERAL" }, markdown, idempotencyId: "delivery_1:0", ...changes };
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
export function messagesOf({ events }: Pick<Heard, "events">): InboundMessage[] {
  return events.filter((event) => event.type === "message");
}

/** What the bot shows in a channel. */
export function shownIn(slack: FakeSlack, channel = "C0GENERAL"): StoredMessage[] {
  return slack.messages(channel).filter((one) => one.user === slack.botUserId && !one.isDeleted);
}
