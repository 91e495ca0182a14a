import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createAdapter } from "../../../src/platforms/feishu/adapter.ts";
import { fromSentId, toSentId } from "../../../src/platforms/feishu/sent-id.ts";
import { type FakeFeishu, startFakeFeishu } from "../../fakes/feishu/index.ts";
import { connectFeishu, failureOf, live, outbound, settingsOf } from "./setup.ts";

setDefaultTimeout(60_000);

const CREATE = "POST /im/v1/messages";
const REPLY = "POST /im/v1/messages/:id/reply";
const PATCH = "PATCH /im/v1/messages/:id";
const PUT = "PUT /im/v1/messages/:id";

/** A bot that only sends. */
function sender(more: Record<string, unknown> = {}) {
  const fake = startFakeFeishu();
  const adapter = createAdapter(settingsOf(fake, more));
  return { fake, adapter, [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose]() };
}
const shown = (fake: FakeFeishu, chat?: string) => fake.sent(chat).map(fake.read);

describe("an answer", () => {
  test("is a shared card with its Markdown", async () => {
    await using rig = sender();
    const { fake, adapter } = rig;
    const sent = await adapter.send(outbound("**Hello** 世界"), live());
    const [message] = fake.sent("oc_p2p_user");
    expect(sent.messageId).toBe(message?.id ?? "");
    expect(message?.content).toEqual({
      schema: "2.0",
      config: { update_multi: true, streaming_mode: false, summary: { content: "Hello 世界" } },
      body: { elements: [{ tag: "markdown", element_id: "answer", content: "**Hello** 世界" }] },
    });
    const [call] = fake.calls(CREATE);
    expect(call?.query).toEqual({ receive_id_type: "chat_id" });
    expect(String(call?.json["uuid"])).toMatch(/^[0-9a-f]{40}$/);
  });

  test.each([
    ["oc_1", "chat_id"],
    ["ou_1", "open_id"],
    ["on_1", "union_id"],
    ["ann@a.example", "email"],
    ["7a3b", "user_id"],
  ])("to %p is addressed by its %s", async (chat, type) => {
    await using rig = sender();
    await rig.adapter.send(outbound("hi", { address: { chat } }), live());
    expect(rig.fake.calls(CREATE)[0]?.query).toEqual({ receive_id_type: type });
  });

  test("is sent once, however often it is tried with the same id", async () => {
    await using rig = sender();
    const { fake, adapter } = rig;
    fake.fail(CREATE, { drop: true, isDone: true }, 1);
    const message = outbound("once");
    expect((await failureOf(adapter.send(message, live()))).kind).toBe("unavailable");
    const sent = await adapter.send(message, live());
    expect(await adapter.send(message, live())).toEqual(sent);
    await adapter.send(outbound("once"), live());
    expect(shown(fake)).toEqual(["once", "once"]);
    const uuids = fake.calls(CREATE).map(({ json }) => json["uuid"]);
    expect(new Set(uuids.slice(0, 3)).size).toBe(1);
    expect(uuids[3]).not.toBe(uuids[0]);
  });

  test("that an earlier try had sent with other words shows the words of the last one", async () => {
    await using rig = sender();
    const { fake, adapter } = rig;
    fake.fail(CREATE, { drop: true, isDone: true }, 1);
    const message = outbound("half");
    await failureOf(adapter.send(message, live()));
    await adapter.send({ ...message, markdown: "half and whole" }, live());
    expect(shown(fake)).toEqual(["half and whole"]);
  });

  test("that an earlier process had sent with other words shows the words of the last one", async () => {
    await using rig = sender();
    const { fake, adapter } = rig;
    const message = outbound("half");
    await adapter.send(message, live());
    for (const sent of fake.sent()) sent.createdAtMs -= 60_000;
    const next = createAdapter(settingsOf(fake));
    await next.send({ ...message, markdown: "half and whole" }, live());
    expect(shown(fake)).toEqual(["half and whole"]);
  });

  test("with tags of mentions notifies nobody", async () => {
    await using rig = sender();
    const { fake, adapter } = rig;
    const evil = 'hi <at user_id="all">all</at> `<at id=all></at>`\n```\n<at id=all></at>\n```';
    await adapter.send(outbound(evil), live());
    await adapter.send(outbound(evil, { isPartial: true }), live());
    fake.fail(CREATE, { code: 230099 }, 1);
    await adapter.send(outbound(evil), live());
    expect(fake.sent().map(({ type }) => type)).toEqual(["interactive", "interactive", "post"]);
    expect(shown(fake)[0]).toContain('hi <at user_id="all">all</at>');
    expect(fake.pings()).toEqual([]);
    const [card, , post] = fake.sent().map(({ content }) => JSON.stringify(content));
    for (const content of [card, post]) expect(content).not.toMatch(/<at\b|"tag":"at"/);
  });
});

describe("where it goes:", () => {
  test("as a reply, in no thread of its own", async () => {
    await using rig = sender();
    const { fake, adapter } = rig;
    const asked = fake.write({ text: "hello", chat: "oc_group" });
    await adapter.send(outbound("hi", { address: { chat: "oc_group" }, replyTo: asked.id }), live());
    expect(fake.sent("oc_group")).toMatchObject([{ parent: asked.id, root: asked.id }]);
    expect(fake.sent("oc_group")[0]?.thread).toBeUndefined();
    expect(fake.calls(REPLY)[0]?.json["reply_in_thread"]).toBe(false);
  });

  test("in its thread, with and without something to reply to", async () => {
    await using rig = sender();
    const { fake, adapter } = rig;
    const root = fake.write({ text: "a topic", chat: "oc_group" });
    const asked = fake.write({ text: "hello", chat: "oc_group", thread: root.id });
    const address = { chat: "oc_group", thread: root.id };
    await adapter.send(outbound("one", { address, replyTo: asked.id }), live());
    await adapter.send(outbound("two", { address }), live());
    expect(fake.sent("oc_group").map(({ thread }) => thread)).toEqual([asked.thread, asked.thread]);
    expect(fake.sent("oc_group").map(({ parent }) => parent)).toEqual([asked.id, root.id]);
    expect(fake.calls(REPLY).map(({ json }) => json["reply_in_thread"])).toEqual([true, true]);
  });

  test.each([230011, 231003, 230110])(
    "to the thread, and then to the chat, when what it replies to is gone (%p)",
    async (code) => {
      await using rig = sender();
      const { fake, adapter } = rig;
      const asked = fake.write({ text: "hello", chat: "oc_group" });
      const root = fake.write({ text: "a topic", chat: "oc_group" });
      fake.fail(REPLY, { code, msg: "The message was withdrawn." }, 1);
      await adapter.send(
        outbound("one", { address: { chat: "oc_group", thread: root.id }, replyTo: asked.id }),
        live(),
      );
      expect(fake.sent("oc_group")).toMatchObject([{ parent: root.id }]);
      fake.fail(REPLY, { code, msg: "The message was withdrawn." });
      await adapter.send(
        outbound("two", { address: { chat: "oc_group", thread: root.id }, replyTo: asked.id }),
        live(),
      );
      await adapter.send(outbound("three", { address: { chat: "oc_group" }, replyTo: asked.id }), live());
      expect(
        fake
          .sent("oc_group")
          .slice(1)
          .map(({ parent }) => parent),
      ).toEqual([undefined, undefined]);
      expect(shown(fake, "oc_group")).toEqual(["one", "two", "three"]);
    },
  );
});

describe("buttons", () => {
  test("stand below the text, and carry what their press does not tell", async () => {
    await using rig = await connectFeishu();
    const { fake, adapter, heard } = rig;
    const asked = fake.write({ text: "hello", chat: "oc_group", mention: true });
    await fake.until(() => heard.taken.length === 1, "the message");
    const buttons = [
      { label: "Yes", value: "y", style: "good" },
      { label: "No", value: "n", style: "bad" },
      { label: "Later", value: "l" },
    ] as const;
    const address = { chat: "oc_group", thread: asked.id };
    const message = outbound("May I?", { address, scope: "group", buttons });
    const sent = await adapter.send(message, live());
    const [card] = fake.sent("oc_group");
    const place = { thread: asked.id, scope: "group" };
    expect(card && fake.buttons(card)).toEqual([
      { label: "Yes", type: "primary", value: { hermes: "y", ...place } },
      { label: "No", type: "danger", value: { hermes: "n", ...place } },
      { label: "Later", type: "default", value: { hermes: "l", ...place } },
    ]);
    await adapter.edit?.(sent, { ...message, markdown: "Decided.", buttons: [] }, live());
    expect(shown(fake, "oc_group")).toEqual(["Decided."]);
    expect(card && fake.buttons(card)).toEqual([]);
  });
});

describe("a card that Feishu does not take", () => {
  test.each([230099, 200621])("is sent as a rich text (%p), whose edits wait for the last", async (code) => {
    await using rig = sender();
    const { fake, adapter } = rig;
    fake.fail(CREATE, { code, msg: "Failed to create card content" }, 1);
    const message = outbound("**one**\n[two](https://a.example)");
    const sent = await adapter.send(message, live());
    expect(fake.sent()[0]?.type).toBe("post");
    expect(shown(fake)).toEqual(["one\ntwo (https://a.example)"]);
    for (let i = 0; i < 25; i++)
      await adapter.edit?.(sent, { ...message, markdown: `${i}`, isPartial: true }, live());
    await adapter.edit?.(sent, { ...message, markdown: "**done**" }, live());
    expect(shown(fake)).toEqual(["done"]);
    expect(fake.calls(PUT)).toHaveLength(1);
  });

  test("for what it holds only: any other refusal is one", async () => {
    await using rig = sender();
    rig.fake.closeChat("oc_p2p_user", 230002);
    const { kind, message, hint } = await failureOf(rig.adapter.send(outbound("hi"), live()));
    expect({ kind, message }).toEqual({ kind: "refused", message: "The bot is not in this group." });
    expect(hint).toContain("群机器人");
    expect(rig.fake.calls(CREATE)).toHaveLength(1);
  });
});

describe("an edit", () => {
  test("replaces the card", async () => {
    await using rig = sender();
    const { fake, adapter } = rig;
    const message = outbound("one");
    const sent = await adapter.send(message, live());
    await adapter.edit?.(sent, { ...message, markdown: "two" }, live());
    await adapter.edit?.(sent, { ...message, markdown: "two" }, live());
    expect(shown(fake)).toEqual(["two"]);
    expect(fake.calls(PATCH)).toHaveLength(2);
  });

  test.each([
    [230031, "The message is older than the 14 days in which it can be changed."],
    [230011, "The message was withdrawn."],
  ])("that cannot be made is refused (%p)", async (code, words) => {
    await using rig = sender();
    const { fake, adapter } = rig;
    const sent = await adapter.send(outbound("one"), live());
    fake.fail(PATCH, { code });
    expect(await failureOf(adapter.edit?.(sent, outbound("two"), live()))).toMatchObject({
      kind: "refused",
      message: words,
    });
  });
});

test("a message is withdrawn, and one that is gone already is no error", async () => {
  await using rig = sender();
  const { fake, adapter } = rig;
  const sent = await adapter.send(outbound("one"), live());
  await adapter.remove?.({ chat: "oc_p2p_user" }, sent, live());
  await adapter.remove?.({ chat: "oc_p2p_user" }, sent, live());
  expect(fake.sent()).toEqual([]);
});

describe("how calls fail", () => {
  test.each([
    ["429", { code: 99991400, status: 429, headers: { "x-ogw-ratelimit-reset": "52" } }, 52_000],
    [
      "400 by an older call",
      { code: 99991400, status: 400, headers: { "x-ogw-ratelimit-reset": "3" } },
      3000,
    ],
    ["400 without a time", { code: 230020, status: 400 }, 1000],
    ["429 without a code", { page: "", status: 429 }, 1000],
    ["in words alone", { code: 9499, status: 400, msg: "too many request" }, 1000],
  ])("too fast: %s", async (_, failure, retryAfterMs) => {
    await using rig = sender();
    rig.fake.fail(CREATE, failure, 1);
    expect(await failureOf(rig.adapter.send(outbound("hi"), live()))).toMatchObject({
      kind: "rate_limited",
      retryAfterMs,
    });
  });

  test.each([
    ["a fault of the server", { page: "<html>bad gateway</html>", status: 502 }],
    ["a fault with a code", { code: 1500, status: 500 }],
    ["a page instead of an answer", { page: "<html>sign in</html>", status: 200 }],
    ["a message that is being sent", { code: 230049 }],
    ["a cut connection", { drop: true as const }],
  ])("for a while: %s", async (_, failure) => {
    await using rig = sender();
    rig.fake.fail(CREATE, failure, 1);
    expect((await failureOf(rig.adapter.send(outbound("hi"), live()))).kind).toBe("unavailable");
  });

  test("for want of a permission, which is named", async () => {
    await using rig = sender();
    const msg =
      "Access denied. One of the following scopes is required: [im:message, im:message:send_as_bot].应用尚未开通所需的应用身份权限，点击链接申请：https://open.feishu.cn/app/cli_1/auth?q=im:message";
    rig.fake.fail(CREATE, { code: 99991672, msg }, 1);
    const { kind, message, hint } = await failureOf(rig.adapter.send(outbound("hi"), live()));
    expect({ kind, message }).toEqual({
      kind: "refused",
      message: "The app may not do POST /im/v1/messages: it lacks one of im:message, im:message:send_as_bot.",
    });
    expect(hint).toContain("权限管理");
  });

  test("in a way that nobody foresaw: refused, with Feishu's words but no addresses", async () => {
    await using rig = sender();
    rig.fake.fail(
      CREATE,
      { code: 230999, msg: "Something new, see https://open.feishu.cn/search?log_id=1" },
      1,
    );
    const { kind, message } = await failureOf(rig.adapter.send(outbound("hi"), live()));
    expect({ kind, message }).toEqual({
      kind: "refused",
      message: "Feishu refuses POST /im/v1/messages: 230999 Something new, see.",
    });
  });

  test("no error tells a token or the secret", async () => {
    await using rig = sender();
    const { fake, adapter } = rig;
    for (const failure of [{ page: "", status: 500 }, { code: 230999, msg: "x" }, { drop: true as const }]) {
      fake.fail(CREATE, failure, 1);
      const error = await failureOf(adapter.send(outbound("hi"), live()));
      const told = `${error.message} ${error.hint} ${Bun.inspect(error)}`;
      expect(told).not.toContain(fake.appSecret);
      expect(told).not.toContain("t-fake");
    }
  });
});

describe("the access token", () => {
  const TOKEN = "POST /auth/v3/tenant_access_token/internal";

  test("is asked for once, whoever needs it", async () => {
    await using rig = sender();
    const { fake, adapter } = rig;
    await Promise.all([1, 2, 3, 4].map((n) => adapter.send(outbound(`${n}`), live())));
    await adapter.send(outbound("5"), live());
    expect(fake.calls(TOKEN)).toHaveLength(1);
  });

  test("is replaced when it is taken no more, once per call", async () => {
    await using rig = sender();
    const { fake, adapter } = rig;
    await adapter.send(outbound("one"), live());
    fake.expireTokens();
    await adapter.send(outbound("two"), live());
    expect(fake.calls(TOKEN)).toHaveLength(2);
    expect(shown(fake)).toEqual(["one", "two"]);
    for (const code of [99991663, 99991661, 99991668]) {
      fake.fail(CREATE, { code }, 2);
      const before = fake.calls(TOKEN).length;
      expect((await failureOf(adapter.send(outbound("three"), live()))).kind).toBe("unavailable");
      expect(fake.calls(TOKEN)).toHaveLength(before + 1);
    }
  });

  test("that expires soon is not used", async () => {
    const fake = startFakeFeishu({ tokenLifetimeS: 0 });
    await using _ = fake;
    const adapter = createAdapter(settingsOf(fake));
    await adapter.send(outbound("one"), live());
    await adapter.send(outbound("two"), live());
    expect(fake.calls(TOKEN)).toHaveLength(2);
  });

  test("of an app that is worth nothing: unauthorized", async () => {
    await using rig = sender({ app_secret: "wrong" });
    expect((await failureOf(rig.adapter.send(outbound("hi"), live()))).kind).toBe("unauthorized");
  });
});

test("a call that is given up ends", async () => {
  await using rig = sender();
  rig.fake.fail(CREATE, { hang: true }, 1);
  const abort = new AbortController();
  const failure = failureOf(rig.adapter.send(outbound("hi"), abort.signal));
  await rig.fake.until(() => rig.fake.calls(CREATE).length === 1, "the call");
  abort.abort();
  expect((await failure).kind).toBe("unavailable");
});

test("the domain decides whom it speaks to", async () => {
  const asked: string[] = [];
  const original = globalThis.fetch;
  const spy = async (url: URL | string | Request) => {
    asked.push(new URL(String(url)).origin);
    return Response.json({ code: 10014, msg: "app secret invalid" });
  };
  globalThis.fetch = spy as typeof fetch;
  try {
    for (const domain of ["feishu", "lark"]) {
      const settings = { app_id: "cli_1", app_secret: "s", domain, api_base: undefined };
      await using fake = startFakeFeishu();
      await failureOf(createAdapter(settingsOf(fake, settings)).send(outbound("hi"), live()));
    }
  } finally {
    globalThis.fetch = original;
  }
  expect(asked).toEqual(["https://open.feishu.cn", "https://open.larksuite.com"]);
});

test("the id of a message tells what it is", () => {
  for (const form of [
    { type: "card" },
    { type: "post" },
    { type: "file" },
    { type: "growing", cardId: "7355" },
  ] as const)
    expect(fromSentId(toSentId({ messageId: "om_1", form }))).toEqual({ messageId: "om_1", form });
});
