import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { InboundMessage } from "../../../src/platforms/contract.ts";
import { encodeFrame } from "../../../src/platforms/feishu/frame.ts";
import { envelope, startFakeFeishu } from "../../fakes/feishu/index.ts";
import { connectFeishu, failureOf, startAdapter } from "./setup.ts";

setDefaultTimeout(60_000);

describe("events", () => {
  test("in three frames that come out of order are one message, and its ack keeps the ids of 64 bits", async () => {
    await using rig = await connectFeishu();
    const { fake, heard } = rig;
    const text = `9007199254740993 ${"长消息 ".repeat(2000)}end`;
    const written = fake.write({ text, pieces: [2, 0, 1] });
    await fake.until(() => fake.acks.length === 1, "the ack");
    expect(heard.taken).toMatchObject([{ id: written.id, text, messageId: written.id }]);
    const [ack] = fake.acks;
    expect(ack).toMatchObject({
      code: 200,
      seqId: 18446744073709551615n,
      logId: 9223372036854775810n,
      service: 33554678,
    });
    expect(ack?.headers.map(([name]) => name)).toEqual([
      "type",
      "message_id",
      "sum",
      "seq",
      "trace_id",
      "biz_rt",
    ]);
    expect(ack?.headers).toContainEqual(["trace_id", "trace-飞书"]);
  });

  test("are acknowledged as soon as they are on disk, while the agent goes on for long", async () => {
    const order: string[] = [];
    const onDisk = Promise.withResolvers<void>();
    const agent = Promise.withResolvers<void>();
    const take = async ({ text }: InboundMessage) => {
      order.push(`received ${text}`);
      await onDisk.promise;
      order.push(`on disk ${text}`);
      void agent.promise.then(() => order.push(`answered ${text}`));
    };
    await using rig = await connectFeishu({ take });
    const { fake } = rig;
    fake.write({ text: "hello" });
    await fake.until(() => order.length === 1, "it is received");
    expect(fake.acks).toHaveLength(0);
    const onDiskAtMs = performance.now();
    onDisk.resolve();
    await fake.until(() => fake.acks.length === 1, "the ack");
    order.push("acknowledged");
    // A generous bound: an ack that waited for the agent would never come.
    expect(performance.now() - onDiskAtMs).toBeLessThan(2_900);
    agent.resolve();
    await fake.until(() => order.length === 4, "the answer");
    expect(order).toEqual(["received hello", "on disk hello", "acknowledged", "answered hello"]);
    expect(fake.pending).toBe(0);
  });

  test("that cannot be taken are not acknowledged as taken, and come again", async () => {
    let tries = 0;
    const take = async () => {
      tries += 1;
      if (tries < 3) throw new Error("the disk is full");
    };
    await using rig = await connectFeishu({ take });
    const { fake, heard } = rig;
    fake.write({ text: "hello" });
    await fake.until(() => heard.taken.length === 1, "it is taken");
    await fake.until(() => fake.acks.length === 3, "the acks");
    expect(fake.acks.map(({ code }) => code)).toEqual([500, 500, 200]);
    expect(new Set(fake.acks.map(({ eventId }) => eventId)).size).toBe(1);
  });

  test("that say nothing to the bot, and frames that are none, are acknowledged or left out, and harm nothing", async () => {
    await using rig = await connectFeishu();
    const { fake, heard } = rig;
    fake.deliver(envelope("im.message.message_read_v1", { id: fake.appId }, { reader: {} }));
    fake.write({ text: "from a bot", senderType: "app" });
    fake.sendBytes(new Uint8Array([0x0b, 0xff]));
    const card = { seqId: 1n, logId: 1n, service: 1, method: 1, headers: [["type", "card"]] } as const;
    fake.sendBytes(encodeFrame({ ...card, payload: new TextEncoder().encode("{}") }));
    fake.sendBytes(
      encodeFrame({ ...card, headers: [["type", "event"]], payload: new TextEncoder().encode("{") }),
    );
    fake.write({ text: "hello" });
    await fake.until(() => heard.taken.length === 1, "the message");
    await fake.until(() => fake.pending === 0, "all acks");
    expect(heard.taken[0]?.text).toBe("hello");
    expect(fake.acks.map(({ code }) => code)).toEqual([200, 200, 200]);
    expect(fake.opened).toBe(1);
  });

  test("of one chat are handed on in order, though one has to be completed first", async () => {
    await using rig = await connectFeishu({ timing: { lookupMs: 500 } });
    const { fake, heard } = rig;
    const quoted = fake.write({ text: "the question" });
    await fake.until(() => heard.taken.length === 1, "the question");
    fake.fail("GET /im/v1/messages/:id", { hang: true }, 1);
    fake.write({ text: "first", parent: quoted.id });
    fake.write({ text: "second" });
    fake.write({ text: "elsewhere", user: "ou_other" });
    await fake.until(() => heard.taken.length === 2, "what waits for nothing");
    expect(heard.taken.map(({ text }) => text)).toEqual(["the question", "elsewhere"]);
    await fake.until(() => heard.taken.length === 4, "the rest");
    expect(heard.taken.slice(2).map(({ text }) => text)).toEqual(["first", "second"]);
  });

  test("of a press come as the value of the button, also where nobody wrote since the start", async () => {
    await using rig = await connectFeishu();
    const { fake, heard, adapter } = rig;
    await adapter.send(
      {
        address: { chat: "oc_p2p_user" },
        scope: "direct",
        markdown: "May I?",
        buttons: [{ label: "Yes", value: "y:apr_1", style: "good" }],
        idempotencyId: "dlv_1:0",
      },
      new AbortController().signal,
    );
    const [card] = fake.sent();
    if (!card) throw new Error("nothing was sent");
    const { header } = fake.press(card, "Yes") as { header: { event_id: string } };
    await fake.until(() => heard.taken.length === 1, "the press");
    expect(heard.taken[0]).toMatchObject({
      id: header.event_id,
      button: "y:apr_1",
      address: { chat: "oc_p2p_user" },
      scope: "direct",
      sender: { id: "ou_user" },
    });
    await fake.until(() => fake.acks.length === 1, "the ack");
    expect(fake.acks[0]?.code).toBe(200);
    // Each of these calls would need one permission more.
    expect(fake.calls().filter(({ path }) => path.startsWith("/im/v1/chats"))).toEqual([]);
  });
});

describe("what a message does not tell is asked for:", () => {
  test("the name of its sender, once", async () => {
    await using rig = await connectFeishu();
    const { fake, heard } = rig;
    fake.setName("ou_user", "Ann 安");
    fake.write({ text: "one" });
    fake.write({ text: "two", user: "ou_stranger" });
    await fake.until(() => heard.taken.length === 2, "the messages");
    fake.write({ text: "three" });
    fake.write({ text: "four", user: "ou_stranger" });
    await fake.until(() => heard.taken.length === 4, "all messages");
    const names = Object.fromEntries(heard.taken.map(({ text, sender }) => [text, sender.name]));
    expect(names).toEqual({ one: "Ann 安", two: "ou_stranger", three: "Ann 安", four: "ou_stranger" });
    expect(fake.calls("GET /contact/v3/users/:id")).toHaveLength(2);
  });

  test("nobody's name, when the app may not know any", async () => {
    await using rig = await connectFeishu();
    const { fake, heard } = rig;
    const msg = "Access denied. One of the following scopes is required: [contact:user.base:readonly].";
    fake.fail("GET /contact/v3/users/:id", { code: 99991672, msg });
    fake.write({ text: "one" });
    await fake.until(() => heard.taken.length === 1, "the message");
    fake.write({ text: "two", user: "ou_2" });
    await fake.until(() => heard.taken.length === 2, "the message");
    expect(heard.taken.map(({ sender }) => sender.name)).toEqual(["ou_user", "ou_2"]);
    expect(fake.calls("GET /contact/v3/users/:id")).toHaveLength(1);
  });

  test("what it replies to; a reply to the bot is for the bot", async () => {
    await using rig = await connectFeishu();
    const { fake, heard, adapter } = rig;
    const chat = "oc_group";
    const theirs = fake.write({ text: "the weather is fine", chat });
    const send = { address: { chat }, markdown: "**I** think so", idempotencyId: "dlv_1:0" };
    await adapter.send(send, new AbortController().signal);
    const [ours] = fake.sent(chat);
    fake.write({ text: "really?", chat, parent: theirs.id });
    fake.write({ text: "why?", chat, parent: ours?.id ?? "" });
    await fake.until(() => heard.taken.length === 3, "the messages");
    expect(heard.taken[1]).toMatchObject({
      isForBot: false,
      quoted: { text: "the weather is fine", isFromBot: false },
    });
    expect(heard.taken[2]).toMatchObject({ isForBot: true, quoted: { isFromBot: true } });
  });

  test("the picture that it replies to, and the recording as one of somebody else's; its own files go first", async () => {
    await using rig = await connectFeishu();
    const { fake, heard } = rig;
    const picture = fake.write({ content: ["image", { image_key: "img_1" }] });
    const recording = fake.write({ content: ["audio", { file_key: "file_1", duration: 1000 }] });
    fake.write({ text: "what is it?", parent: picture.id });
    fake.write({ text: "what do they say?", parent: recording.id });
    fake.write({ content: ["image", { image_key: "img_2" }], parent: picture.id });
    await fake.until(() => heard.taken.length === 5, "the messages");
    expect(heard.taken.slice(2)).toMatchObject([
      { quoted: { text: "[image]" }, files: [{ kind: "image", ref: `image:${picture.id}:img_1` }] },
      { quoted: { text: "[voice]" }, files: [{ kind: "audio", ref: `file:${recording.id}:file_1` }] },
      { files: [{ kind: "image", ref: expect.stringContaining("img_2") }] },
    ]);
    expect(heard.taken.map(({ files }) => files?.length ?? 0)).toEqual([1, 1, 1, 1, 1]);
  });

  test("messages that were forwarded as one", async () => {
    await using rig = await connectFeishu();
    const { fake, heard } = rig;
    const forward = fake.write({ content: ["merge_forward", { content: "Merged and Forwarded Message" }] });
    await fake.until(() => heard.taken.length === 1, "the message");
    expect(heard.taken[0]?.forwarded?.text).toBe("[forwarded messages]");
    for (const [type, content] of [
      ["text", { text: "line one\nline two" }],
      ["image", { image_key: "img_1" }],
    ] as const)
      fake.write({ chat: "oc_elsewhere", content: [type, { ...content, forwardedIn: forward.id }] });
    await fake.until(() => heard.taken.length === 3, "the others");
    fake.again(forward);
    await fake.until(() => heard.taken.length === 4, "it came again");
    const forwarded = { text: "[forwarded messages]\n- line one\n  line two\n- [image]" };
    expect(heard.taken[3]).toMatchObject({ text: "", forwarded });
  });

  test("but not for long: without an answer in time, it goes on without", async () => {
    await using rig = await connectFeishu({ timing: { lookupMs: 30 } });
    const { fake, heard } = rig;
    const first = fake.write({ text: "first" });
    await fake.until(() => heard.taken.length === 1, "the message");
    for (const route of ["GET /contact/v3/users/:id", "GET /im/v1/messages/:id"])
      fake.fail(route, { hang: true });
    fake.write({ text: "hello", user: "ou_slow", parent: first.id });
    await fake.until(() => heard.taken.length === 2, "the message");
    expect(heard.taken[1]).toMatchObject({ text: "hello", sender: { name: "ou_slow" } });
    expect(heard.taken[1]?.quoted).toBeUndefined();
  });
});

describe("exactly one connection", () => {
  test("after handshakes that were refused", async () => {
    const fake = startFakeFeishu({ reconnectInterval: 0.02 });
    fake.refuseUpgrades(400);
    await using rig = await connectFeishu({ fake });
    expect(rig.heard.troubles.length).toBeGreaterThan(2);
    expect([fake.connections, fake.opened]).toEqual([1, 1]);
    const sinceMs = fake.endpointCalls;
    fake.write({ text: "hello" });
    await fake.until(() => rig.heard.taken.length === 1, "the message");
    expect(fake.endpointCalls).toBe(sinceMs);
  });

  test("after a connection that broke without a close frame, and what came meanwhile comes then", async () => {
    await using rig = await connectFeishu();
    const { fake, heard } = rig;
    fake.drop();
    fake.write({ text: "meanwhile" });
    await fake.until(() => heard.taken.length === 1, "the message");
    expect([fake.connections, fake.opened]).toEqual([1, 2]);
    expect(heard.bots).toEqual([
      { id: "ou_bot", name: "Hermes" },
      { id: "ou_bot", name: "Hermes" },
    ]);
  });

  test("after pongs that did not come", async () => {
    await using rig = await connectFeishu();
    const { fake, heard } = rig;
    await fake.until(() => fake.heartbeats > 1, "pings");
    fake.answerPings(false);
    await fake.until(() => heard.troubles.includes("Feishu's connection fell silent."), "silence is noticed");
    fake.answerPings(true);
    await fake.until(() => heard.bots.length > 1 && fake.connections > 0, "a new connection");
    const before = fake.heartbeats;
    await fake.until(() => fake.heartbeats > before + 2, "more pings");
    expect(fake.connections).toBe(1);
  });

  test("while Feishu is busy or has too many connections, it tries on", async () => {
    const fake = startFakeFeishu({ reconnectInterval: 0.02 });
    for (const code of [1, 1000040343, 1000040350, 1000099999]) fake.failEndpoint(code);
    await using rig = await connectFeishu({ fake });
    expect(rig.heard.troubles).toHaveLength(4);
    expect([fake.connections, fake.opened, fake.endpointCalls]).toEqual([1, 1, 5]);
  });

  test("is left, with no other, when it is told to stop; what is being taken is acknowledged before", async () => {
    const onDisk = Promise.withResolvers<void>();
    await using rig = await connectFeishu({ take: () => onDisk.promise });
    const { fake, heard } = rig;
    fake.write({ text: "hello" });
    await fake.until(
      () => fake.pending === 1 && heard.logs.some(({ message }) => message === "event"),
      "it came",
    );
    const stopped = rig.stop();
    onDisk.resolve();
    await stopped;
    await fake.until(() => fake.acks.length === 1 && fake.connections === 0, "the ack and the end");
    expect(fake.acks[0]?.code).toBe(200);
    await rig.listening;
  });
});

describe("Feishu's rules", () => {
  test("say how often to ping, and a pong changes them", async () => {
    await using rig = await connectFeishu({ pingInterval: 0.03 });
    const { fake, heard } = rig;
    await fake.until(() => fake.heartbeats > 3, "pings");
    fake.pongWith({ PingInterval: 100, ReconnectCount: -1, ReconnectInterval: 0.02, ReconnectNonce: 0 });
    const before = fake.heartbeats;
    await fake.until(() => fake.heartbeats > before, "a pong with the new rules");
    const after = fake.heartbeats;
    await Bun.sleep(200);
    expect(fake.heartbeats).toBeLessThanOrEqual(after + 1);
    expect(heard.signs).toBeGreaterThan(3);
    expect(fake.connections).toBe(1);
  });

  test("say how often to try again: then somebody else has to", async () => {
    const fake = startFakeFeishu({ reconnectCount: 2, reconnectInterval: 0.01 });
    fake.refuseUpgrades(60_000);
    await using rig = startAdapter({ fake });
    expect((await failureOf(rig.listening)).kind).toBe("unavailable");
    expect(fake.endpointCalls).toBe(3);
  });

  test("say how long to wait between tries", async () => {
    const fake = startFakeFeishu({ reconnectInterval: 100 });
    fake.refuseUpgrades(60_000);
    await using rig = startAdapter({ fake });
    await fake.until(() => rig.heard.troubles.length === 1, "a refusal");
    await Bun.sleep(200);
    expect(fake.endpointCalls).toBe(1);
  });
});

describe("an app whose bot is not known yet", () => {
  const BOT = "GET /bot/v3/info";
  const NO_BOT = { code: 11205, msg: "app do not have bot" };

  test("has its connection all the same, says what to do, and is known once a version is published", async () => {
    const fake = startFakeFeishu();
    fake.fail(BOT, NO_BOT, 3);
    await using rig = startAdapter({ fake });
    const { heard } = rig;
    await fake.until(() => heard.troubles.length > 0, "it says so");
    expect(fake.connections).toBe(1);
    expect(heard.troubles[0]).toContain("11205 app do not have bot");
    expect(heard.hints[0]).toMatch(/机器人.*publish a version/);
    await fake.until(() => heard.bots.length === 1, "it is known");
    expect(heard.bots).toEqual([{ id: "ou_bot", name: "Hermes" }]);
    expect([fake.connections, fake.opened, heard.troubles.length]).toEqual([1, 1, 3]);
  });

  test("answers in direct chats; what comes from a group is not taken until it is known who is meant", async () => {
    const fake = startFakeFeishu();
    fake.fail(BOT, NO_BOT);
    await using rig = startAdapter({ fake, redeliverAfterMs: 50 });
    const { heard } = rig;
    await fake.until(() => fake.connections === 1, "the connection");
    fake.write({ text: "in the group", chat: "oc_group", mention: true });
    fake.write({ text: "hello" });
    await fake.until(() => heard.taken.length === 1, "the message");
    expect(heard.taken[0]).toMatchObject({ text: "hello", scope: "direct", isForBot: true });
    expect(heard.bots).toEqual([]);
    fake.heal();
    await fake.until(() => heard.taken.length === 2, "the group's");
    expect(heard.taken[1]).toMatchObject({ text: "in the group", scope: "group", isForBot: true });
  });

  test("because of its IP whitelist is told where that is", async () => {
    const fake = startFakeFeishu();
    fake.fail(BOT, { code: 99991401, msg: "ip is denied by app setting" }, 1);
    await using rig = startAdapter({ fake });
    await fake.until(() => rig.heard.bots.length === 1, "it is known");
    expect(rig.heard.troubles).toEqual(["Feishu takes no calls from the address of this server."]);
    expect(rig.heard.hints[0]).toMatch(/安全设置.*IP 白名单/);
  });
});

describe("credentials that are of no use are told in words", () => {
  test.each([
    ["a wrong secret", { app_secret: "wrong" }, "514 app_id or app_secret is invalid"],
    ["an app that is not there", { app_id: "cli_0000000000000000" }, "514 app_id or app_secret is invalid"],
    [
      "the same with callbacks",
      { app_secret: "wrong", mode: "webhook", encrypt_key: "k" },
      "10014 app secret invalid",
    ],
  ])("%s", async (_, settings, why) => {
    await using rig = startAdapter({ settings });
    const { kind, message, hint } = await failureOf(rig.listening);
    expect(kind).toBe("unauthorized");
    expect(message).toBe(`Feishu does not take the app's credentials: ${why}.`);
    expect(hint).toContain("凭证与基础信息");
    expect(`${message}${hint}`).not.toContain("wrong");
  });

  test("by the endpoint", async () => {
    for (const code of [403, 514]) {
      const fake = startFakeFeishu();
      fake.failEndpoint(code);
      await using rig = startAdapter({ fake });
      expect(await failureOf(rig.listening)).toMatchObject({ kind: "unauthorized", code });
    }
  });

  test("in the middle", async () => {
    await using rig = await connectFeishu();
    rig.fake.revoke();
    expect((await failureOf(rig.listening)).kind).toBe("unauthorized");
    expect(rig.fake.connections).toBe(0);
  });

  test.each([[{ app_id: undefined }], [{ app_secret: undefined }], [{ api_base: "no address" }]])(
    "none at all, or no address: %j",
    async (settings) => {
      const fake = startFakeFeishu();
      await using _ = fake;
      expect(() => startAdapter({ fake, settings })).toThrow(
        expect.objectContaining({ kind: "unauthorized" }),
      );
    },
  );
});

test("while Feishu cannot be reached, it is tried again and again", async () => {
  await using rig = startAdapter({ settings: { api_base: "http://127.0.0.1:1" } });
  await rig.fake.until(() => rig.heard.troubles.length > 3, "tries");
  expect(rig.heard.troubles[0]).toStartWith("Feishu cannot be reached");
});
