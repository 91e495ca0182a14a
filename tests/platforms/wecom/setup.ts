import type { AccountSettings, PlatformAdapter } from "../../../src/platforms/contract.ts";
import { createAppAdapter } from "../../../src/platforms/wecom/app/adapter.ts";
import { createBotAdapter } from "../../../src/platforms/wecom/bot/adapter.ts";
import { TIMING, type Timing } from "../../../src/platforms/wecom/timing.ts";
import { type FakeWecomApp, startFakeWecomApp } from "../../fakes/wecom/app.ts";
import { startFakeWecomBot } from "../../fakes/wecom/bot.ts";
import type { FakeWecomBot } from "../../fakes/wecom/bot-contract.ts";
import { beginListening, createHeard, DEFAULTS, type Heard, serveWebhook } from "../heard.ts";

/** Waits that tests can afford. */
export const SHORT_TIMING: Timing = { ...TIMING, retry: { baseMs: 10, maxMs: 50 }, checkMs: 50 };

/** An account as the configuration has it. */
export function account(changes: Partial<AccountSettings<"wecom">> = {}): AccountSettings<"wecom"> {
  return { ...DEFAULTS, ...changes };
}

/** The keys of the fake's application. */
export function keysOf(wecom: FakeWecomApp): Partial<AccountSettings<"wecom">> {
  return {
    corp_id: wecom.corpId,
    agent_id: wecom.agentId,
    secret: wecom.secret,
    token: wecom.token,
    encoding_aes_key: wecom.encodingAesKey,
    api_base: wecom.url,
  };
}

/** An application that WeCom calls, until the end of the block. */
export interface AppRig extends AsyncDisposable {
  wecom: FakeWecomApp;
  adapter: PlatformAdapter;
  heard: Heard;
  /** Where its webhook is. */
  url: string;
}

export function startApp(changes: Partial<AccountSettings<"wecom">> = {}): AppRig {
  const wecom = startFakeWecomApp();
  const adapter = createAppAdapter(account({ ...keysOf(wecom), ...changes }), SHORT_TIMING);
  const heard = createHeard();
  const served = serveWebhook(adapter, heard);
  wecom.caller.sendTo(served.url);
  return {
    wecom,
    adapter,
    heard,
    url: served.url,
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      await wecom[Symbol.asyncDispose]();
    },
  };
}

/** An AI bot that listens, until the end of the block. */
export interface BotRig extends AsyncDisposable {
  wecom: FakeWecomBot;
  adapter: PlatformAdapter;
  heard: Heard;
  /** How its listening ended. */
  ended: Promise<unknown>;
  stop(): void;
}

/** The adapter of the fake's bot. */
export function botOf(
  wecom: FakeWecomBot,
  changes: Partial<AccountSettings<"wecom">> = {},
  timing: Partial<Timing> = {},
): PlatformAdapter {
  const keys = { bot_id: wecom.botId, bot_secret: wecom.secret, api_base: wecom.url };
  return createBotAdapter(account({ ...keys, ...changes }), { ...SHORT_TIMING, ...timing });
}

/** Begins to listen, and waits until it is connected. */
export async function startBot(
  timing: Partial<Timing> = {},
  changes: Partial<AccountSettings<"wecom">> = {},
  wecom: FakeWecomBot = startFakeWecomBot(),
): Promise<BotRig> {
  const adapter = botOf(wecom, changes, timing);
  const heard = createHeard();
  const listening = beginListening(adapter, { hooks: heard.hooks });
  await wecom.until(() => heard.states.length > 0, "it is connected");
  const { ended, stop } = listening;
  return {
    wecom,
    adapter,
    heard,
    ended,
    stop,
    async [Symbol.asyncDispose]() {
      await listening[Symbol.asyncDispose]();
      await wecom[Symbol.asyncDispose]();
    },
  };
}
