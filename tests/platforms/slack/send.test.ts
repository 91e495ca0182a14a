import { describe, expect, test } from "bun:test";
import { pingsOf, startFakeSlack } from "../../fakes/slack/index.ts";
import { adapterOf, failureOf, never, outbound, shownIn } from "./setup.ts";

const BUTTONS = [
  { label: "Approve", value: "approve:1", style: "good" as const },
  { label: "Deny", value: "deny:1", style: "bad" as const },
  { label: "x".repeat(100), value: "other" },
];
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("a message", () => {
  test("is posted as mrkdwn, in its thread, and unfurls nothing", async () => {
    await using slack = startFakeSlack();
    const address = { chat: "C0GENERAL", thread: "1700000000.000001" };
    const sent = await adapterOf(slack).send(outbound("a < b & *c*", { address, replyTo: "1.1" }), never);
    const [message] = shownIn(slack);
    expect(sent).toEqual({ messageId: message?.ts ?? "" });
    expect(message).toMatchObject({
      text: expect.stringContaining("a &lt; b &amp;"),
      thread: address.thread,
    });
    expect(message?.args).toMatchObject({
      channel: "C0GENERAL",
      thread_ts: address.thread,
      parse: "none",
      link_names: "false",
      unfurl_links: "false",
      unfurl_media: "false",
    });
    expect(message?.args["client_msg_id"]).toMatch(UUID);
  });

  test("in a direct chat stands in no thread", async () => {
    await using slack = startFakeSlack();
    await adapterOf(slack).send(outbound("hi", { address: { chat: "D0USER" }, replyTo: "1.1" }), never);
    expect(shownIn(slack, "D0USER")[0]?.args).not.toContainKey("thread_ts");
  });

  test("cannot notify anybody", async () => {
    await using slack = startFakeSlack();
    const adapter = adapterOf(slack);
    const markdown =
      "<!channel> <!here|x> <!everyone> <!subteam^S1> <@U0USER> `<!channel>` [x](<!here>) &lt;!channel&gt;";
    const buttons = BUTTONS.slice(0, 1);
    await adapter.send(outbound(markdown), never);
    await adapter.send(outbound(markdown, { buttons, idempotencyId: "2" }), never);
    await adapter.send(outbound(`${markdown}\n${"x".repeat(3000)}`, { buttons, idempotencyId: "3" }), never);
    expect(shownIn(slack).map(pingsOf)).toEqual([[], [], []]);
  });

  test("is shown once, however often it is sent", async () => {
    await using slack = startFakeSlack();
    const adapter = adapterOf(slack);
    slack.fail("chat.postMessage", { drop: true, isDone: true }, 1);
    expect((await failureOf(adapter.send(outbound("hi"), never))).kind).toBe("unavailable");
    const sent = await adapter.send(outbound("hi"), never);
    expect(shownIn(slack).map(({ ts }) => ts)).toEqual([sent.messageId]);
    await adapter.send(outbound("hi", { idempotencyId: "delivery_1:1" }), never);
    expect(shownIn(slack)).toHaveLength(2);
  });

  test("with buttons", async () => {
    await using slack = startFakeSlack();
    await adapterOf(slack).send(outbound("May I?", { buttons: BUTTONS }), never);
    const [section, actions] = shownIn(slack)[0]?.blocks ?? [];
    expect(section).toMatchObject({ type: "section", text: { type: "mrkdwn", text: "May I?" } });
    expect(actions?.["elements"]).toMatchObject([
      { action_id: "button-0", value: "approve:1", style: "primary", text: { text: "Approve" } },
      { action_id: "button-1", value: "deny:1", style: "danger" },
      { action_id: "button-2", value: "other", text: { text: "x".repeat(75) } },
    ]);
  });

  test("with files: their bytes first, then the text, then the files below it", async () => {
    await using slack = startFakeSlack();
    const files = ["a.txt", "b.bin"].map((name, i) => ({
      name,
      mediaType: "application/octet-stream",
      bytes: new Uint8Array([1, 2, 3 + i]),
    }));
    const address = { chat: "C0GENERAL", thread: "1700000000.000001" };
    const sent = await adapterOf(slack).send(outbound("two files", { address, files }), never);
    const [text, shared] = shownIn(slack);
    expect(sent.messageId).toBe(text?.ts ?? "");
    expect(shared).toMatchObject({ thread: address.thread, files: [expect.any(String), expect.any(String)] });
    const order = slack.calls().map(({ method }) => method);
    expect(order.slice(-2)).toEqual(["chat.postMessage", "files.completeUploadExternal"]);
  });

  test("that is a file alone", async () => {
    await using slack = startFakeSlack();
    const files = [{ name: "a.txt", mediaType: "text/plain", bytes: new Uint8Array([1]) }];
    const sent = await adapterOf(slack).send(outbound("", { files }), never);
    expect(shownIn(slack).map((one) => one.files)).toEqual([[sent.messageId]]);
    expect(slack.calls("chat.postMessage")).toEqual([]);
  });

  test("of whose file the upload fails is not seen", async () => {
    await using slack = startFakeSlack();
    slack.fail("files.getUploadURLExternal", { error: "missing_scope", more: { needed: "files:write" } });
    const files = [{ name: "a.txt", mediaType: "text/plain", bytes: new Uint8Array([1]) }];
    const error = await failureOf(adapterOf(slack).send(outbound("look", { files }), never));
    expect([error.kind, error.message]).toEqual(["refused", expect.stringContaining("files:write")]);
    expect(shownIn(slack)).toEqual([]);
  });

  test("files go to no address outside of Slack", async () => {
    await using slack = startFakeSlack();
    let calls = 0;
    using stranger = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch() {
        calls += 1;
        return new Response("OK");
      },
    });
    slack.fail("files.getUploadURLExternal", {
      error: "",
      more: { ok: true, upload_url: `http://127.0.0.1:${stranger.port}/`, file_id: "F1" },
    });
    const files = [{ name: "a.txt", mediaType: "text/plain", bytes: new Uint8Array([1]) }];
    expect((await failureOf(adapterOf(slack).send(outbound("", { files }), never))).kind).toBe("unavailable");
    expect(calls).toBe(0);
  });

  test("is given up when the signal aborts", async () => {
    await using slack = startFakeSlack();
    const reason = new Error("no longer wanted");
    const call = adapterOf(slack).send(outbound("hi"), AbortSignal.abort(reason));
    expect(await call.catch((error: unknown) => error)).toBe(reason);
    expect(slack.calls()).toEqual([]);
  });
});

describe("an edit", () => {
  test("replaces the text and the buttons", async () => {
    await using slack = startFakeSlack();
    const adapter = adapterOf(slack);
    const sent = await adapter.send(outbound("May I?", { buttons: BUTTONS }), never);
    await adapter.edit?.(sent, outbound("Approved & <done>"), never);
    expect(shownIn(slack)).toMatchObject([{ text: "Approved &amp; &lt;done&gt;", blocks: [], edits: 1 }]);
    // Slack would take `client` otherwise, which makes mentions of names.
    expect(slack.calls("chat.update")[0]?.args).toMatchObject({ parse: "none", link_names: "false" });
    await adapter.edit?.(sent, outbound("Approved & <done>"), never);
    expect(shownIn(slack)[0]?.edits).toBe(2);
  });

  for (const code of ["message_not_found", "cant_update_message", "edit_window_closed"])
    test(`${code} is a refusal in words`, async () => {
      await using slack = startFakeSlack();
      const adapter = adapterOf(slack);
      const sent = await adapter.send(outbound("hi"), never);
      slack.fail("chat.update", { error: code });
      const error = await failureOf(Promise.resolve(adapter.edit?.(sent, outbound("ho"), never)));
      expect([error.kind, /[A-Z][a-z]+ .+\.$/.test(error.message)]).toEqual(["refused", true]);
    });

  test("429 tells when to come again", async () => {
    await using slack = startFakeSlack();
    const adapter = adapterOf(slack);
    const sent = await adapter.send(outbound("hi"), never);
    slack.fail("chat.update", { retryAfterS: 7 }, 1);
    const error = await failureOf(Promise.resolve(adapter.edit?.(sent, outbound("ho"), never)));
    expect([error.kind, error.retryAfterMs]).toEqual(["rate_limited", 7000]);
    await adapter.edit?.(sent, outbound("ho"), never);
    expect(shownIn(slack)[0]?.text).toBe("ho");
  });
});

describe("a message is removed", () => {
  test("and one that is gone is no error", async () => {
    await using slack = startFakeSlack();
    const adapter = adapterOf(slack);
    const sent = await adapter.send(outbound("hi"), never);
    await adapter.remove?.({ chat: "C0GENERAL" }, sent, never);
    expect(shownIn(slack)).toEqual([]);
    await adapter.remove?.({ chat: "C0GENERAL" }, sent, never);
  });

  test("unless Slack does not let it be", async () => {
    await using slack = startFakeSlack();
    slack.fail("chat.delete", { error: "cant_delete_message" });
    const removing = adapterOf(slack).remove?.({ chat: "C0GENERAL" }, { messageId: "1.1" }, never);
    expect((await failureOf(Promise.resolve(removing))).kind).toBe("refused");
  });
});

describe("what a failure means", () => {
  const failures = [
    [{ retryAfterS: 3 }, "rate_limited", 3000],
    [{ retryAfterS: null }, "rate_limited", undefined],
    [{ error: "ratelimited" }, "rate_limited", undefined],
    [{ status: 500 }, "unavailable", undefined],
    [{ status: 502, body: "<html>bad gateway</html>" }, "unavailable", undefined],
    [{ status: 200, body: "<html>sign in to the proxy</html>" }, "unavailable", undefined],
    [{ drop: true }, "unavailable", undefined],
    [{ error: "internal_error" }, "unavailable", undefined],
    [{ error: "service_unavailable" }, "unavailable", undefined],
    [{ error: "duplicate_message" }, "unavailable", undefined],
    [{ error: "invalid_auth" }, "unauthorized", undefined],
    [{ error: "token_expired" }, "unauthorized", undefined],
    [{ error: "channel_not_found" }, "refused", undefined],
    [{ error: "not_in_channel" }, "refused", undefined],
    [{ error: "is_archived" }, "refused", undefined],
    [{ error: "msg_too_long" }, "refused", undefined],
    [{ error: "restricted_action" }, "refused", undefined],
    [{ error: "missing_scope", more: { needed: "chat:write" } }, "refused", undefined],
    [{ error: "something_new" }, "refused", undefined],
  ] as const;
  for (const [failure, kind, retryAfterMs] of failures)
    test(JSON.stringify(failure), async () => {
      await using slack = startFakeSlack();
      slack.fail("chat.postMessage", failure);
      const error = await failureOf(adapterOf(slack).send(outbound("hi"), never));
      expect([error.kind, error.retryAfterMs]).toEqual([kind, retryAfterMs]);
      const said = `${error.message} ${error.hint ?? ""}`;
      expect(said).not.toMatch(/fakebot|html|undefined|\[object/);
      expect(slack.calls("chat.postMessage")).toHaveLength(1);
    });

  test("a channel that is closed to the app", async () => {
    await using slack = startFakeSlack();
    slack.closeChannel("C0GENERAL", "is_archived");
    const error = await failureOf(adapterOf(slack).send(outbound("hi"), never));
    expect([error.kind, error.message]).toEqual(["refused", "The channel is archived."]);
  });

  test("nobody answers", async () => {
    const slack = startFakeSlack();
    await slack[Symbol.asyncDispose]();
    const error = await failureOf(adapterOf(slack).send(outbound("hi"), never));
    expect([error.kind, error.message]).toEqual(["unavailable", "Slack did not answer chat.postMessage."]);
  });
});
