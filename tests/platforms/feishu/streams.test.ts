import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { type OutboundMessage, PlatformError, type Sent } from "../../../src/platforms/contract.ts";
import { createAdapter } from "../../../src/platforms/feishu/adapter.ts";
import { startFakeFeishu } from "../../fakes/feishu/index.ts";
import { failureOf, live, outbound, settingsOf } from "./setup.ts";

setDefaultTimeout(60_000);

const CREATE = "POST /im/v1/messages";
const CARD = "POST /cardkit/v1/cards";
const CONTENT = "PUT /cardkit/v1/cards/:id/elements/:id/content";
const SETTINGS = "PATCH /cardkit/v1/cards/:id/settings";
const REPLACE = "PUT /cardkit/v1/cards/:id";
const PATCH = "PATCH /im/v1/messages/:id";

/** An answer that grows. */
function growing() {
  const fake = startFakeFeishu();
  let adapter = createAdapter(settingsOf(fake));
  const message = outbound("one", { isPartial: true });
  const grow = (sent: Sent, markdown: string, more: Partial<OutboundMessage> = {}) =>
    adapter.edit?.(sent, { ...message, markdown, ...more }, live());
  return {
    fake,
    message,
    start: () => adapter.send(message, live()),
    send: (markdown: string, more: Partial<OutboundMessage> = {}) =>
      adapter.send({ ...message, markdown, isPartial: false, ...more }, live()),
    grow,
    finish: (sent: Sent, markdown: string, more = {}) => grow(sent, markdown, { isPartial: false, ...more }),
    /** What the process knew is gone. */
    restart() {
      adapter = createAdapter(settingsOf(fake));
    },
    shown: () => fake.sent().map(fake.read),
    [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose](),
  };
}
const routesOf = (fake: { calls(): readonly { route: string }[] }) =>
  fake
    .calls()
    .map(({ route }) => route)
    .filter((route) => !route.includes("token"));

test("it is written out as a card of its own, with numbers that rise, and ends as an ordinary card", async () => {
  await using rig = growing();
  const { fake } = rig;
  const sent = await rig.start();
  expect(fake.cards).toMatchObject([{ isStreaming: true, isSent: true }]);
  await rig.grow(sent, "one **two**");
  await rig.grow(sent, "one **two** <at id=all></at>");
  await rig.finish(sent, "one **two** three");
  expect(rig.shown()).toEqual(["one **two** three"]);
  const [card] = fake.cards;
  expect(card?.texts).toEqual(["one **two**", "one **two** &#60;at id=all>&#60;/at>", "one **two** three"]);
  expect(card?.card["config"]).toMatchObject({
    streaming_mode: false,
    summary: { content: "one two three" },
  });
  expect(routesOf(fake)).toEqual([CARD, CREATE, CONTENT, CONTENT, CONTENT, SETTINGS]);
  const sequences = fake
    .calls()
    .flatMap(({ json }) => ("sequence" in json ? [Number(json["sequence"])] : []));
  expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
  expect(new Set(sequences).size).toBe(4);
  expect(fake.pings()).toEqual([]);
});

test("an end without new words only ends it", async () => {
  await using rig = growing();
  const sent = await rig.start();
  await rig.finish(sent, "one");
  expect(routesOf(rig.fake)).toEqual([CARD, CREATE, SETTINGS]);
  expect(rig.fake.cards[0]?.isStreaming).toBe(false);
});

test("in its thread, as a reply", async () => {
  await using rig = growing();
  const { fake, message } = rig;
  const asked = fake.write({ text: "hello", chat: "oc_group" });
  const place = { address: { chat: "oc_group", thread: asked.id }, replyTo: asked.id };
  const sent = await createAdapter(settingsOf(fake)).send({ ...message, ...place }, live());
  expect(fake.sent("oc_group")).toMatchObject([{ parent: asked.id, thread: `omt_${asked.id.slice(3)}` }]);
  await rig.finish(sent, "done", place);
  expect(rig.shown()).toEqual(["done"]);
});

describe("after a restart of the worker", () => {
  test("it grows on, and ends", async () => {
    await using rig = growing();
    const sent = await rig.start();
    await rig.grow(sent, "one two");
    rig.restart();
    await rig.grow(sent, "one two three");
    await rig.finish(sent, "one two three four");
    expect(rig.shown()).toEqual(["one two three four"]);
    expect(rig.fake.cards).toHaveLength(1);
    expect(rig.fake.cards[0]?.isStreaming).toBe(false);
  });

  test("it is brought to its end at once, as an ordinary card", async () => {
    await using rig = growing();
    const sent = await rig.start();
    rig.restart();
    await rig.finish(sent, "done");
    expect(rig.shown()).toEqual(["done"]);
    expect(routesOf(rig.fake)).toEqual([CARD, CREATE, REPLACE]);
    expect(rig.fake.cards[0]?.isStreaming).toBe(false);
  });

  test("that nobody had recorded, it is withdrawn and begun anew, so that people see one", async () => {
    await using rig = growing();
    const { fake } = rig;
    await rig.start();
    for (const message of fake.sent()) message.createdAtMs -= 60_000;
    rig.restart();
    const sent = await rig.start();
    await rig.finish(sent, "one and done");
    expect(rig.shown()).toEqual(["one and done"]);
    expect(fake.cards).toHaveLength(2);
  });
});

describe("a message that nobody had recorded, after several restarts", () => {
  const age = (rig: ReturnType<typeof growing>) => {
    for (const message of rig.fake.sent()) message.createdAtMs -= 2_000;
    rig.restart();
  };

  test("that grew, and is sent whole: people see one", async () => {
    await using rig = growing();
    await rig.start();
    age(rig);
    await rig.send("one and done");
    expect(rig.shown()).toEqual(["one and done"]);
    age(rig);
    await rig.send("one and done, again");
    expect(rig.shown()).toEqual(["one and done, again"]);
  });

  test("that was whole, and is to grow: people see one", async () => {
    await using rig = growing();
    await rig.send("one");
    for (let n = 0; n < 3; n++) {
      age(rig);
      await rig.start();
    }
    age(rig);
    await rig.finish(await rig.start(), "one and done");
    expect(rig.shown()).toEqual(["one and done"]);
  });
});

describe("a try that got no answer", () => {
  test("goes on with the card that it had made", async () => {
    await using rig = growing();
    const { fake } = rig;
    fake.fail(CREATE, { drop: true, isDone: true }, 1);
    await failureOf(rig.start());
    const sent = await rig.start();
    await rig.finish(sent, "one and done");
    expect(rig.shown()).toEqual(["one and done"]);
    expect(fake.cards).toHaveLength(1);
  });

  test("is made up for by the whole answer, in the same message", async () => {
    await using rig = growing();
    const { fake } = rig;
    fake.fail(CREATE, { drop: true, isDone: true }, 1);
    await failureOf(rig.start());
    const sent = await rig.send("one and done");
    expect(rig.shown()).toEqual(["one and done"]);
    expect(fake.cards[0]?.isStreaming).toBe(false);
    await rig.finish(sent, "one and done and more");
    expect(rig.shown()).toEqual(["one and done and more"]);
  });

  test("of an edit does no harm to the next", async () => {
    await using rig = growing();
    const sent = await rig.start();
    rig.fake.fail(CONTENT, { drop: true, isDone: true }, 1);
    // Bun itself makes such a call again; then its number was used.
    await rig.grow(sent, "one two")?.catch((error: unknown) => expect(error).toBeInstanceOf(PlatformError));
    await rig.finish(sent, "one two");
    expect(rig.shown()).toEqual(["one two"]);
  });
});

describe("an app that may not make cards of its own", () => {
  const msg = "Access denied. One of the following scopes is required: [cardkit:card:write].";

  test("sends a card and replaces it; that it may not is asked for once", async () => {
    await using rig = growing();
    const { fake } = rig;
    fake.fail(CARD, { code: 99991672, msg });
    const sent = await rig.start();
    await rig.grow(sent, "one two");
    await rig.finish(sent, "one two three");
    expect(rig.shown()).toEqual(["one two three"]);
    const again = await createAdapter(settingsOf(fake)).send(outbound("x"), live());
    expect(again.messageId).not.toContain("/");
    await rig.send("next", { isPartial: true, idempotencyId: "dlv_other:0" });
    expect(fake.calls(CARD)).toHaveLength(1);
    expect(fake.calls(PATCH)).toHaveLength(2);
  });

  test("for this text only: the next answer is tried again", async () => {
    await using rig = growing();
    const { fake } = rig;
    fake.fail(CARD, { code: 300305, msg: "ErrMsg: element exceeds the limit" }, 1);
    await rig.start();
    await rig.send("next", { isPartial: true, idempotencyId: "dlv_other:0" });
    expect(fake.calls(CARD)).toHaveLength(2);
    expect(fake.cards).toHaveLength(1);
  });

  test("or whose card is not taken in a message: it is sent as one that stands there", async () => {
    await using rig = growing();
    const { fake } = rig;
    fake.fail(
      CREATE,
      { code: 230099, msg: "Failed to create card content, ext=ErrCode: 11310; ErrMsg: cardid is invalid;" },
      1,
    );
    const sent = await rig.start();
    await rig.finish(sent, "done");
    expect(rig.shown()).toEqual(["done"]);
    expect(fake.sent()[0]?.cardId).toBeUndefined();
  });
});

describe("a card", () => {
  test("that Feishu has stopped letting grow is replaced", async () => {
    await using rig = growing();
    const { fake } = rig;
    const sent = await rig.start();
    const [card] = fake.cards;
    if (card) card.isStreaming = false;
    await rig.grow(sent, "one two");
    await rig.finish(sent, "one two three");
    expect(rig.shown()).toEqual(["one two three"]);
    expect(fake.calls(REPLACE)).toHaveLength(2);
  });

  test("whose numbers somebody has passed is told a higher one", async () => {
    await using rig = growing();
    const { fake } = rig;
    const sent = await rig.start();
    const [card] = fake.cards;
    if (card) card.sequence = Math.floor(Date.now() / 1000) + 300;
    await rig.grow(sent, "one two");
    await rig.finish(sent, "one two three");
    expect(rig.shown()).toEqual(["one two three"]);
  });

  test("that gets buttons at its end is replaced", async () => {
    await using rig = growing();
    const { fake } = rig;
    const sent = await rig.start();
    await rig.finish(sent, "May I?", { buttons: [{ label: "Yes", value: "y" }] });
    const [message] = fake.sent();
    expect(message && fake.buttons(message)).toMatchObject([{ label: "Yes", value: { hermes: "y" } }]);
    expect(fake.cards[0]?.isStreaming).toBe(false);
  });

  test("that is gone is refused: the gateway sends the answer anew", async () => {
    await using rig = growing();
    const sent = await rig.start();
    rig.fake.fail(CONTENT, { code: 200740, msg: "card entity is not found" });
    expect((await failureOf(rig.finish(sent, "done"))).kind).toBe("refused");
  });

  test("changed too fast is told so", async () => {
    await using rig = growing();
    const sent = await rig.start();
    rig.fake.fail(CONTENT, { code: 99991400, status: 429, headers: { "x-ogw-ratelimit-reset": "1" } }, 1);
    expect(await failureOf(rig.grow(sent, "two"))).toMatchObject({
      kind: "rate_limited",
      retryAfterMs: 1000,
    });
    await rig.finish(sent, "two");
    expect(rig.shown()).toEqual(["two"]);
  });
});

test("a message that nobody may be sent is refused, card or not", async () => {
  await using rig = growing();
  rig.fake.closeChat("oc_p2p_user", 230013);
  expect((await failureOf(rig.start())).kind).toBe("refused");
});
