import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { PlatformError } from "../../../src/platforms/contract.ts";
import { splitMarkdown } from "../../../src/platforms/split.ts";
import { createAdapter } from "../../../src/platforms/wechat/adapter.ts";
import { fits } from "../../../src/platforms/wechat/render.ts";
import { startFakeWechat } from "../../fakes/wechat/index.ts";
import { failureOf, never, outbound } from "../heard.ts";
import { account, FAST_CLOCK, HUNG_UP, IN_TIME, keysOf, type Rig, start, TOO_LATE } from "./setup.ts";

setDefaultTimeout(30_000);

const USER = "openid-1";
const send = ({ adapter }: Rig, text: string, changes = {}) =>
  adapter.send(outbound(USER, text, changes), never);
const shown = ({ wechat }: Rig, user = USER) => wechat.messages(user).map(({ by, text }) => `${by}: ${text}`);
const taken = (rig: Rig, count: number) =>
  rig.wechat.until(() => rig.heard.messages.length === count, `${count} messages are taken`);
const MORE = "\n\n（未完，回复“继续”查看其余内容）";

/** Asks, and lets WeChat get no answer in time. */
async function askInVain(rig: Rig, text = "question") {
  const before = rig.heard.messages.length;
  const answer = rig.wechat.write(text);
  await taken(rig, before + 1);
  expect(await answer).toMatchObject({ body: "success" });
}

describe("an answer", () => {
  test("that is ready in time is the answer to the call; what follows it is pushed", async () => {
    await using rig = start(IN_TIME);
    const call = rig.wechat.write("question");
    await taken(rig, 1);
    await send(rig, "one");
    await send(rig, "two");
    await call;
    expect(shown(rig).sort()).toEqual(["push: two", "reply: one"]);
    expect(rig.wechat.caller.answers).toHaveLength(1);
  });

  test("that is not ready in time is pushed; the call is answered so that WeChat shows nothing", async () => {
    await using rig = start(TOO_LATE);
    await askInVain(rig);
    expect(rig.wechat.caller.answers).toMatchObject([{ attempt: 1, status: 200, body: "success" }]);
    await send(rig, "late");
    expect(shown(rig)).toEqual(["push: late"]);
    expect(rig.wechat.notices).toEqual([]);
  });

  test("goes to who asked", async () => {
    await using rig = start(IN_TIME);
    const calls = ["a", "b"].map((user) => rig.wechat.write("question", { user }));
    await taken(rig, 2);
    await rig.adapter.send(outbound("b", "for b"), never);
    await rig.adapter.send(outbound("a", "for a"), never);
    await Promise.all(calls);
    expect([shown(rig, "a"), shown(rig, "b")]).toEqual([["reply: for a"], ["reply: for b"]]);
  });

  test("to two questions in a row: each call gets one, in order", async () => {
    await using rig = start(IN_TIME);
    const first = rig.wechat.write("1");
    await taken(rig, 1);
    const second = rig.wechat.write("2");
    await taken(rig, 2);
    await send(rig, "answer 1");
    await send(rig, "answer 2");
    expect((await first).body).toContain("answer 1");
    expect((await second).body).toContain("answer 2");
  });

  test("is given to every call of a message that was brought more than once while it was held", async () => {
    // WeChat hangs up and calls again while the first call is held.
    await using rig = start(IN_TIME, { clock: FAST_CLOCK });
    const call = rig.wechat.write("question", { id: "42" });
    await rig.wechat.until(() => rig.heard.offered.length >= 1, "it was brought");
    await rig.wechat.until(() => rig.wechat.caller.answers.length >= 1, "WeChat has hung up once");
    await send(rig, "shared");
    expect(await call).toMatchObject({ status: 200, body: expect.stringContaining("shared") });
    expect(new Set(rig.heard.offered.map(({ id }) => id))).toEqual(new Set(["42"]));
    expect(shown(rig)).toEqual(["reply: shared"]);
  });

  test("that WeChat has not heard is given again to its next call, and nothing else is", async () => {
    await using rig = start(IN_TIME);
    const ask = () => rig.wechat.write("question", { id: "42" });
    const first = ask();
    await taken(rig, 1);
    await send(rig, "answer");
    await first;
    expect((await ask()).body).toContain("answer");
    expect(rig.heard.messages).toHaveLength(1);
  });
});

describe("an answer outlives the process", () => {
  test("until its call is answered, for which it may have to wait: only then it counts as given", async () => {
    await using rig = start(IN_TIME);
    const onDisk = Promise.withResolvers<void>();
    rig.heard.before = () => onDisk.promise;
    const call = rig.wechat.write("question");
    await rig.wechat.until(() => rig.heard.offered.length === 1, "it was brought");
    let isGiven = false;
    const sending = send(rig, "answer").then(() => {
      isGiven = true;
    });
    await Bun.sleep(50);
    expect(isGiven).toBe(false);
    onDisk.resolve();
    expect((await call).body).toContain("answer");
    await sending;
  });

  test("where it is ready when WeChat has hung up and not called again yet: the next call gets it", async () => {
    const late = { ...HUNG_UP, hangUpMs: 20_000 };
    const denied = { deniedUntilMs: Date.now() + 3_600_000 };
    await using rig = start(late, { isVerified: false, clock: FAST_CLOCK }, {}, denied);
    const call = rig.wechat.write("question");
    await taken(rig, 1);
    rig.wechat.caller.sendTo(null);
    await rig.wechat.until(() => rig.wechat.caller.answers.length >= 1, "WeChat has hung up");
    await send(rig, "late");
    await Bun.sleep(100); // no other part of it comes
    await rig.restart(); // there WeChat gets through again
    await call;
    expect(shown(rig)).toEqual(["reply: late"]);
  });
});

describe("the pushes of one question", () => {
  test("are five at most; the last one says that there is more, and the rest comes for the asking", async () => {
    await using rig = start(TOO_LATE);
    await askInVain(rig);
    for (let n = 1; n <= 8; n++) await send(rig, `part ${n}`);
    const pushed = [1, 2, 3, 4].map((n) => `push: part ${n}`);
    expect(shown(rig)).toEqual([...pushed, `push: part 5${MORE}`]);
    expect(rig.wechat.calls("message/custom/send")).toHaveLength(5);
    await rig.wechat.write("继续");
    await rig.wechat.until(() => shown(rig).length === 8, "the rest comes");
    expect(shown(rig).slice(5)).toEqual(["reply: part 6", "push: part 7", "push: part 8"]);
    expect(rig.heard.messages.map(({ text }) => text)).toEqual(["question"]);
  });

  test("of exactly five say nothing of more", async () => {
    await using rig = start(TOO_LATE);
    await askInVain(rig);
    for (let n = 1; n <= 5; n++) await send(rig, `part ${n}`);
    await rig.wechat.until(() => shown(rig).length === 5, "the last one comes");
    expect(shown(rig).at(-1)).toBe("push: part 5");
  });

  test("begin anew with the next question, which is answered behind what is left of the last", async () => {
    await using rig = start({ ...IN_TIME, holdMs: 800 });
    await askInVain(rig);
    for (let n = 1; n <= 6; n++) await send(rig, `part ${n}`);
    await rig.wechat.write("another question");
    await taken(rig, 2);
    await send(rig, "answer");
    expect(shown(rig).slice(5)).toEqual(["reply: part 6", "push: answer"]);
  });

  test("after a press of the menu are three", async () => {
    await using rig = start(TOO_LATE);
    await rig.wechat.inject("p", { MsgType: "event", Event: "CLICK", EventKey: "/help" });
    expect(rig.heard.messages).toMatchObject([{ text: "/help" }]);
    for (let n = 1; n <= 5; n++) await send(rig, `part ${n}`);
    expect(shown(rig)).toEqual(["push: part 1", "push: part 2", `push: part 3${MORE}`]);
  });

  test("are counted by WeChat, too: what it does not take is kept", async () => {
    await using rig = start(TOO_LATE);
    await askInVain(rig);
    for (const errcode of [45047, 45015]) {
      rig.wechat.fail("message/custom/send", { errcode });
      await send(rig, `one ${errcode}`);
      await send(rig, `two ${errcode}`);
      const before = shown(rig).length;
      await rig.wechat.write("more");
      await rig.wechat.until(() => shown(rig).length === before + 2, "both come");
    }
    expect(shown(rig)).toEqual([
      "reply: one 45047",
      "push: two 45047",
      "reply: one 45015",
      "push: two 45015",
    ]);
  });

  test("of 10 KB of Chinese and emoji: every part within 2,048 bytes, no broken character, all of it", async () => {
    await using rig = start(TOO_LATE);
    const text = Array.from({ length: 45 }, (_, i) => `第${i}段：${"汉字😀👨‍👩‍👧‍👦é".repeat(12)}。`).join(
      "\n\n",
    );
    const parts = splitMarkdown(text, fits);
    expect(parts.length).toBeGreaterThan(6);
    await askInVain(rig);
    for (const part of parts) await send(rig, part.text);
    while (rig.heard.saved !== null && JSON.stringify(rig.heard.saved).includes("kept")) {
      const before = shown(rig).length;
      await rig.wechat.write("继续");
      await rig.wechat.until(() => shown(rig).length > before, "more comes");
      if (shown(rig).length >= parts.length) break;
    }
    const texts = rig.wechat.messages().map((one) => one.text);
    for (const one of texts) expect(Buffer.byteLength(one)).toBeLessThanOrEqual(2048);
    const joined = texts.map((one) => one.replace(MORE, "")).join("");
    expect(joined.replace(/\s/g, "")).toBe(text.replace(/\s/g, ""));
  });
});

describe("what is kept", () => {
  test("outlives the process", async () => {
    await using rig = start(TOO_LATE);
    await askInVain(rig);
    for (let n = 1; n <= 7; n++) await send(rig, `part ${n}`);
    await rig.restart();
    await rig.wechat.write("more");
    await rig.wechat.until(() => shown(rig).length === 7, "the rest comes");
    expect(shown(rig).slice(5)).toEqual(["reply: part 6", "push: part 7"]);
    await rig.wechat.until(() => JSON.stringify(rig.heard.saved).includes('"open":[]'), "nothing is kept");
  });

  test("is there before the part counts as sent, and is not there twice when it is sent again", async () => {
    await using rig = start(TOO_LATE);
    await askInVain(rig);
    for (let n = 1; n <= 5; n++) await send(rig, `part ${n}`);
    for (let n = 0; n < 3; n++) {
      await send(rig, "part 6", { idempotencyId: "dlv:5" });
      expect(JSON.stringify(rig.heard.saved).match(/part 6/g)).toHaveLength(1);
    }
    await rig.restart();
    await send(rig, "part 6", { idempotencyId: "dlv:5" });
    expect(JSON.stringify(rig.heard.saved).match(/part 6/g)).toHaveLength(1);
  });

  test("is bounded: what is too much for one person is refused", async () => {
    await using rig = start(TOO_LATE);
    await askInVain(rig);
    for (let n = 1; n <= 25; n++) await send(rig, `part ${n}`);
    expect(await failureOf(send(rig, "part 26"))).toMatchObject({ kind: "refused" });
  });

  test("is given first, when somebody asks something else", async () => {
    await using rig = start(TOO_LATE, { isVerified: false });
    await askInVain(rig, "first");
    await send(rig, "answer to first");
    const call = await rig.wechat.write("second");
    expect(call.body).toContain("answer to first");
    await taken(rig, 2);
    expect(rig.heard.messages[1]?.text).toBe("second");
  });

  test("counts as sent once it is on disk, and is sent again where it cannot be", async () => {
    await using rig = start(TOO_LATE, { isVerified: false });
    await askInVain(rig);
    const onDisk = Promise.withResolvers<void>();
    rig.heard.hooks.saveState = () => onDisk.promise;
    const sending = send(rig, "one");
    const first = await Promise.race([sending.catch(() => "failed"), Bun.sleep(100).then(() => "waits")]);
    expect(first).toBe("waits");
    onDisk.reject(new PlatformError("unavailable", "The disk is full."));
    expect(await failureOf(sending)).toMatchObject({ kind: "unavailable" });
    rig.heard.hooks.saveState = async () => undefined;
    await send(rig, "one");
    await rig.wechat.write("继续");
    expect(shown(rig)).toEqual(["reply: one"]);
  });

  test("is not kept where nobody receives: who sends is told", async () => {
    await using wechat = startFakeWechat();
    const adapter = createAdapter(account(keysOf(wechat)), IN_TIME);
    expect(await failureOf(adapter.send(outbound(USER, "hi"), never))).toMatchObject({ kind: "refused" });
  });

  test("a word like 继续 is a message like any other when nothing is kept", async () => {
    await using rig = start(IN_TIME);
    const call = rig.wechat.write("继续");
    await taken(rig, 1);
    await send(rig, "with what?");
    await call;
    expect(shown(rig)).toEqual(["reply: with what?"]);
  });
});

describe("an account that may not push", () => {
  /** It has learned that it may not. */
  const unverified = (): Rig =>
    start(HUNG_UP, { isVerified: false, clock: FAST_CLOCK }, {}, { deniedUntilMs: Date.now() + 3_600_000 });

  test("learns that from the first push, whose text it keeps, and remembers it over a restart", async () => {
    await using rig = start(TOO_LATE, { isVerified: false });
    await askInVain(rig);
    await send(rig, "one");
    await send(rig, "two");
    expect(rig.wechat.calls("message/custom/send")).toHaveLength(1);
    await rig.restart();
    await rig.wechat.write("继续");
    await rig.wechat.write("继续");
    expect(shown(rig)).toEqual([`reply: one${MORE}`, "reply: two"]);
    expect(rig.wechat.calls("message/custom/send")).toHaveLength(1);
  });

  test("has three calls' time for its answer", async () => {
    await using rig = unverified();
    const call = rig.wechat.write("question");
    await rig.wechat.until(() => rig.wechat.caller.answers.length === 2, "WeChat has hung up twice");
    await rig.wechat.until(() => rig.heard.offered.length >= 1, "it was brought");
    await send(rig, "just in time");
    expect(await call).toMatchObject({ attempt: 3, status: 200 });
    expect(shown(rig)).toEqual(["reply: just in time"]);
    expect(rig.wechat.calls("message/custom/send")).toEqual([]);
  });

  test("gives what came too late at the next message, and says how to get it", async () => {
    await using rig = unverified();
    const call = rig.wechat.write("question");
    await rig.adapter.typing?.({ chat: USER }, never).catch(() => "it may not do that either");
    expect(await call).toMatchObject({ attempt: 3, body: expect.stringContaining("继续") });
    await send(rig, "one");
    await send(rig, "two");
    await rig.wechat.write("继续");
    await rig.wechat.write("继续");
    expect(shown(rig).slice(1)).toEqual([`reply: one${MORE}`, "reply: two"]);
  });

  test("takes a word like 继续 for no question while the answer is being made: it is what was asked for", async () => {
    await using rig = unverified();
    const call = rig.wechat.write("question");
    await rig.adapter.typing?.({ chat: USER }, never).catch(() => "it may not do that either");
    await call;
    const asking = rig.wechat.write("继续");
    await rig.wechat.until(() => rig.wechat.caller.answers.length > 3, "WeChat has hung up on it");
    await send(rig, "here it is");
    await asking;
    expect(shown(rig).slice(1)).toEqual(["reply: here it is"]);
    expect(rig.heard.messages).toHaveLength(1);
  });

  test("tells within the call that there is more, when there is", async () => {
    await using rig = unverified();
    const call = rig.wechat.write("question");
    await taken(rig, 1);
    await send(rig, "one");
    await send(rig, "two");
    await call;
    expect(shown(rig)).toEqual([`reply: one${MORE}`]);
  });

  test("says nothing to who gets no answer", async () => {
    await using rig = unverified();
    expect(await rig.wechat.write("from a stranger")).toMatchObject({ attempt: 3, body: "success" });
    expect(shown(rig)).toEqual([]);
  });
});

describe("what fails", () => {
  test("is told, so that the gateway tries again, and is not kept besides", async () => {
    await using rig = start(TOO_LATE);
    await askInVain(rig);
    for (const [errcode, kind] of [
      [-1, "unavailable"],
      [45009, "rate_limited"],
      [45011, "rate_limited"],
      [43004, "refused"],
      [40164, "unauthorized"],
    ] as const) {
      rig.wechat.fail("message/custom/send", { errcode });
      expect((await failureOf(send(rig, "hi", { idempotencyId: "dlv:0" }))).kind).toBe(kind);
    }
    rig.wechat.fail("message/custom/send", { errcode: 99999, errmsg: "api freq out of limit rid: 1234" });
    expect((await failureOf(send(rig, "hi", { idempotencyId: "dlv:0" }))).kind).toBe("rate_limited");
    await send(rig, "hi", { idempotencyId: "dlv:0" });
    expect(shown(rig)).toEqual(["push: hi"]);
  });

  test("a token that is refused is replaced once", async () => {
    await using rig = start(TOO_LATE);
    await askInVain(rig);
    await send(rig, "1");
    rig.wechat.dropTokens();
    await send(rig, "2");
    expect(shown(rig)).toEqual(["push: 1", "push: 2"]);
    expect(rig.wechat.tokens).toBe(2);
    rig.wechat.fail("message/custom/send", { errcode: 42001, times: 2 });
    const before = rig.wechat.calls("message/custom/send").length;
    expect((await failureOf(send(rig, "3"))).kind).toBe("unavailable");
    expect(rig.wechat.calls("message/custom/send").length - before).toBe(2);
  });

  test("a message that cannot be kept on disk is brought again, and taken then", async () => {
    await using rig = start(HUNG_UP, { clock: FAST_CLOCK });
    let tries = 0;
    rig.heard.before = () => {
      tries += 1;
      if (tries < 3) throw new Error("the disk is full");
    };
    const call = rig.wechat.write("question");
    await taken(rig, 1);
    await send(rig, "answer");
    expect(await call).toMatchObject({ attempt: 3, status: 200 });
    expect(shown(rig)).toEqual(["reply: answer"]);
  });
});
