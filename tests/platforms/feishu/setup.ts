import type {
  AccountSettings,
  BotIdentity,
  ConnectionHooks,
  InboundMessage,
  OutboundMessage,
  PlatformAdapter,
  WebhookAnswer,
} from "../../../src/platforms/contract.ts";
import { PlatformError } from "../../../src/platforms/contract.ts";
import { createAdapter } from "../../../src/platforms/feishu/adapter.ts";
import { TIMING, type Timing } from "../../../src/platforms/feishu/timing.ts";
import type { FakeFeishuOptions } from "../../fakes/feishu/contract.ts";
import { type FakeFeishu, startFakeFeishu } from "../../fakes/feishu/index.ts";
import { liveConfig } from "../../support/agent.ts";

/** Nothing is judged by these times; they only keep the tests short. */
const QUICK: Timing = {
  ...TIMING,
  lookupMs: 5000,
  pongMs: 300,
  stableMs: 0,
  retry: { baseMs: 20, maxMs: 100 },
  checkMs: 50,
};

/** Hooks that remember what they were told. */
export interface Heard extends ConnectionHooks {
  emitted: InboundMessage[];
  bots: BotIdentity[];
  troubles: string[];
  hints: string[];
  logs: { level: string; message: string; fields: Record<string, unknown> }[];
  signs: number;
}

/** `take` is what becomes of an event; it is on disk at once otherwise. */
export function hear(take: (message: InboundMessage) => Promise<void> = async () => undefined): Heard {
  const heard: Heard = {
    emitted: [],
    bots: [],
    troubles: [],
    hints: [],
    logs: [],
    signs: 0,
    state: null,
    async emit(event) {
      await take(event as InboundMessage);
      heard.emitted.push(event as InboundMessage);
    },
    connected: (bot) => void heard.bots.push(bot),
    alive() {
      heard.signs += 1;
    },
    reconnecting(reason, hint = "") {
      heard.troubles.push(reason);
      heard.hints.push(hint);
    },
    webhookPath: "/webhook/feishu",
    saveState: () => Promise.resolve(),
    log: (level, message, fields = {}) => void heard.logs.push({ level, message, fields }),
  };
  return heard;
}

/** The settings of an account that belongs to this fake. */
export function settingsOf(fake: FakeFeishu, more: Record<string, unknown> = {}): AccountSettings<"feishu"> {
  const { apiBase, appId, appSecret } = fake;
  const feishu = { api_base: apiBase, app_id: appId, app_secret: appSecret, ...more };
  const { accounts: _, ...settings } = liveConfig({ platforms: { feishu } }).current.platforms.feishu ?? {};
  return settings as AccountSettings<"feishu">;
}

/** A fake and an adapter that is connected to it. */
export interface Rig extends AsyncDisposable {
  fake: FakeFeishu;
  adapter: PlatformAdapter;
  heard: Heard;
  /** Settles as receiving does. */
  listening: Promise<void>;
  stop(): Promise<void>;
}

export interface RigOptions extends FakeFeishuOptions {
  settings?: Record<string, unknown>;
  timing?: Partial<Timing>;
  take?: (message: InboundMessage) => Promise<void>;
  fake?: FakeFeishu;
}

/** Resolves once the adapter has said that it is connected. */
export async function connectFeishu({ settings, timing, take, ...options }: RigOptions = {}): Promise<Rig> {
  const rig = startAdapter({
    ...options,
    ...(settings ? { settings } : {}),
    ...(timing ? { timing } : {}),
    ...(take ? { take } : {}),
  });
  await rig.fake.until(() => rig.heard.bots.length > 0, "it is connected");
  return rig;
}

/** The same without waiting for a connection. */
export function startAdapter({ settings, timing, take, ...options }: RigOptions = {}): Rig {
  const fake = options.fake ?? startFakeFeishu(options);
  const adapter = createAdapter(settingsOf(fake, settings), { ...QUICK, ...timing });
  const heard = hear(take);
  const ending = new AbortController();
  const listening = adapter.listen?.(heard, ending.signal) ?? Promise.resolve();
  listening.catch(() => undefined); // tests ask what became of it
  const stop = async () => {
    ending.abort();
    await listening.catch(() => undefined);
  };
  return {
    fake,
    adapter,
    heard,
    listening,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      await fake[Symbol.asyncDispose]();
    },
  };
}

/** Callbacks are taken at the address that this returns. */
export function serveWebhook(rig: Pick<Rig, "adapter" | "heard">) {
  const answered: WebhookAnswer[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const url = new URL(request.url);
      const answer = (await rig.adapter.webhook?.(
        {
          method: request.method === "GET" ? "GET" : "POST",
          headers: Object.fromEntries(request.headers),
          query: Object.fromEntries(url.searchParams),
          body: await request.bytes(),
          receivedAtMs: Date.now(),
        },
        rig.heard,
      )) ?? { status: 404 };
      answered.push(answer);
      const headers = answer.contentType === undefined ? {} : { "content-type": answer.contentType };
      return new Response(answer.body ?? null, { status: answer.status, headers });
    },
  });
  return { url: server.url.href, answered, [Symbol.asyncDispose]: () => server.stop(true) };
}

let count = 0;

/** A message to the direct chat of `ou_user`, with an id of its own. */
export function outbound(markdown: string, more: Partial<OutboundMessage> = {}): OutboundMessage {
  return { address: { chat: "oc_p2p_user" }, markdown, idempotencyId: `dlv_${++count}:0`, ...more };
}

export const live = (): AbortSignal => new AbortController().signal;

/** What a promise rejects with. */
export async function failureOf(promise: Promise<unknown> | undefined): Promise<PlatformError> {
  const error = await Promise.resolve(promise).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof PlatformError)) throw new Error(`no PlatformError but ${error}`);
  return error;
}
