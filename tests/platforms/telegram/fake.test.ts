import { expect, setDefaultTimeout, test } from "bun:test";
import { startFakeTelegram } from "../../fakes/telegram/server.ts";

setDefaultTimeout(60_000);

interface Answer {
  ok: boolean;
  result?: unknown;
  description?: string;
  parameters?: unknown;
}

/** Calls a method in the plainest way. */
async function call(
  fake: { url: string; token: string },
  method: string,
  params: object = {},
): Promise<Answer> {
  const response = await fetch(`${fake.url}/bot${fake.token}/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(params),
  });
  return (await response.json()) as Answer;
}

const words = async (answer: Promise<Answer>) => (await answer).description;
const ids = async (answer: Promise<Answer>) =>
  ((await answer).result as { update_id: number }[]).map(({ update_id }) => update_id);

test("parameters may come in the query, as a form, as JSON and in parts", async () => {
  await using fake = await startFakeTelegram();
  fake.chat(501);
  const url = `${fake.url}/bot${fake.token}/sendMessage`;
  const params = { chat_id: "501", text: "你好 & 👋" };
  const parts = new FormData();
  for (const [name, value] of Object.entries(params)) parts.set(name, value);
  await fetch(`${url}?${new URLSearchParams(params)}`);
  await fetch(url, { method: "POST", body: new URLSearchParams(params) });
  await fetch(url, { method: "POST", body: parts });
  await call(fake, "sendMessage", params);
  expect(fake.messages(501).map(({ text }) => text)).toEqual(Array(4).fill("你好 & 👋"));
});

test("updates stay until a later offset confirms them", async () => {
  await using fake = await startFakeTelegram();
  const first = fake.write("one").updateId;
  const second = fake.write("two").updateId;
  expect(await ids(call(fake, "getUpdates"))).toEqual([first, second]);
  expect(await ids(call(fake, "getUpdates", { offset: second, limit: 1 }))).toEqual([second]);
  expect(await ids(call(fake, "getUpdates", { offset: second + 1 }))).toEqual([]);
  expect(await ids(call(fake, "getUpdates"))).toEqual([]);
  fake.redeliver([first, first]);
  expect(await ids(call(fake, "getUpdates", { offset: second + 2 }))).toEqual([first, first]);
  expect(await ids(call(fake, "getUpdates", { offset: second + 3 }))).toEqual([]);
});

test("asked for the same too soon, it answers with one update", async () => {
  await using fake = await startFakeTelegram();
  fake.write("one");
  fake.write("two");
  expect(await ids(call(fake, "getUpdates", { offset: 1 }))).toHaveLength(2);
  expect(await ids(call(fake, "getUpdates", { offset: 1 }))).toHaveLength(1);
});

test("a poll waits for an update, and a second poll ends the first", async () => {
  await using fake = await startFakeTelegram();
  const first = call(fake, "getUpdates", { timeout: 50 });
  await fake.until("it waits", () => fake.pollers === 1);
  const second = call(fake, "getUpdates", { timeout: 50, offset: 1 });
  expect(await words(first)).toBe(
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
  );
  const { updateId } = fake.write("hello");
  expect(await ids(second)).toEqual([updateId]);
  expect(fake.pollers).toBe(0);
});

test("a poll whose client has gone waits no more", async () => {
  await using fake = await startFakeTelegram();
  const controller = new AbortController();
  const poll = fetch(`${fake.url}/bot${fake.token}/getUpdates?timeout=50`, { signal: controller.signal });
  await fake.until("it waits", () => fake.pollers === 1);
  controller.abort();
  await expect(poll).rejects.toThrow();
  const waiting = call(fake, "getUpdates", { timeout: 50, offset: 1 });
  await fake.until("the next waits", () => fake.calls().length === 2 && fake.pollers === 1);
  fake.write("hello");
  expect(await ids(waiting)).toHaveLength(1);
});

test("with a webhook there is no polling, and the updates go there", async () => {
  await using fake = await startFakeTelegram();
  const taken: string[] = [];
  await using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { update_id: id } = (await request.json()) as { update_id: number };
      taken.push(`${id} ${request.headers.get("x-telegram-bot-api-secret-token")}`);
      return new Response(null, { status: taken.length === 1 ? 500 : 200 });
    },
  });
  const before = fake.write("before").updateId;
  expect(await words(call(fake, "setWebhook", { url: "http://x", secret_token: "no spaces" }))).toContain(
    "illegal",
  );
  await call(fake, "setWebhook", { url: `http://127.0.0.1:${server.port}/`, secret_token: "s" });
  expect(await words(call(fake, "getUpdates"))).toStartWith(
    "Conflict: can't use getUpdates method while webhook",
  );
  const after = fake.write("after").updateId;
  await fake.until("both are taken", () => fake.pending.length === 0);
  expect(taken).toEqual([`${before} s`, `${before} s`, `${after} s`]);
  expect((await call(fake, "getWebhookInfo")).result).toMatchObject({
    pending_update_count: 0,
    last_error_message: "Wrong response from the webhook: 500 Internal Server Error",
  });
  await call(fake, "deleteWebhook");
  expect(await ids(call(fake, "getUpdates"))).toEqual([]);
});

test("it refuses what Telegram refuses, in its words", async () => {
  await using fake = await startFakeTelegram();
  fake.chat(501);
  fake.chat(-1001, { isForum: true, openTopics: [7], closedTopics: [8] });
  fake.chat(-5, { migratedTo: -1005 });
  const refused = async (method: string, params: object, expected: string) =>
    expect(await words(call(fake, method, { chat_id: 501, ...params }))).toBe(expected);
  await refused("sendMessage", { chat_id: 9, text: "x" }, "Bad Request: chat not found");
  await refused("sendMessage", {}, "Bad Request: message text is empty");
  await refused("sendMessage", { text: "x".repeat(4097) }, "Bad Request: message is too long");
  await refused(
    "sendMessage",
    { chat_id: -1001, message_thread_id: 9, text: "x" },
    "Bad Request: message thread not found",
  );
  await refused(
    "sendMessage",
    { chat_id: -1001, message_thread_id: 8, text: "x" },
    "Bad Request: TOPIC_CLOSED",
  );
  await refused(
    "sendMessage",
    { text: "x", reply_parameters: { message_id: 9 } },
    "Bad Request: message to be replied not found",
  );
  const data = { inline_keyboard: [[{ text: "a", callback_data: "字".repeat(22) }]] };
  await refused("sendMessage", { text: "x", reply_markup: data }, "Bad Request: BUTTON_DATA_INVALID");
  await refused("editMessageText", { message_id: 9, text: "x" }, "Bad Request: message to edit not found");
  const { messageId } = fake.write("mine");
  await refused(
    "editMessageText",
    { message_id: messageId, text: "x" },
    "Bad Request: message can't be edited",
  );
  await refused("deleteMessage", { message_id: 9 }, "Bad Request: message to delete not found");
  await refused(
    "setMessageReaction",
    { message_id: messageId, reaction: [{ type: "emoji", emoji: "🐧" }] },
    "Bad Request: REACTION_INVALID",
  );
  await refused(
    "sendMessageDraft",
    { chat_id: -1001, draft_id: 1, text: "x" },
    "Bad Request: PEER_ID_INVALID",
  );
  await refused(
    "sendDocument",
    { document: "attach://x" },
    "Bad Request: there is no document in the request",
  );
  await refused(
    "getFile",
    { file_id: "x" },
    "Bad Request: wrong file_id or the file is temporarily unavailable",
  );
  await refused(
    "setMyCommands",
    { commands: [{ command: "New", description: "x" }] },
    "Bad Request: BOT_COMMAND_INVALID",
  );
  await refused(
    "answerCallbackQuery",
    { callback_query_id: "x" },
    "Bad Request: query is too old and response timeout expired or query ID is invalid",
  );
  await refused("sendEverything", {}, "Not Found");
  expect((await call(fake, "sendMessage", { chat_id: -5, text: "x" })).parameters).toEqual({
    migrate_to_chat_id: -1005,
  });
  expect(await words(call({ ...fake, url: fake.url, token: "1:x" }, "getMe"))).toBe("Unauthorized");
});

test("a call may take effect and yet get no answer", async () => {
  await using fake = await startFakeTelegram();
  fake.chat(501);
  fake.fail("sendMessage", { drop: "after" });
  await expect(call(fake, "sendMessage", { chat_id: 501, text: "x" })).rejects.toThrow();
  expect(fake.messages(501)).toHaveLength(1);
});

test("it can be steered from another process", async () => {
  await using fake = await startFakeTelegram();
  const steer = async (path: string, body?: object) => {
    const init = body
      ? { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } }
      : {};
    return (await (await fetch(fake.url + path, init)).json()) as unknown;
  };
  expect(await steer("/_write", { text: "/start", chat: 7 })).toEqual({ updateId: 700001, messageId: 101 });
  expect(await steer("/_inject", { poll: { id: "1" } })).toBe(700002);
  await steer("/_fail", { method: "sendMessage", retryAfter: 2 });
  expect((await call(fake, "sendMessage", { chat_id: 7, text: "x" })).parameters).toEqual({ retry_after: 2 });
  await call(fake, "sendMessage", { chat_id: 7, text: "y" });
  expect(await steer("/_messages?chat=7")).toMatchObject([{ text: "y" }]);
  expect(await steer("/_calls?method=sendMessage")).toMatchObject([
    { params: { text: "x" } },
    { params: { text: "y" } },
  ]);
  await steer("/_redeliver", { which: [700002] });
  expect(await ids(call(fake, "getUpdates"))).toEqual([700001, 700002, 700002]);
  expect((await fetch(`${fake.url}/_else`)).status).toBe(404);
});
