import { describe, expect, test } from "bun:test";
import { PlatformError } from "../../../src/platforms/contract.ts";
import { SLACK } from "../../../src/platforms/slack/index.ts";
import { startFakeSlack } from "../../fakes/slack/index.ts";
import {
  account,
  adapterOf,
  createHeard,
  failureOf,
  keysOf,
  never,
  outbound,
  shownIn,
  startListening,
} from "./setup.ts";

const THREAD = "1700000000.000001";
const thread = { chat: "C0GENERAL", thread: THREAD };
const statuses = (slack: ReturnType<typeof startFakeSlack>) =>
  slack.calls("assistant.threads.setStatus").map(({ args }) => args["status"]);

describe("the platform", () => {
  test("receives as it is told, or by the keys that there are", () => {
    const by = (changes: object) => SLACK.receivesBy(account(changes));
    expect(by({})).toBe("webhook");
    expect(by({ app_token: "xapp-1" })).toBe("connection");
    expect(by({ app_token: "xapp-1", mode: "webhook" })).toBe("webhook");
    expect(by({ mode: "websocket" })).toBe("connection");
    expect(SLACK.credential(account({ bot_token: "xoxb-1" }))).toBe("xoxb-1");
  });

  test("connects without the network, and loads what it needs only then", async () => {
    const adapter = await SLACK.connect(account({ bot_token: "xoxb-1" }));
    expect(Object.keys(adapter).sort()).toEqual([
      "edit",
      "fetchFile",
      "listen",
      "react",
      "registerCommands",
      "remove",
      "send",
      "typing",
      "webhook",
    ]);
    expect((await failureOf(SLACK.connect(account()))).kind).toBe("unauthorized");
    expect((await failureOf(SLACK.connect(account({ bot_token: "x", api_base: "slack" })))).message).toBe(
      "api_base is no address.",
    );
  });

  test("an api_base may end without a slash", async () => {
    await using slack = startFakeSlack();
    await adapterOf(slack, { api_base: slack.apiBase.slice(0, -1) }).send(outbound("hi"), never);
    expect(shownIn(slack)).toHaveLength(1);
  });
});

describe("typing", () => {
  test("shows a line below the thread, which the answer takes away", async () => {
    await using slack = startFakeSlack();
    const adapter = adapterOf(slack);
    await adapter.typing?.(thread, never);
    await adapter.typing?.({ chat: "D0USER" }, never);
    expect(slack.calls("assistant.threads.setStatus").map(({ args }) => args)).toEqual([
      { channel_id: "C0GENERAL", thread_ts: THREAD, status: "is thinking..." },
    ]);
    const message = outbound("Hi", { address: thread });
    await adapter.edit?.(await adapter.send(message, never), message, never);
    expect(statuses(slack)).toEqual(["is thinking..."]);
  });

  test("is taken away by the last edit, and by nothing before", async () => {
    await using slack = startFakeSlack();
    const adapter = adapterOf(slack, { language: "zh" });
    const message = outbound("Hi", { address: thread });
    const sent = await adapter.send(message, never);
    await adapter.typing?.(thread, never);
    await adapter.edit?.(sent, { ...message, isPartial: true }, never);
    expect(statuses(slack)).toEqual(["正在思考…"]);
    slack.fail("assistant.threads.setStatus", { retryAfterS: 1 }, 1);
    await adapter.edit?.(sent, message, never);
    await adapter.edit?.(sent, message, never);
    expect(statuses(slack)).toEqual(["正在思考…", ""]);
  });

  test("is nothing while the answer grows in the thread", async () => {
    await using slack = startFakeSlack();
    const adapter = adapterOf(slack);
    const recipient = { user: "U0USER", space: "T0TEAM" };
    const message = outbound("Hi", { address: thread, recipient, isPartial: true });
    const sent = await adapter.send(message, never);
    await adapter.typing?.(thread, never);
    expect(statuses(slack)).toEqual([]);
    await adapter.edit?.(sent, { ...message, isPartial: false }, never);
    await adapter.typing?.(thread, never);
    expect(statuses(slack)).toHaveLength(1);
  });

  test("an app that may not is not asked again, and that is noted", async () => {
    await using listening = await startListening();
    const { slack, adapter } = listening;
    slack.fail("assistant.threads.setStatus", {
      error: "missing_scope",
      more: { needed: "assistant:write" },
    });
    await adapter.typing?.(thread, never);
    await adapter.typing?.(thread, never);
    expect(statuses(slack)).toHaveLength(1);
    expect(listening.logs).toMatchObject([
      { level: "debug", fields: { reason: expect.stringContaining("assistant:write") } },
    ]);
  });

  test("any other failure is told", async () => {
    await using slack = startFakeSlack();
    slack.fail("assistant.threads.setStatus", { status: 500 }, 1);
    const adapter = adapterOf(slack);
    expect((await failureOf(Promise.resolve(adapter.typing?.(thread, never)))).kind).toBe("unavailable");
    await adapter.typing?.(thread, never);
    expect(statuses(slack)).toHaveLength(2);
  });
});

describe("reactions", () => {
  const place = { chat: "D0USER" };
  test("take one another's place", async () => {
    await using slack = startFakeSlack();
    const react = adapterOf(slack).react;
    const ts = slack.write({ text: "hello" });
    const shown = () => slack.messages("D0USER")[0]?.reactions;
    for (const [reaction, expected] of [
      ["seen", ["eyes"]],
      ["seen", ["eyes"]],
      ["done", ["white_check_mark"]],
      ["failed", ["x"]],
      [null, []],
    ] as const) {
      await react?.(place, ts, reaction, never);
      expect(shown()).toEqual([...expected]);
    }
  });

  test("of a process before are taken away", async () => {
    await using slack = startFakeSlack();
    const ts = slack.write({ text: "hello" });
    await adapterOf(slack).react?.(place, ts, "seen", never);
    await adapterOf(slack).react?.(place, ts, "failed", never);
    expect(slack.messages("D0USER")[0]?.reactions).toEqual(["x"]);
    await adapterOf(slack).react?.(place, ts, null, never);
    expect(slack.messages("D0USER")[0]?.reactions).toEqual([]);
  });

  test("a message that is gone is a refusal", async () => {
    await using slack = startFakeSlack();
    const reacting = adapterOf(slack).react?.(place, "1.1", "seen", never);
    expect((await failureOf(Promise.resolve(reacting))).kind).toBe("refused");
  });
});

describe("commands and buttons over Socket Mode", () => {
  test("arrive and are acknowledged", async () => {
    await using listening = await startListening();
    const { slack, adapter } = listening;
    const description = { en: "stop", zh: "停止" };
    await adapter.registerCommands?.([{ name: "stop", aliases: ["halt"], description }], never);
    slack.command("/hermes", "stop");
    slack.command("/hermes", "halt");
    slack.command("/hermes", "how are you");
    const buttons = [{ label: "Yes", value: "approve:1" }];
    const sent = await adapter.send(outbound("May I?", { address: thread, buttons }), never);
    slack.press("C0GENERAL", sent.messageId, "approve:1");
    slack.write({ channel: "C0GENERAL", thread: THREAD, text: "!stop" });
    slack.write({ channel: "C0GENERAL", thread: THREAD, text: "!halt" });
    slack.write({ channel: "C0GENERAL", thread: THREAD, text: "!nonsense" });
    slack.deliver("interactive", { type: "view_submission" });
    slack.deliver("events_api", { event: { type: "reaction_added" } });
    await slack.until(() => listening.events.length === 7 && slack.pending === 0, "all are taken");
    expect(
      listening.taken.map(({ text, button, isForBot, address }) => [text, button, isForBot, address]),
    ).toEqual([
      ["/stop", undefined, true, { chat: "D0USER" }],
      ["/halt", undefined, true, { chat: "D0USER" }],
      ["how are you", undefined, true, { chat: "D0USER" }],
      ["", "approve:1", true, thread],
      ["/stop", undefined, true, thread],
      ["/halt", undefined, true, thread],
      ["/nonsense", undefined, false, thread],
    ]);
  });
});

describe("files that came", () => {
  const PDF = { name: "a.pdf", mimetype: "application/pdf", bytes: new Uint8Array([37, 80, 68, 70]) };
  const fetchOf = (slack: ReturnType<typeof startFakeSlack>, ref: string, maxBytes = 100) =>
    Promise.resolve(adapterOf(slack).fetchFile?.({ kind: "document", ref }, maxBytes, never));

  test("are fetched with the token", async () => {
    await using listening = await startListening();
    const { slack } = listening;
    const file = slack.addFile(PDF);
    slack.write({ text: "read this", files: [file] });
    await slack.until(() => listening.events.length === 1, "it is taken");
    const [inbound] = listening.taken[0]?.files ?? [];
    if (inbound === undefined) throw new Error("there is no file");
    expect(await listening.adapter.fetchFile?.(inbound, 100, never)).toEqual({
      bytes: Buffer.from(PDF.bytes),
      mediaType: "application/pdf",
      name: "a.pdf",
    });
  });

  test("over the limit are refused before and while they are read", async () => {
    await using slack = startFakeSlack();
    expect((await failureOf(fetchOf(slack, slack.addFile(PDF).id, 3))).kind).toBe("refused");
    let isCancelled = false;
    const endless = () =>
      new Response(
        new ReadableStream({
          pull: (stream) => stream.enqueue(new Uint8Array(50)),
          cancel() {
            isCancelled = true;
          },
        }),
      );
    const error = await failureOf(fetchOf(slack, slack.addFile({ ...PDF, answer: endless }).id, 100));
    expect([error.kind, error.message]).toEqual(["refused", "The file is larger than 100 bytes."]);
    await slack.until(() => isCancelled, "the download is cut");
  });

  test("a page to sign in at is no file", async () => {
    await using slack = startFakeSlack();
    const page = () => new Response("<html>", { headers: { "content-type": "text/html; charset=utf-8" } });
    const error = await failureOf(fetchOf(slack, slack.addFile({ ...PDF, answer: page }).id));
    expect([error.kind, error.hint]).toEqual(["refused", expect.stringContaining("files:read")]);
    const html = { name: "a.html", mimetype: "text/html", bytes: new TextEncoder().encode("<html>") };
    expect(await fetchOf(slack, slack.addFile(html).id)).toMatchObject({ mediaType: "text/html" });
  });

  test("the token goes to no other host, neither at once nor by a redirect", async () => {
    await using slack = startFakeSlack();
    const seen: (string | null)[] = [];
    using stranger = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch(request) {
        seen.push(request.headers.get("authorization"));
        return new Response("bytes");
      },
    });
    const url = `http://127.0.0.1:${stranger.port}/a.pdf`;
    const redirect = () => new Response(null, { status: 302, headers: { location: url } });
    for (const file of [
      slack.addFile({ ...PDF, url }),
      slack.addFile({ ...PDF, answer: redirect }),
      slack.addFile({ ...PDF, url: "http://files.slack.com/a.pdf" }),
      slack.addFile({ ...PDF, url: "https://slack.com.example.com/a.pdf" }),
      slack.addFile({ ...PDF, url: "file:///etc/passwd" }),
    ])
      expect((await failureOf(fetchOf(slack, file.id))).message).toBe(
        "The file is not on a server of Slack.",
      );
    expect(seen).toEqual([]);
  });

  test("a redirect to Slack itself is followed, but not for ever", async () => {
    await using slack = startFakeSlack();
    const target = slack.addFile(PDF);
    const to = (location: string) => () => new Response(null, { status: 302, headers: { location } });
    const once = slack.addFile({ ...PDF, answer: to(`/files/${target.id}/a.pdf`) });
    expect((await fetchOf(slack, once.id))?.bytes.length).toBe(4);
    const loop = slack.addFile({ ...PDF, id: "F0LOOP", answer: to("/files/F0LOOP/a.pdf") });
    expect((await failureOf(fetchOf(slack, loop.id))).message).toMatch(/too often/);
  });

  const failures: Record<string, [() => Response, kind: string]> = {
    "404": [() => new Response("", { status: 404 }), "refused"],
    "500": [() => new Response("", { status: 500 }), "unavailable"],
    "a break": [() => new Response(new ReadableStream({ pull: (stream) => stream.error() })), "unavailable"],
  };
  for (const [name, [answer, kind]] of Object.entries(failures))
    test(`${name} is ${kind}`, async () => {
      await using slack = startFakeSlack();
      expect((await failureOf(fetchOf(slack, slack.addFile({ ...PDF, answer }).id))).kind as string).toBe(
        kind,
      );
    });

  test("that only a text names must be shared where the text stands", async () => {
    await using slack = startFakeSlack();
    const here = slack.addFile({ ...PDF, channels: ["C0GENERAL"] });
    const elsewhere = slack.addFile({ ...PDF, channels: ["C0SECRET"] });
    expect((await fetchOf(slack, `${here.id}@C0GENERAL`))?.bytes.length).toBe(4);
    expect((await failureOf(fetchOf(slack, `${elsewhere.id}@C0GENERAL`))).kind).toBe("refused");
  });

  test("that are gone, or that the app may not read, are refused in words", async () => {
    await using slack = startFakeSlack();
    expect((await failureOf(fetchOf(slack, "F0GONE"))).message).toBe("The file is gone.");
    slack.fail("files.info", { error: "missing_scope", more: { needed: "files:read" } });
    expect((await failureOf(fetchOf(slack, "F0GONE"))).message).toContain("files:read");
  });
});

test("no token is ever told", async () => {
  await using slack = startFakeSlack();
  for (const failure of [{ error: "invalid_auth" }, { status: 500 }, { drop: true }] as const) {
    slack.fail("auth.test", failure, 1);
    const settings = account({ ...keysOf(slack), signing_secret: slack.signingSecret });
    const adapter = await SLACK.connect(settings);
    const controller = new AbortController();
    const heard = createHeard();
    const ended = Promise.resolve(adapter.listen?.(heard.hooks, controller.signal)).catch(
      (error: unknown) => error,
    );
    await slack.until(() => heard.states.length > 0 || slack.calls("auth.test").length > 0, "it was tried");
    controller.abort();
    const error = await ended;
    const told = `${Bun.inspect(heard.states)} ${Bun.inspect(heard.logs)} ${error instanceof PlatformError ? `${error.message} ${error.hint}` : ""}`;
    expect(told).not.toMatch(/fakebot|8f742231/);
    slack.heal();
  }
});
