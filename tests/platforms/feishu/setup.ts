import type {
  AccountSettings,
  InboundMessage,
  OutboundMessage,
  PlatformAdapter,
} from "../../../src/platforms/contract.ts";
import { createAdapter } from "../../../src/platforms/feishu/adapter.ts";
import { TIMING, type Timing } from "../../../src/platforms/feishu/timing.ts";
import type { FakeFeishuOptions } from "../../fakes/feishu/contract.ts";
import { type FakeFeishu, startFakeFeishu } from "../../fakes/feishu/index.ts";
import { liveConfig } from "../../support/agent.ts";
import { createHeard, type Heard } from "../heard.ts";

export { createHeard, failureOf, serveWebhook } from "../heard.ts";

/** Nothing is judged by these times; they only keep the tests short. */
const QUICK: Timing = {
  ...TIMING,
  lookupMs: 5000,
  pongMs: 300,
  stableMs: 0,
  retry: { baseMs: 20, maxMs: 100 },
  checkMs: 50,
};

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
  const heard = createHeard();
  if (take) heard.before = (event) => take(event as InboundMessage);
  const ending = new AbortController();
  const listening = adapter.listen?.(heard.hooks, ending.signal) ?? Promise.resolve();
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

let count = 0;

/** A message to the direct chat of `ou_user`, with an id of its own. */
export function outbound(markdown: string, more: Partial<OutboundMessage> = {}): OutboundMessage {
  return { address: { chat: "oc_p2p_user" }, markdown, idempotencyId: `dlv_${++count}:0`, ...more };
}

export const live = (): AbortSignal => new AbortController().signal;
