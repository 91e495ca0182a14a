import { describe, expect, test } from "bun:test";
import type { OutboundMessage } from "../../../src/platforms/contract.ts";
import { type FakeDingTalk, startFakeDingTalk } from "../../fakes/dingtalk/index.ts";
import { adapterOf, createHeard, failureOf, never, outbound, startListening } from "./setup.ts";

/** A robot with cards. */
function cardsOf(fake: FakeDingTalk, changes = {}, timing = {}) {
  return adapterOf(fake, { card_template_id: fake.cardTemplateId, ...changes }, timing);
}

const growing = (fake: FakeDingTalk, text: string, changes: Partial<OutboundMessage> = {}) =>
  outbound(fake, text, { isPartial: true, ...changes });

describe("an answer that grows", () => {
  test("is one card, with the whole text at every step, until it ends", async () => {
    await using fake = startFakeDingTalk();
    const adapter = cardsOf(fake);
    const sent = await adapter.send(growing(fake, "一"), never);
    await adapter.edit?.(sent, growing(fake, "一二\n三"), never);
    await adapter.edit?.(sent, outbound(fake, "**一二三**"), never);
    expect(
      fake.shown(fake.directId(1)).map(({ text, earlier, isFinal }) => ({ text, earlier, isFinal })),
    ).toEqual([{ text: "**一二三**", earlier: ["", "一", "一二  \n三"], isFinal: true }]);
    expect(fake.calls("card")[0]?.json).toMatchObject({
      cardTemplateId: fake.cardTemplateId,
      outTrackId: "hermes_delivery_1_0",
      openSpaceId: `dtv1.card//IM_ROBOT.${fake.staffId(1)}`,
      imRobotOpenDeliverModel: { spaceType: "IM_ROBOT", robotCode: fake.appKey },
    });
    const updates = fake.calls("card text").map(({ json }) => json);
    expect(updates.map(({ isFull, isFinalize, isError }) => [isFull, isFinalize, isError])).toEqual([
      [true, false, false],
      [true, false, false],
      [true, true, false],
    ]);
    expect(new Set(updates.map(({ guid }) => guid)).size).toBe(3);
  });

  test("in a group", async () => {
    await using fake = startFakeDingTalk();
    await cardsOf(fake).send(growing(fake, "x", { address: { chat: fake.groupId } }), never);
    expect(fake.calls("card")[0]?.json).toMatchObject({ openSpaceId: `dtv1.card//IM_GROUP.${fake.groupId}` });
    expect(fake.shown(fake.groupId)).toHaveLength(1);
  });

  test("goes on after a restart, and can change once more when it has ended", async () => {
    await using fake = startFakeDingTalk();
    const sent = await cardsOf(fake).send(growing(fake, "half"), never);
    const later = cardsOf(fake);
    await later.edit?.(sent, outbound(fake, "whole"), never);
    await later.edit?.(sent, outbound(fake, "corrected"), never);
    expect(fake.shown(fake.directId(1)).map(({ text }) => text)).toEqual(["corrected"]);
    expect(fake.calls("card data")).toHaveLength(1);
  });

  test("that an earlier process may have begun is brought to its end, so that people see one", async () => {
    await using fake = startFakeDingTalk();
    const begun = growing(fake, "half");
    await cardsOf(fake).send(begun, never);
    const later = cardsOf(fake);
    const whole = outbound(fake, "whole", { idempotencyId: begun.idempotencyId, mayBeThere: true });
    const sent = await later.send(whole, never);
    await later.edit?.(sent, whole, never);
    expect(fake.shown(fake.directId(1)).map(({ text }) => text)).toEqual(["whole"]);
    await later.send(outbound(fake, "another", { idempotencyId: "delivery_2:0", mayBeThere: true }), never);
    expect(fake.shown(fake.directId(1)).map(({ text }) => text)).toEqual(["whole", "another"]);
  });

  test("whose first try got no answer is one card all the same", async () => {
    await using fake = startFakeDingTalk();
    const adapter = cardsOf(fake);
    fake.fail("card", { status: 502, isDone: true }, 1);
    expect((await failureOf(adapter.send(growing(fake, "x"), never))).kind).toBe("unavailable");
    await adapter.send(growing(fake, "xy"), never);
    expect(fake.shown(fake.directId(1)).map(({ text }) => text)).toEqual(["xy"]);
  });

  test("waits when DingTalk limits its calls", async () => {
    await using fake = startFakeDingTalk();
    const adapter = cardsOf(fake);
    const sent = await adapter.send(growing(fake, "x"), never);
    fake.fail("card text", { status: 403, code: "Forbidden.AccessDenied.QpsLimitForApi" }, 1);
    const error = await failureOf(adapter.edit?.(sent, growing(fake, "xy"), never));
    expect([error.kind, error.retryAfterMs]).toEqual(["rate_limited", 2000]);
    expect(
      (await adapter.send(growing(fake, "z", { idempotencyId: "delivery_2:0" }), never)).messageId,
    ).toStartWith("card:");
  });

  test("that stops growing, because the calls of the month are used up, gives way to a message of its own", async () => {
    await using fake = startFakeDingTalk();
    const adapter = cardsOf(fake);
    const sent = await adapter.send(growing(fake, "x"), never);
    const used = { status: 403, code: "Forbidden.AccessDenied.ApiCountLimitForOrg" };
    fake.fail("card text", used, 1);
    fake.fail("card data", used, 1);
    const { isPartial: _, ...whole } = growing(fake, "xy");
    expect((await failureOf(adapter.edit?.(sent, whole, never))).kind).toBe("refused");
  });

  test("is taken back", async () => {
    await using fake = startFakeDingTalk();
    const adapter = cardsOf(fake);
    const direct = await adapter.send(growing(fake, "x"), never);
    const group = await adapter.send(
      growing(fake, "x", { address: { chat: fake.groupId }, idempotencyId: "d:1" }),
      never,
    );
    await adapter.remove?.({ chat: fake.staffId(1) }, direct, never);
    await adapter.remove?.({ chat: fake.groupId }, group, never);
    expect([fake.shown(fake.directId(1)), fake.shown(fake.groupId)]).toEqual([[], []]);
  });

  test("that cannot be taken back looks no longer as if it grew", async () => {
    await using fake = startFakeDingTalk();
    const adapter = cardsOf(fake);
    const sent = await adapter.send(growing(fake, "x"), never);
    fake.fail("recall", { status: 400, code: "recall.timeout" }, 1);
    const error = await failureOf(adapter.remove?.({ chat: fake.staffId(1) }, sent, never));
    expect(error.kind).toBe("refused");
    expect(fake.shown(fake.directId(1)).map(({ text, isFinal }) => [text, isFinal])).toEqual([["…", true]]);
  });
});

describe("where there can be no card", () => {
  test("without a template nothing can be edited, so that the answer comes whole", async () => {
    await using fake = startFakeDingTalk();
    const { edit, remove, draft } = adapterOf(fake);
    expect([edit, remove, draft]).toEqual([undefined, undefined, undefined]);
  });

  const failures: [what: string, changes: object, hint: RegExp][] = [
    ["a template that is unknown", { card_template_id: "other.schema" }, /card_template_id/],
    ["a variable that the template has not", { card_content_key: "msgContent" }, /card_content_key/],
  ];
  for (const [what, changes, hint] of failures)
    test(`${what}: told once, not tried again for a while, and the answer comes whole`, async () => {
      const fake = startFakeDingTalk();
      const settings = { card_template_id: fake.cardTemplateId, ...changes };
      await using listening = await startListening({ fake, changes: settings });
      for (const id of ["d1:0", "d2:0"]) {
        const error = await failureOf(
          listening.adapter.send(growing(fake, "x", { idempotencyId: id }), never),
        );
        expect(error.kind).toBe("refused");
      }
      const warnings = listening.logs.filter(({ level }) => level === "warn");
      expect(warnings).toHaveLength(1);
      expect(String(warnings[0]?.fields["hint"])).toMatch(hint);
      expect(fake.calls("card")).toHaveLength(1);
      await listening.adapter.send(outbound(fake, "whole"), never);
      expect(fake.shown(fake.directId(1)).map(({ via, text }) => [via, text])).toEqual([["robot", "whole"]]);
    });

  test("a permission that is missing is named; after a while cards are tried again", async () => {
    const fake = startFakeDingTalk();
    const changes = { card_template_id: fake.cardTemplateId };
    await using listening = await startListening({ fake, changes, timing: { cardPauseMs: 0 } });
    const more = { accessdenieddetail: { requiredScopes: ["Card.Instance.Write"] } };
    fake.fail("card", { status: 403, code: "Forbidden.AccessDenied.AccessTokenPermissionDenied", more }, 1);
    const error = await failureOf(listening.adapter.send(growing(fake, "x"), never));
    expect([error.kind, error.hint]).toEqual(["refused", expect.stringContaining("Card.Instance.Write")]);
    expect((await listening.adapter.send(growing(fake, "x"), never)).messageId).toStartWith("card:");
  });

  test("a passing failure of DingTalk's stops no cards", async () => {
    await using fake = startFakeDingTalk();
    const adapter = cardsOf(fake);
    fake.fail("card", { status: 503 }, 1);
    expect((await failureOf(adapter.send(growing(fake, "x"), never))).kind).toBe("unavailable");
    expect((await adapter.send(growing(fake, "x"), never)).messageId).toStartWith("card:");
  });

  test("somebody without a user id", async () => {
    const fake = startFakeDingTalk();
    await using listening = await startListening({
      fake,
      changes: { card_template_id: fake.cardTemplateId },
    });
    fake.write({ text: "hello", isOutside: true });
    await fake.until(() => listening.events.length === 1, "somebody has written");
    const message = growing(fake, "x", { address: { chat: fake.directId(1) } });
    expect((await failureOf(listening.adapter.send(message, never))).kind).toBe("refused");
    await listening.adapter.send({ ...message, isPartial: false }, never);
    expect(fake.shown(fake.directId(1)).map(({ via }) => via)).toEqual(["webhook"]);
  });

  test("a message that is no card stays what it is: the same text is no change, another is sent anew", async () => {
    await using fake = startFakeDingTalk();
    const adapter = cardsOf(fake);
    const sent = await adapter.send(outbound(fake, "**done**"), never);
    await adapter.edit?.(sent, outbound(fake, "**done**"), never);
    expect((await failureOf(adapter.edit?.(sent, outbound(fake, "other"), never))).kind).toBe("refused");
    expect((await failureOf(adapter.edit?.({ messageId: "7" }, outbound(fake, "x"), never))).kind).toBe(
      "refused",
    );
    expect(fake.shown(fake.directId(1)).map(({ text }) => text)).toEqual(["**done**"]);
  });

  test("a message through a webhook cannot be taken back, one through the API can", async () => {
    const fake = startFakeDingTalk();
    await using listening = await startListening({
      fake,
      changes: { card_template_id: fake.cardTemplateId },
    });
    const { adapter } = listening;
    const chat = { chat: fake.staffId(1) };
    const byApi = await adapter.send(outbound(fake, "by API"), never);
    fake.write({ text: "hello" });
    await fake.until(() => listening.events.length === 1, "somebody has written");
    const byWebhook = await adapter.send(outbound(fake, "by webhook"), never);
    await adapter.remove?.(chat, byApi, never);
    expect((await failureOf(adapter.remove?.(chat, byWebhook, never))).kind).toBe("refused");
    expect(fake.shown(fake.directId(1)).map(({ text }) => text)).toEqual(["by webhook"]);
  });

  test("hooks that are not there yet are not needed", async () => {
    await using fake = startFakeDingTalk();
    const adapter = cardsOf(fake, { card_content_key: "other" });
    expect((await failureOf(adapter.send(growing(fake, "x"), never))).kind).toBe("refused");
    expect(createHeard().logs).toEqual([]);
  });
});
