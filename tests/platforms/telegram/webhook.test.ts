import { expect, setDefaultTimeout, test } from "bun:test";
import type { PlatformAdapter, WebhookRequest } from "../../../src/platforms/contract.ts";
import { createAdapter } from "../../../src/platforms/telegram/adapter.ts";
import { TELEGRAM } from "../../../src/platforms/telegram/index.ts";
import { startFakeTelegram } from "../../fakes/telegram/server.ts";
import { account, adapterOf, createHeard, type Heard, messagesOf, startListening } from "./setup.ts";

setDefaultTimeout(60_000);

const SECRET = "webhook-secret_1";
const WEBHOOK = { mode: "webhook", secret_token: SECRET } as const;
const HEADER = "x-telegram-bot-api-secret-token";

function request(body: unknown, headers: Record<string, string> = { [HEADER]: SECRET }): WebhookRequest {
  const bytes = body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body));
  return { method: "POST", headers, query: {}, body: bytes, receivedAtMs: Date.now() };
}

const update = (text: string) => ({
  update_id: 7,
  message: {
    message_id: 3,
    date: 1,
    chat: { id: 5, type: "private" },
    from: { id: 5, is_bot: false, first_name: "A" },
    text,
  },
});

/** Hermes as far as it serves the webhook of an adapter. */
function serve(adapter: PlatformAdapter, heard: Heard) {
  return Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(incoming) {
      const headers = Object.fromEntries(incoming.headers);
      const answer = await adapter.webhook?.(request(await incoming.bytes(), headers), heard.hooks);
      return new Response(answer?.body, { status: answer?.status ?? 500 });
    },
  });
}

async function setWebhook(fake: { url: string; token: string }, url: string): Promise<void> {
  const body = new URLSearchParams({ url, secret_token: SECRET });
  await fetch(`${fake.url}/bot${fake.token}/setWebhook`, { method: "POST", body });
}

test("messages come through the webhook, at once and after a failure, and are answered 200 once they are kept", async () => {
  await using fake = await startFakeTelegram();
  const adapter = adapterOf(fake, WEBHOOK);
  await using heard = startListening(adapter);
  await using server = serve(adapter, heard);
  await setWebhook(fake, `http://127.0.0.1:${server.port}/`);
  let refusals = 2;
  heard.before = () => {
    if (refusals-- > 0) throw new Error("the disk is full");
  };
  const { updateId } = fake.write("hello");
  await heard.until("it comes", () => heard.events.length === 1);
  await fake.until("it is confirmed", () => fake.pending.length === 0);
  expect(messagesOf(heard)).toMatchObject([{ id: String(updateId), text: "hello" }]);
  fake.press(3, "yes");
  await fake.until("the press is answered", () => fake.calls("answerCallbackQuery").length === 1);
  expect(messagesOf(heard)[1]).toMatchObject({ button: "yes" });
});

test("a request without the secret, or with a wrong one, emits nothing", async () => {
  await using fake = await startFakeTelegram();
  const adapter = adapterOf(fake, WEBHOOK);
  const heard = createHeard();
  const headers: Record<string, string>[] = [
    {},
    { [HEADER]: "wrong" },
    { [HEADER]: "" },
    { authorization: SECRET },
  ];
  for (const given of headers) {
    expect(TELEGRAM.admits?.(given, account(WEBHOOK))).toBe(false);
    expect(await adapter.webhook?.(request(update("hi"), given), heard.hooks)).toEqual({ status: 401 });
  }
  expect(TELEGRAM.admits?.({ [HEADER]: SECRET }, account(WEBHOOK))).toBe(true);
  expect(TELEGRAM.admits?.({ [HEADER]: "" }, account({ mode: "webhook" }))).toBe(false);
  expect(TELEGRAM.admits?.({}, account({ mode: "webhook" }))).toBe(false);
  expect([heard.events, heard.signs, fake.calls()]).toEqual([[], 0, []]);
});

test("what is no update is refused; what says nothing is taken", async () => {
  await using fake = await startFakeTelegram();
  const adapter = adapterOf(fake, WEBHOOK);
  const heard = createHeard();
  const status = async (body: unknown) => (await adapter.webhook?.(request(body), heard.hooks))?.status;
  for (const body of [Buffer.from("{"), Buffer.from(""), null, [], 3, { message: {} }, { update_id: "7" }])
    expect(await status(body)).toBe(400);
  expect(await adapter.webhook?.({ ...request(update("hi")), method: "GET" }, heard.hooks)).toEqual({
    status: 405,
  });
  expect(await status({ update_id: 1, poll: {} })).toBe(200);
  expect(
    await status({ update_id: 2, message: { chat: { type: "private" }, from: { id: 1 }, text: 4 } }),
  ).toBe(200);
  expect(heard.events).toEqual([]);
});

test("as long as it does not know who it is, Telegram has to come again", async () => {
  await using fake = await startFakeTelegram();
  const adapter = adapterOf(fake, WEBHOOK);
  const heard = createHeard();
  fake.fail("getMe", { status: 502 });
  expect(await adapter.webhook?.(request(update("hi")), heard.hooks)).toEqual({ status: 503 });
  expect(await adapter.webhook?.(request(update("hi")), heard.hooks)).toEqual({ status: 200 });
  expect(messagesOf(heard)).toMatchObject([{ id: "7", text: "hi" }]);
});

test("without a webhook at Telegram it says how to register one, until there is one", async () => {
  await using fake = await startFakeTelegram();
  const adapter = adapterOf(fake, WEBHOOK);
  await using heard = startListening(adapter);
  await heard.until("it has looked twice", () => heard.signs >= 2);
  expect(heard.states[0]).toStartWith("No webhook is registered with Telegram. Register it: curl https://");
  expect(heard.states[0]).toContain(" -d url=https://YOUR-HOST/hooks/telegram/work -d secret_token=");
  expect(heard.logs.filter(({ level }) => level === "warn")).toEqual([]); // the state is told by the gateway
  await using server = serve(adapter, heard);
  await setWebhook(fake, `http://127.0.0.1:${server.port}/`);
  await heard.until("it is seen", () => heard.states.at(-1) === "connected as hermes_test_bot (4242)");
  const { length } = heard.states;
  const seen = heard.signs;
  await heard.until("it looks on", () => heard.signs >= seen + 2);
  expect(heard.states).toHaveLength(length);
});

test("that Telegram cannot deliver is told, and over with the next delivery", async () => {
  await using fake = await startFakeTelegram();
  const adapter = adapterOf(fake, WEBHOOK);
  await using heard = startListening(adapter);
  let isUp = false;
  await using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(incoming) {
      if (!isUp) return new Response("down", { status: 502 });
      const answer = await adapter.webhook?.(request(await incoming.bytes()), heard.hooks);
      return new Response(null, { status: answer?.status ?? 500 });
    },
  });
  await setWebhook(fake, `http://127.0.0.1:${server.port}/`);
  await heard.until("it is connected", () => heard.states.at(-1)?.startsWith("connected"));
  fake.write("hello");
  await heard.until("it is told", () =>
    heard.states.at(-1)?.startsWith("Telegram cannot deliver 1 updates to the webhook"),
  );
  expect(heard.states.at(-1)).toContain("Wrong response from the webhook: 502");
  isUp = true;
  await heard.until("it comes", () => heard.events.length === 1);
  expect(heard.states.at(-1)).toBe("connected as hermes_test_bot (4242)");
});

test("an outage of Telegram's is told and over; a wrong token ends it", async () => {
  await using fake = await startFakeTelegram();
  await setWebhook(fake, "http://127.0.0.1:9/");
  fake.fail("getWebhookInfo", { status: 502 });
  await using heard = startListening(adapterOf(fake, WEBHOOK));
  await heard.until("it is connected", () => heard.states.length === 2);
  expect(heard.states[0]).toStartWith("Telegram fails: 502");
  await fake.goOffline();
  await heard.until("it is told", () => heard.states.at(-1)?.startsWith("Telegram cannot be reached"));
  await fake.goOnline();
  await heard.until("it is over", () => heard.states.at(-1)?.startsWith("connected"));
  const stranger = startListening(adapterOf({ url: fake.url, token: "4242:wrong" }, WEBHOOK));
  expect(await stranger.ended).toMatchObject({ kind: "unauthorized" });
});

test("a stop ends the watch at once", async () => {
  await using fake = await startFakeTelegram();
  const heard = startListening(adapterOf(fake, WEBHOOK, { webhookCheckMs: 60_000 }));
  await heard.until("it has looked", () => heard.signs === 1);
  heard.stop();
  expect(await heard.ended).toBe("stopped");
});

test("an account that could not refuse forged requests is not connected", () => {
  const open = account({ mode: "webhook" });
  expect(() => createAdapter(open)).toThrow(expect.objectContaining({ kind: "unauthorized" }));
  expect(adapterOf({ url: "http://x", token: "1:x" })).not.toHaveProperty("webhook");
});
