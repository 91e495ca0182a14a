import { describe, expect, test } from "bun:test";
import { startFakeDingTalk } from "../../fakes/dingtalk/index.ts";
import { adapterOf, failureOf, never, outbound, startSpoken } from "./setup.ts";

describe("answers through the webhook of the conversation", () => {
  test("Markdown with a title, and plain text as it is", async () => {
    await using spoken = await startSpoken();
    const { adapter, fake, direct } = spoken;
    await adapter.send(outbound(fake, "**你好**\n- one"), never);
    await adapter.send(outbound(fake, "2*3*4"), never);
    expect(direct().map(({ via, request }) => [via, request])).toEqual([
      [
        "webhook",
        {
          msgtype: "markdown",
          markdown: { title: "你好", text: "**你好**  \n- one" },
          at: { isAtAll: false },
        },
      ],
      ["webhook", { msgtype: "text", text: { content: "2*3*4" }, at: { isAtAll: false } }],
    ]);
    expect(fake.calls("token")).toEqual([]);
  });

  test("model output mentions nobody", async () => {
    await using spoken = await startSpoken();
    const { adapter, fake, direct } = spoken;
    await adapter.send(outbound(fake, '@all @所有人 <at user_id="all"></at> **x**'), never);
    expect(direct().map(({ request }) => request["at"])).toEqual([{ isAtAll: false }]);
  });

  test("in a group, whose id holds what it holds", async () => {
    await using spoken = await startSpoken({}, { inGroup: true });
    const { adapter, fake, group } = spoken;
    await adapter.send(outbound(fake, "hello", { address: { chat: fake.groupId } }), never);
    expect(group().map(({ via, text }) => [via, text])).toEqual([["webhook", "hello"]]);
  });

  test("what is too fast waits, what fails comes again, what is too long never", async () => {
    await using spoken = await startSpoken();
    const { adapter, fake } = spoken;
    const failures: [object, object][] = [
      [{ errcode: 130101 }, { kind: "rate_limited", retryAfterMs: 60_000 }],
      [
        { status: 429, retryAfterS: 3 },
        { kind: "rate_limited", retryAfterMs: 3000 },
      ],
      [{ errcode: 90018 }, { kind: "rate_limited", retryAfterMs: 2000 }],
      [{ errcode: 90020 }, { kind: "refused", message: expect.stringContaining("for this month (90020)") }],
      [{ status: 502 }, { kind: "unavailable", message: "DingTalk answered the message with 502." }],
      [{ errcode: -1 }, { kind: "unavailable" }],
      [{ errcode: 460101 }, { kind: "refused", message: "DingTalk refused the message: it is too long." }],
    ];
    for (const [failure, expected] of failures) {
      fake.fail("webhook", failure as never, 1);
      expect(await failureOf(adapter.send(outbound(fake, "x"), never))).toMatchObject(expected);
    }
    expect(fake.calls("person")).toEqual([]);
  });

  test("DingTalk's own limit of 20 a minute in a group is told as one", async () => {
    await using spoken = await startSpoken({}, { inGroup: true });
    const { adapter, fake } = spoken;
    const message = outbound(fake, "x", { address: { chat: fake.groupId } });
    for (let n = 0; n < 20; n++) await adapter.send(message, never);
    expect((await failureOf(adapter.send(message, never))).kind).toBe("rate_limited");
  });
});

describe("answers through the robot's API", () => {
  test("are given up when the calls of the month are used up, with what can be done", async () => {
    await using spoken = await startSpoken();
    const { adapter, fake } = spoken;
    fake.expireWebhooks();
    const code = "Forbidden.AccessDenied.ApiCountLimitForOrg";
    fake.fail("person", { status: 403, code }, 1);
    expect(await failureOf(adapter.send(outbound(fake, "later"), never))).toMatchObject({
      kind: "refused",
      message: `The organization has used up its calls of DingTalk's API for this month (${code}).`,
      hint: expect.stringContaining("month"),
    });
  });

  test("once the webhook is over, without losing the message", async () => {
    await using spoken = await startSpoken();
    const { adapter, fake, direct } = spoken;
    fake.expireWebhooks();
    await adapter.send(outbound(fake, "**later**"), never);
    await adapter.send(outbound(fake, "and plain"), never);
    expect(direct().map(({ via, kind, text }) => [via, kind, text])).toEqual([
      ["robot", "sampleMarkdown", "**later**"],
      ["robot", "sampleText", "and plain"],
    ]);
    expect(fake.calls("webhook")).toHaveLength(1);
    expect(fake.calls("person")[0]?.json).toEqual({
      robotCode: fake.appKey,
      userIds: [fake.staffId(1)],
      msgKey: "sampleMarkdown",
      msgParam: '{"title":"later","text":"**later**"}',
    });
    expect(fake.calls("token")).toHaveLength(1);
  });

  for (const errcode of [300001, 310000, 43004, 40014])
    test(`a webhook that answers ${errcode}`, async () => {
      await using spoken = await startSpoken();
      const { adapter, fake, direct } = spoken;
      fake.fail("webhook", { errcode }, 1);
      await adapter.send(outbound(fake, "x"), never);
      expect(direct().map(({ via }) => via)).toEqual(["robot"]);
    });

  test("a webhook past its time is not asked", async () => {
    const more = { sessionWebhookExpiredTime: Date.now() + 5000 };
    await using spoken = await startSpoken({}, { more });
    const { adapter, fake, direct } = spoken;
    await adapter.send(outbound(fake, "x"), never);
    expect([fake.calls("webhook").length, direct().length]).toEqual([0, 1]);
  });

  test("people and groups who have not written", async () => {
    await using fake = startFakeDingTalk();
    const adapter = adapterOf(fake);
    await adapter.send(outbound(fake, "x", { address: { chat: fake.staffId(7) } }), never);
    await adapter.send(outbound(fake, "x", { address: { chat: fake.groupId } }), never);
    expect([fake.shown(fake.directId(7)).length, fake.shown(fake.groupId).length]).toEqual([1, 1]);
    const error = await failureOf(adapter.send(outbound(fake, "x", { address: { chat: "nobody" } }), never));
    expect([error.kind, error.message]).toEqual([
      "refused",
      "DingTalk knows no such person in the organization.",
    ]);
  });

  test("a robot with a code of its own", async () => {
    await using fake = startFakeDingTalk();
    const error = await failureOf(adapterOf(fake, { robot_code: "other" }).send(outbound(fake, "x"), never));
    expect(error.message).toBe("DingTalk refused the message: invalidParameter.robotCode.invalid.");
    expect(fake.calls("person")[0]?.json["robotCode"]).toBe("other");
  });

  test("somebody without a user id can be answered by the webhook alone", async () => {
    await using spoken = await startSpoken({}, { isOutside: true });
    const { adapter, fake } = spoken;
    const message = outbound(fake, "x", { address: { chat: fake.directId(1) } });
    await adapter.send(message, never);
    fake.expireWebhooks();
    const error = await failureOf(adapter.send(message, never));
    expect([error.kind, error.message]).toEqual([
      "refused",
      "DingTalk lets the robot answer this person for 90 minutes only.",
    ]);
    expect(fake.calls("group")).toEqual([]);
  });

  test("a token that is refused is replaced once; one for many calls", async () => {
    await using fake = startFakeDingTalk();
    const adapter = adapterOf(fake);
    const send = () => adapter.send(outbound(fake, "x"), never);
    await Promise.all([send(), send(), send()]);
    expect(fake.calls("token")).toHaveLength(1);
    fake.expireTokens();
    await send();
    expect([fake.calls("token").length, fake.calls("person").length]).toEqual([2, 5]);
    fake.fail("person", { status: 401, code: "InvalidAuthentication" });
    expect((await failureOf(send())).kind).toBe("unauthorized");
    expect([fake.calls("token").length, fake.calls("person").length]).toEqual([3, 7]);
  });

  test("a permission that is missing is named", async () => {
    await using fake = startFakeDingTalk();
    const more = { accessdenieddetail: { requiredScopes: ["qyapi_robot_sendmsg"] } };
    fake.fail("person", { status: 403, code: "Forbidden.AccessDenied.AccessTokenPermissionDenied", more });
    const error = await failureOf(adapterOf(fake).send(outbound(fake, "x"), never));
    expect(error.kind).toBe("unauthorized");
    expect(error.hint).toMatch(/qyapi_robot_sendmsg.*权限管理/);
    expect(fake.calls("token")).toHaveLength(1);
  });

  test("errors never hold the secret, the token or the text", async () => {
    await using fake = startFakeDingTalk();
    const adapter = adapterOf(fake);
    const errors = [];
    for (const failure of [
      { status: 500 },
      { status: 400, code: "bad" },
      { status: 401, code: "InvalidAuthentication" },
    ]) {
      fake.fail("person", failure, 2);
      errors.push(await failureOf(adapter.send(outbound(fake, "PRIVATE"), never)));
      fake.heal();
    }
    await fake[Symbol.asyncDispose]();
    errors.push(await failureOf(adapter.send(outbound(fake, "PRIVATE"), never)));
    const tokens = fake.calls("person").map(({ headers }) => headers["x-acs-dingtalk-access-token"] ?? "");
    for (const error of errors)
      for (const secret of [fake.appSecret, "PRIVATE", ...tokens])
        expect(`${error.message} ${error.hint} ${Bun.inspect(error.cause)}`).not.toContain(secret);
    expect(errors.map(({ kind }) => kind)).toEqual(["unavailable", "refused", "unauthorized", "unavailable"]);
  });
});
