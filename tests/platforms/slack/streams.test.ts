import { describe, expect, test } from "bun:test";
import type { OutboundMessage } from "../../../src/platforms/contract.ts";
import { type FakeSlack, pingsOf, startFakeSlack } from "../../fakes/slack/index.ts";
import { adapterOf, failureOf, never, outbound, shownIn } from "./setup.ts";

const THREAD = "1700000000.000001";
const inThread = (markdown: string, changes: Partial<OutboundMessage> = {}) =>
  outbound(markdown, {
    address: { chat: "C0GENERAL", thread: THREAD },
    recipient: { user: "U0USER", space: "T0TEAM" },
    ...changes,
  });
const growing = (markdown: string) => inThread(markdown, { isPartial: true });
const streamCalls = (slack: FakeSlack) =>
  slack.calls().map(({ method, args }) => [method.replace("chat.", ""), args["markdown_text"]]);

/** An adapter with one growing message. */
async function begin(slack: FakeSlack, markdown = "Hel") {
  const adapter = adapterOf(slack);
  const sent = await adapter.send(growing(markdown), never);
  const edit = (message: OutboundMessage) => Promise.resolve(adapter.edit?.(sent, message, never));
  return { adapter, sent, edit };
}

describe("a growing answer", () => {
  test("is a stream: only what is new is sent", async () => {
    await using slack = startFakeSlack();
    const { edit } = await begin(slack);
    expect(slack.calls()[0]?.args).toMatchObject({
      channel: "C0GENERAL",
      thread_ts: THREAD,
      recipient_user_id: "U0USER",
      recipient_team_id: "T0TEAM",
    });
    await edit(growing("Hello **wor"));
    await edit(growing("Hello **wor"));
    expect(shownIn(slack)).toMatchObject([{ stream: "open", markdown: "Hello **wor" }]);
    await edit(inThread("Hello **world**"));
    expect(shownIn(slack)).toMatchObject([{ stream: "ended", markdown: "Hello **world**", edits: 0 }]);
    expect(streamCalls(slack)).toEqual([
      ["startStream", "Hel"],
      ["appendStream", "lo **wor"],
      ["stopStream", "ld**"],
    ]);
  });

  test("ends without anything new", async () => {
    await using slack = startFakeSlack();
    const { edit } = await begin(slack, "Hello");
    await edit(inThread("Hello"));
    expect(shownIn(slack)).toMatchObject([{ stream: "ended", markdown: "Hello" }]);
  });

  test("ends with buttons", async () => {
    await using slack = startFakeSlack();
    const { edit } = await begin(slack);
    await edit(inThread("Hello", { buttons: [{ label: "Yes", value: "y" }] }));
    expect(shownIn(slack)[0]).toMatchObject({ stream: "ended", blocks: [{ type: "actions" }] });
  });

  test("of any length is sent in pieces that Slack takes, none of which cuts a character", async () => {
    await using slack = startFakeSlack();
    const text = `a${"😀".repeat(15_000)}`;
    const { edit } = await begin(slack, "a");
    await edit(growing(text));
    expect(shownIn(slack)[0]?.markdown).toBe(text);
    await edit(inThread(`${text}!`));
    expect(shownIn(slack)[0]).toMatchObject({ markdown: `${text}!`, stream: "ended" });
  });

  test("notifies nobody, wherever it is cut", async () => {
    await using slack = startFakeSlack();
    const text = "x <!channel> `<!here>` <@U0USER> <!everyone> <!subteam^S1|y> <!DOCTYPE html> 1<2";
    const { edit } = await begin(slack, "x");
    for (let length = 2; length <= text.length; length += 1) {
      await edit(growing(text.slice(0, length)));
      expect(pingsOf(shownIn(slack)[0] as never)).toEqual([]);
    }
    await edit(inThread(text));
    const [message] = shownIn(slack);
    expect(message).toMatchObject({ stream: "ended", edits: 0 });
    expect(message?.markdown.replaceAll("\u200b", "")).toBe(text);
    expect(message?.markdown).toContain("<!DOCTYPE html>");
    expect(pingsOf(message as never)).toEqual([]);
  });

  test("whose text changes before its end is edited instead", async () => {
    await using slack = startFakeSlack();
    const { edit } = await begin(slack, "First try");
    await edit(growing("Second try"));
    expect(shownIn(slack)).toMatchObject([{ stream: "ended", text: "Second try", edits: 1 }]);
    await edit(inThread("Second try, done"));
    expect(shownIn(slack)).toMatchObject([{ text: "Second try, done", edits: 2 }]);
  });

  test("that Slack has ended by itself is edited instead", async () => {
    await using slack = startFakeSlack();
    const { edit, sent } = await begin(slack);
    slack.expire("C0GENERAL", sent.messageId);
    await edit(growing("Hello"));
    await edit(inThread("Hello world"));
    expect(shownIn(slack)).toMatchObject([{ text: "Hello world", edits: 2 }]);
  });

  for (const code of ["stopped_by_user", "messaging_processing_failed_", "msg_blocks_too_long"])
    test(`whose end Slack refuses with ${code} is edited instead`, async () => {
      await using slack = startFakeSlack();
      const { edit } = await begin(slack);
      slack.fail("chat.appendStream", { error: code }, 1);
      await edit(growing("Hello"));
      await edit(inThread("Hello world"));
      expect(shownIn(slack)).toMatchObject([{ text: "Hello world", stream: "ended" }]);
    });

  test("of a process before is ended, and then edited", async () => {
    await using slack = startFakeSlack();
    const { sent } = await begin(slack, "Hel");
    await adapterOf(slack).edit?.(sent, inThread("Hello <!channel>"), never);
    const [message] = shownIn(slack);
    expect(message).toMatchObject({ stream: "ended", edits: 1, blocks: [{ type: "markdown" }] });
    expect(pingsOf(message as never)).toEqual([]);
    expect(streamCalls(slack).map(([method]) => method)).toEqual([
      "startStream",
      "update",
      "stopStream",
      "update",
    ]);
  });

  test("of which nobody knows what Slack has is set as a whole", async () => {
    await using slack = startFakeSlack();
    const { edit } = await begin(slack);
    slack.fail("chat.appendStream", { drop: true, isDone: true }, 1);
    expect((await failureOf(edit(growing("Hello")))).kind).toBe("unavailable");
    await edit(inThread("Hello world"));
    expect(shownIn(slack)).toMatchObject([{ markdown: "", text: "Hello world", stream: "ended" }]);
  });

  test("whose end got lost is set as a whole, with its buttons", async () => {
    await using slack = startFakeSlack();
    const { edit } = await begin(slack);
    const last = inThread("Hello", { buttons: [{ label: "Yes", value: "y" }] });
    slack.fail("chat.stopStream", { status: 500, isDone: true }, 1);
    expect((await failureOf(edit(last))).kind).toBe("unavailable");
    await edit(last);
    // Slack lets rich text be replaced by rich text alone.
    expect(shownIn(slack)[0]?.blocks).toMatchObject([
      { type: "markdown", text: "Hello" },
      { type: "actions" },
    ]);
  });

  test("goes on after 429", async () => {
    await using slack = startFakeSlack();
    const { edit } = await begin(slack);
    slack.fail("chat.appendStream", { retryAfterS: 2 }, 1);
    const error = await failureOf(edit(growing("Hello")));
    expect([error.kind, error.retryAfterMs]).toEqual(["rate_limited", 2000]);
    slack.fail("chat.stopStream", { retryAfterS: 2 }, 1);
    expect((await failureOf(edit(inThread("Hello world")))).kind).toBe("rate_limited");
    await edit(inThread("Hello world"));
    expect(shownIn(slack)).toMatchObject([{ markdown: "Hello world", stream: "ended", edits: 0 }]);
  });

  test("is ended before it is removed", async () => {
    await using slack = startFakeSlack();
    const { adapter, sent } = await begin(slack);
    await adapter.remove?.({ chat: "C0GENERAL" }, sent, never);
    expect(shownIn(slack)).toEqual([]);
  });
});

describe("where there is no stream", () => {
  const posted: Record<string, Partial<OutboundMessage>> = {
    "outside of threads": { address: { chat: "D0USER" } },
    "without somebody who asked": { recipient: undefined } as object,
    "with buttons": { buttons: [{ label: "Yes", value: "y" }] },
    "for what does not grow": { isPartial: false },
    "in a channel for somebody whose workspace is not known": { recipient: { user: "U0USER" } },
  };
  for (const [name, changes] of Object.entries(posted))
    test(`${name}, the message is posted and edited`, async () => {
      await using slack = startFakeSlack();
      const adapter = adapterOf(slack);
      const message = { ...growing("Hel"), ...changes };
      const sent = await adapter.send(message, never);
      await adapter.edit?.(sent, { ...message, markdown: "Hello", isPartial: false }, never);
      expect(shownIn(slack, message.address.chat)).toMatchObject([
        { text: "Hello", stream: "none", edits: 1 },
      ]);
    });

  for (const code of ["unknown_method", "feature_not_enabled", "missing_scope"])
    test(`${code} is remembered for every chat`, async () => {
      await using slack = startFakeSlack();
      slack.fail("chat.startStream", { error: code });
      const adapter = adapterOf(slack);
      for (const chat of ["C0GENERAL", "C0GENERAL", "D0USER"])
        await adapter.send(
          { ...growing("Hel"), address: { chat, thread: THREAD }, idempotencyId: chat },
          never,
        );
      expect(slack.calls("chat.startStream")).toHaveLength(1);
      expect(slack.calls("chat.postMessage")).toHaveLength(3);
    });

  test("channel_type_not_supported is remembered for the chat alone", async () => {
    await using slack = startFakeSlack();
    slack.fail("chat.startStream", { error: "channel_type_not_supported" }, 1);
    const adapter = adapterOf(slack);
    for (const chat of ["C0GENERAL", "C0GENERAL", "D0USER"])
      await adapter.send({ ...growing("Hel"), address: { chat, thread: THREAD } }, never);
    expect(slack.calls("chat.startStream").map(({ args }) => args["channel"])).toEqual([
      "C0GENERAL",
      "D0USER",
    ]);
  });

  test("too many streams a minute: this one is posted, the next one streams again", async () => {
    await using slack = startFakeSlack();
    slack.fail("chat.startStream", { retryAfterS: 30 }, 1);
    const adapter = adapterOf(slack);
    await adapter.send({ ...growing("one"), idempotencyId: "1" }, never);
    await adapter.send({ ...growing("two"), idempotencyId: "2" }, never);
    expect(shownIn(slack).map(({ stream }) => stream)).toEqual(["none", "open"]);
  });

  test("a start that fails for now is tried again by the caller", async () => {
    await using slack = startFakeSlack();
    slack.fail("chat.startStream", { status: 503 }, 1);
    expect((await failureOf(adapterOf(slack).send(growing("Hel"), never))).kind).toBe("unavailable");
    expect(slack.calls("chat.postMessage")).toEqual([]);
  });
});

describe("a stream that an earlier process left over", () => {
  const again = (markdown: string, changes: Partial<OutboundMessage> = {}) =>
    inThread(markdown, { mayBeThere: true, ...changes });
  const texts = (slack: FakeSlack) => shownIn(slack).map(({ text, markdown }) => text || markdown);

  for (const isPartial of [true, false])
    test(`is taken away when the answer is sent again, ${isPartial ? "as it grows" : "whole"}`, async () => {
      await using slack = startFakeSlack();
      await begin(slack, "Half an ans");
      await adapterOf(slack).send(again("Half an answer.", isPartial ? { isPartial } : {}), never);
      expect(texts(slack)).toEqual(["Half an answer."]);
    });

  test("is not looked for where nothing was sent before", async () => {
    await using slack = startFakeSlack();
    await adapterOf(slack).send(inThread("An answer."), never);
    expect(slack.calls("conversations.replies")).toEqual([]);
  });

  test("is none that has ended, nor one that this process makes grow", async () => {
    await using slack = startFakeSlack();
    const first = await begin(slack, "an end");
    await first.edit(inThread("an end"));
    const { adapter } = await begin(slack, "grows here");
    await adapter.send(again("An answer."), never);
    expect(texts(slack)).toEqual(["an end", "grows here", "An answer."]);
  });

  test("stays where Slack tells nothing of the thread, and the answer is sent all the same", async () => {
    await using slack = startFakeSlack();
    await begin(slack, "Half an ans");
    slack.fail("conversations.replies", { error: "missing_scope" }, 1);
    await adapterOf(slack).send(again("Half an answer."), never);
    expect(texts(slack)).toEqual(["Half an ans", "Half an answer."]);
  });

  test("is shown anew when somebody knew it after all", async () => {
    await using slack = startFakeSlack();
    const { sent } = await begin(slack, "Known");
    const adapter = adapterOf(slack);
    await adapter.send(again("An answer."), never);
    const edited = Promise.resolve(adapter.edit?.(sent, inThread("Known, and whole"), never));
    expect(await failureOf(edited)).toMatchObject({ kind: "refused" });
  });
});
