import type { AccountSettings, PlatformAdapter } from "../../../src/platforms/contract.ts";
import { createAdapter } from "../../../src/platforms/wechat/adapter.ts";
import { TIMING, type Timing } from "../../../src/platforms/wechat/timing.ts";
import { type FakeWechat, type FakeWechatOptions, startFakeWechat } from "../../fakes/wechat/index.ts";
import { beginListening, createHeard, DEFAULTS, type Heard, serveWebhook } from "../heard.ts";

const SHORT: Timing = {
  ...TIMING,
  retry: { baseMs: 10, maxMs: 50 },
  checkMs: 200,
  anotherPartMs: 100,
  anotherPartOfReplyMs: 30,
  afterReplyMs: 50,
};

/** Answers are ready in time: calls wait for them as long as they do on the platform. */
export const IN_TIME: Timing = SHORT;
/** Answers are never ready in time. */
export const TOO_LATE: Timing = { ...SHORT, holdMs: 80, hangUpMs: 160 };
/** For a WeChat whose clock is ten times faster, so that it hangs up after half a second. */
export const FAST_CLOCK = 10;
export const HUNG_UP: Timing = { ...SHORT, holdMs: 250, hangUpMs: 600 };

/** An account as the configuration has it. */
export function account(changes: Partial<AccountSettings<"wechat">> = {}): AccountSettings<"wechat"> {
  return { ...DEFAULTS, ...changes };
}

/** The keys of the fake's account. */
export function keysOf(wechat: FakeWechat): Partial<AccountSettings<"wechat">> {
  return { app_id: wechat.appId, app_secret: wechat.appSecret, token: wechat.token, api_base: wechat.url };
}

/** An account that WeChat calls, until the end of the block. */
export interface Rig extends AsyncDisposable {
  wechat: FakeWechat;
  adapter: PlatformAdapter;
  heard: Heard;
  readonly url: string;
  /** How its listening ended. */
  readonly ended: Promise<unknown>;
  /** Begins anew, with what was saved. */
  restart(): Promise<void>;
}

/** Starts WeChat and an account that it calls. */
export function start(
  timing: Timing,
  options: FakeWechatOptions = {},
  changes: Partial<AccountSettings<"wechat">> = {},
  saved: unknown = null,
): Rig {
  const wechat = startFakeWechat({ clock: 1, ...options });
  const isEncrypted = (options.mode ?? "plain") !== "plain";
  const settings = account({
    ...keysOf(wechat),
    ...(isEncrypted ? { encoding_aes_key: wechat.encodingAesKey } : {}),
    ...changes,
  });
  let running = openAccount(wechat, settings, timing, saved);
  return {
    wechat,
    get adapter() {
      return running.adapter;
    },
    get heard() {
      return running.heard;
    },
    get url() {
      return running.url;
    },
    get ended() {
      return running.ended;
    },
    async restart() {
      await running.stop();
      const saved: unknown = JSON.parse(JSON.stringify(running.heard.saved));
      running = openAccount(wechat, settings, timing, saved);
    },
    async [Symbol.asyncDispose]() {
      await running.stop();
      await wechat[Symbol.asyncDispose]();
    },
  };
}

/** One process's worth of an account: its adapter, listening, and its webhook. */
function openAccount(
  wechat: FakeWechat,
  settings: AccountSettings<"wechat">,
  timing: Timing,
  state: unknown,
) {
  const adapter = createAdapter(settings, timing);
  const heard = createHeard(state);
  const served = serveWebhook(adapter, heard);
  wechat.caller.sendTo(served.url);
  const listening = beginListening(adapter, { hooks: heard.hooks });
  return {
    adapter,
    heard,
    ended: listening.ended,
    url: served.url,
    async stop() {
      await listening[Symbol.asyncDispose]();
      await served[Symbol.asyncDispose]();
    },
  };
}
