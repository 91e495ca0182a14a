import { expect, setDefaultTimeout, test } from "bun:test";
import { DISCORD } from "../../../src/platforms/discord/index.ts";
import { startFakeDiscord } from "../../fakes/discord/index.ts";
import { until } from "../../fakes/discord/until.ts";
import { account, adapterOf, failureOf, never, outbound, TEST_TIMEOUT_MS } from "./setup.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const SEND = "POST /channels/:channel/messages";
const EDIT = "PATCH /channels/:channel/messages/:message";

test("a message is sent as a reply that pings nobody", async () => {
  await using fake = startFakeDiscord();
  const adapter = adapterOf(fake);
  const asked = fake.write({ content: "question" });
  const sent = await adapter.send(outbound(fake, "@everyone answer", { replyTo: asked.id }), never);
  const [, shown] = fake.messages();
  expect(shown).toMatchObject({ id: sent.messageId, message_reference: { message_id: asked.id } });
  expect(fake.calls(SEND)[0]?.body).toMatchObject({
    allowed_mentions: { parse: [], replied_user: false },
    message_reference: { message_id: asked.id, fail_if_not_exists: false },
  });
  await adapter.edit?.(sent, outbound(fake, "@everyone edited"), never);
  expect(fake.calls(EDIT)[0]?.body).toMatchObject({ allowed_mentions: { parse: [], replied_user: false } });
});

test("a reply to a message that is gone is sent without", async () => {
  await using fake = startFakeDiscord();
  await adapterOf(fake).send(outbound(fake, "answer", { replyTo: "1000000000000000001" }), never);
  expect(fake.messages()[0]?.message_reference).toBeUndefined();
});

test("a thread and a direct chat are written to like any channel", async () => {
  await using fake = startFakeDiscord();
  const adapter = adapterOf(fake);
  const thread = fake.world.addChannel({ type: 11, guildId: fake.guild, parentId: fake.channel }).id;
  await adapter.send(outbound(fake, "in the thread", { address: { chat: thread } }), never);
  await adapter.send(
    outbound(fake, "here too", { address: { chat: fake.channel, thread }, idempotencyId: "2" }),
    never,
  );
  await adapter.send(outbound(fake, "to you", { address: { chat: fake.direct }, idempotencyId: "3" }), never);
  expect(fake.messages(thread)).toHaveLength(2);
  expect(fake.messages(fake.direct)).toHaveLength(1);
  expect(fake.messages()).toEqual([]);
});

test("the same message sent twice is shown once, and another one again", async () => {
  await using fake = startFakeDiscord();
  const idempotencyId = `delivery_${"x".repeat(50)}:0`;
  const first = await adapterOf(fake).send(outbound(fake, "once", { idempotencyId }), never);
  // A process that was killed knows nothing of the first try.
  const second = await adapterOf(fake).send(outbound(fake, "once", { idempotencyId }), never);
  await adapterOf(fake).send(outbound(fake, "once", { idempotencyId: `${idempotencyId}1` }), never);
  expect(second).toEqual(first);
  expect(fake.messages()).toHaveLength(2);
  for (const { body } of fake.calls(SEND))
    expect(body).toMatchObject({ nonce: expect.stringMatching(/^[\w-]{25}$/), enforce_nonce: true });
});

test("an answer that is lost on the way makes no second message", async () => {
  await using fake = startFakeDiscord();
  const adapter = adapterOf(fake);
  fake.fail(SEND, { cut: true, isDone: true });
  const { messageId } = await adapter.send(outbound(fake, "once"), never);
  expect(fake.messages()).toMatchObject([{ id: messageId, content: "once" }]);
  expect(fake.calls(SEND)).toHaveLength(2);
});

test("buttons have their colours, and an edit without takes them away", async () => {
  await using fake = startFakeDiscord();
  const adapter = adapterOf(fake);
  const buttons = [
    { label: "Yes", value: "approve:1", style: "good" },
    { label: "No".repeat(60), value: "deny:1", style: "bad" },
    ...["a", "b", "c", "d"].map((value) => ({ label: value, value })),
  ] as const;
  const sent = await adapter.send(outbound(fake, "May I?", { buttons }), never);
  const button = { type: 2, style: 2 };
  expect(fake.messages()[0]?.components).toEqual([
    {
      type: 1,
      components: [
        { type: 2, style: 3, custom_id: "approve:1", label: "Yes" },
        { type: 2, style: 4, custom_id: "deny:1", label: "No".repeat(40) },
        ...["a", "b", "c"].map((value) => ({ ...button, custom_id: value, label: value })),
      ],
    },
    { type: 1, components: [{ ...button, custom_id: "d", label: "d" }] },
  ]);
  await adapter.edit?.(sent, outbound(fake, "Yes."), never);
  expect(fake.messages()).toMatchObject([{ content: "Yes.", components: [] }]);
});

test("files go along, with and without a text", async () => {
  await using fake = startFakeDiscord();
  const adapter = adapterOf(fake);
  const file = (name: string, text: string) => ({ name, mediaType: "text/plain", bytes: Buffer.from(text) });
  const files = [file("a.txt", "first"), file("报告.txt", "second")];
  await adapter.send(outbound(fake, "two files", { files }), never);
  await adapter.send(outbound(fake, "", { files: files.slice(1), idempotencyId: "other" }), never);
  const [both, one] = fake.calls(SEND);
  expect(both?.files.map(({ name, bytes }) => [name, Buffer.from(bytes).toString()])).toEqual([
    ["a.txt", "first"],
    ["报告.txt", "second"],
  ]);
  expect(both?.body).toMatchObject({ content: "two files", enforce_nonce: true });
  expect(one?.files.map(({ type }) => type.split(";")[0])).toEqual(["text/plain"]);
  expect(fake.messages()).toHaveLength(2);
});

test("what Discord refuses is refused in words, and not tried again", async () => {
  await using fake = startFakeDiscord();
  const adapter = adapterOf(fake);
  const sent = await adapter.send(outbound(fake, "hello"), never);
  const refusals: [code: number, status: number, words: RegExp][] = [
    [50001, 403, /may not see/],
    [50013, 403, /lacks a permission/],
    [50007, 403, /no direct messages/],
    [10003, 404, /does not exist/],
    [200000, 400, /Blocked by AutoMod \(200000\)/],
  ];
  for (const [code, status, words] of refusals) {
    fake.fail(SEND, { status, code, message: "Blocked by AutoMod" });
    const error = await failureOf(adapter.send(outbound(fake, "again"), never));
    expect(error).toMatchObject({ kind: "refused", message: expect.stringMatching(words) });
  }
  expect(fake.calls(SEND)).toHaveLength(1 + refusals.length);
  const long = await failureOf(adapter.send(outbound(fake, "x".repeat(2001)), never));
  expect(long).toMatchObject({ kind: "refused", message: expect.stringContaining("2000 or fewer") });
  await adapter.remove?.({ chat: fake.channel }, sent, never);
  await adapter.remove?.({ chat: fake.channel }, sent, never); // nothing is left to remove
  const gone = await failureOf(adapter.edit?.(sent, outbound(fake, "edited"), never));
  expect(gone).toMatchObject({ kind: "refused", message: "The message does not exist any more." });
});

test("a short wait that Discord asks for is waited for, a long one is left to the gateway", async () => {
  await using fake = startFakeDiscord();
  const adapter = adapterOf(fake, {}, { longestWaitMs: 1000 });
  fake.fail(SEND, { rateLimitMs: 200 });
  const started = performance.now();
  await adapter.send(outbound(fake, "patient"), never);
  expect(performance.now() - started).toBeGreaterThanOrEqual(200);
  expect(fake.messages()).toHaveLength(1);
  for (const isGlobal of [false, true]) {
    const fresh = adapterOf(fake, {}, { longestWaitMs: 1000 });
    fake.fail(SEND, { rateLimitMs: 30_000, isGlobal });
    const error = await failureOf(fresh.send(outbound(fake, "hasty"), never));
    expect(error.kind).toBe("rate_limited");
    expect(error.retryAfterMs).toBeGreaterThan(29_000);
    expect(error.retryAfterMs).toBeLessThan(31_000);
    fake.fail(EDIT, { rateLimitMs: 30_000, isGlobal });
    const edit = await failureOf(
      fresh.edit?.({ messageId: "1000000000000000001" }, outbound(fake, "x"), never),
    );
    expect(edit.kind).toBe("rate_limited");
  }
});

test("a failure of Discord or of the network is tried once more and then told as one that passes", async () => {
  await using fake = startFakeDiscord();
  const adapter = adapterOf(fake, {}, { callMs: 100 });
  fake.fail(SEND, { status: 503 });
  await adapter.send(outbound(fake, "second try"), never);
  expect(fake.messages()).toHaveLength(1);
  for (const failure of [{ status: 500 }, { cut: true }, { hang: true }] as const) {
    fake.fail(SEND, { ...failure, times: 2 });
    const error = await failureOf(adapter.send(outbound(fake, "x", { idempotencyId: "x" }), never));
    expect(error.kind).toBe("unavailable");
  }
  const nobody = adapterOf(fake, { api_base: "http://127.0.0.1:9/api" });
  const error = await failureOf(nobody.send(outbound(fake, "x"), never));
  expect(error).toMatchObject({ kind: "unavailable", hint: expect.stringContaining("api_base") });
});

test("a page that is not Discord's counts as one that passes", async () => {
  await using proxy = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () =>
      new Response("<html>blocked</html>", { status: 403, headers: { "content-type": "text/html" } }),
  });
  await using fake = startFakeDiscord();
  const adapter = adapterOf(fake, { api_base: `http://127.0.0.1:${proxy.port}/api` });
  const error = await failureOf(adapter.send(outbound(fake, "x"), never));
  expect(error).toMatchObject({ kind: "unavailable", hint: expect.stringContaining("api_base") });
});

test("a token that Discord does not know is told as such, once and later, and never shown", async () => {
  await using fake = startFakeDiscord();
  const token = "bm90LWEtYm90.wrong-token";
  const adapter = adapterOf(fake, { bot_token: token });
  for (let time = 0; time < 2; time++) {
    const error = await failureOf(adapter.send(outbound(fake, "x"), never));
    expect(error).toMatchObject({ kind: "unauthorized", hint: expect.stringContaining("Reset Token") });
    expect(Bun.inspect(error, { depth: 9 })).not.toContain(token);
  }
  expect(() => adapterOf(fake, { bot_token: undefined as never })).toThrow("bot_token is missing");
});

test("a call that is given up ends at once", async () => {
  await using fake = startFakeDiscord();
  const adapter = adapterOf(fake);
  const giveUp = new AbortController();
  fake.fail(SEND, { hang: true });
  const sending = failureOf(adapter.send(outbound(fake, "x"), giveUp.signal));
  await until("it is asked", () => fake.calls(SEND).length > 0);
  giveUp.abort();
  expect(await sending).toMatchObject({ kind: "unavailable", message: "The call was given up." });
  expect(await failureOf(adapter.send(outbound(fake, "x"), giveUp.signal))).toMatchObject({
    kind: "unavailable",
  });
  expect(fake.calls(SEND)).toHaveLength(1);
  await until("the request is cut", () => fake.calls(SEND)[0]?.isGivenUp);
  const wait = new AbortController();
  fake.fail(SEND, { rateLimitMs: 9000 });
  const waiting = failureOf(adapterOf(fake).send(outbound(fake, "x"), wait.signal));
  await until("it is told to wait", () => fake.calls(SEND)[1]?.status === 429);
  wait.abort();
  expect(await waiting).toMatchObject({ message: "The call was given up." });
});

test("typing and reactions show, each reaction in place of the one before", async () => {
  await using fake = startFakeDiscord();
  const adapter = adapterOf(fake);
  const { id } = fake.write({ content: "question" });
  const address = { chat: fake.channel };
  const shown = () => [...fake.world.reactions(id)];
  await adapter.typing?.(address, never);
  expect(fake.calls("POST /channels/:channel/typing")).toHaveLength(1);
  await adapter.react?.(address, id, "seen", never);
  expect(shown()).toEqual(["👀"]);
  await adapter.react?.(address, id, "failed", never);
  expect(shown()).toEqual(["❌"]);
  await adapter.react?.(address, id, "seen", never);
  expect(shown()).toEqual(["👀"]);
  // Another process puts the next one.
  await adapterOf(fake).react?.(address, id, "done", never);
  expect(shown()).toEqual(["✅"]);
  await adapter.react?.(address, id, null, never);
  expect(shown()).toEqual(["✅"]); // it is not the one that this process knows of
  const gone = await failureOf(adapter.react?.(address, "1000000000000000001", "seen", never));
  expect(gone.kind).toBe("refused");
});

test("a token that was reset is the same bot", () => {
  const credential = (token: string) => DISCORD.credential(account({ bot_token: token }));
  expect(credential("MTIzNDU2.aaaaaa.bbbbbbbbb")).toBe(credential("MTIzNDU2.cccccc.ddddddddd"));
  expect(credential("MTIzNDU2.aaaaaa.b")).not.toBe(credential("OTg3NjU0.aaaaaa.b"));
  expect(credential("nothing-of-the-kind")).toBe("nothing-of-the-kind");
});
