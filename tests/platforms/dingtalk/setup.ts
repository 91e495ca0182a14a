import type { AccountSettings, OutboundMessage, PlatformAdapter } from "../../../src/platforms/contract.ts";
import { createAdapter } from "../../../src/platforms/dingtalk/adapter.ts";
import { TIMING, type Timing } from "../../../src/platforms/dingtalk/timing.ts";
import { type FakeDingTalk, startFakeDingTalk } from "../../fakes/dingtalk/index.ts";
import { beginListening, createHeard, DEFAULTS, type Heard, type Listening as Listens } from "../heard.ts";

/** Waits that tests can afford. */
const SHORT_TIMING: Timing = {
  ...TIMING,
  reconnect: { baseMs: 20, maxMs: 100 },
  stableMs: 0,
  checkEveryMs: 20,
};

export { createHeard, failureOf, type Heard, never } from "../heard.ts";

/** An account as the configuration has it. */
export function account(changes: Partial<AccountSettings<"dingtalk">> = {}): AccountSettings<"dingtalk"> {
  const own = {
    app_key: "dingkey",
    app_secret: "secret",
    card_content_key: "content",
    mode: "websocket",
  } as const;
  return { ...DEFAULTS, ...own, ...changes };
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

/** An adapter that listens until the end of the block, and the DingTalk that it listens to. */
export interface Listening extends Heard, Listens {
  fake: FakeDingTalk;
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
  const listening = beginListening(adapterOf(fake, changes, timing), createHeard(state));
  await fake.until(() => listening.states.length > 0, "it is connected");
  const stopListening = listening[Symbol.asyncDispose];
  return Object.assign(listening, {
    fake,
    async [Symbol.asyncDispose]() {
      await stopListening();
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
