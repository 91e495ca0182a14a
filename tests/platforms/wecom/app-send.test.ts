import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { PlatformErrorKind } from "../../../src/platforms/contract.ts";
import { splitMarkdown } from "../../../src/platforms/split.ts";
import { fits } from "../../../src/platforms/wecom/render.ts";
import { failureOf, never, outbound } from "../heard.ts";
import { SAMPLE_MARKDOWN } from "../sample.ts";
import { account, startApp } from "./setup.ts";

setDefaultTimeout(30_000);

const USER = "ZhangSan";

describe("a message of an application", () => {
  test("is text where it has no marks, and Markdown where it has", async () => {
    await using app = startApp();
    const sent = await app.adapter.send(outbound(USER, "plain & simple"), never);
    await app.adapter.send(outbound(USER, "**bold**"), never);
    await app.adapter.send(outbound(USER, "**bold**\n\n```\nlet a = 1;\n```"), never);
    const shown = app.wecom.messages(USER);
    expect(shown.map(({ type, content }) => [type, content])).toEqual([
      ["text", "plain & simple"],
      ["markdown", "**bold**"],
      ["text", "bold\n\nlet a = 1;"],
    ]);
    expect(sent.messageId).toBe(shown[0]?.msgid ?? "");
    expect(app.wecom.calls("message/send")[0]?.json).toMatchObject({
      touser: USER,
      agentid: 1000002,
      enable_duplicate_check: 1,
    });
  });

  test("is shown once, however often it is sent; another one that says the same is shown too", async () => {
    await using app = startApp();
    const first = outbound(USER, "好的", { idempotencyId: "dlv_1:0" });
    const second = outbound(USER, "好的", { idempotencyId: "dlv_1:1" });
    const sent = await app.adapter.send(first, never);
    expect(await app.adapter.send(first, never)).toEqual(sent);
    await app.adapter.send(second, never);
    await app.adapter.send(second, never);
    expect(app.wecom.messages(USER).map(({ content }) => content)).toEqual(["好的", "好的"]);
  });

  test("has its buttons in a card below it, once; without them where they are refused", async () => {
    await using app = startApp();
    const buttons = [{ label: "批准", value: "y:apr_1", style: "good" }] as const;
    const question = outbound(USER, "**运行命令？**", { buttons, idempotencyId: "apq_1:0" });
    const sent = await app.adapter.send(question, never);
    await app.adapter.send(question, never);
    const shown = app.wecom.messages(USER);
    expect(shown.map(({ type, content }) => [type, content])).toEqual([
      ["markdown", "**运行命令？**"],
      ["template_card", "运行命令？ [批准]"],
    ]);
    expect(sent.messageId).toBe(shown[0]?.msgid ?? "");
    await app.adapter.send({ ...question, markdown: "another", buttons: [buttons[0], buttons[0]] }, never);
    expect(app.wecom.messages(USER).slice(2)).toMatchObject([{ type: "text", content: "another" }]);
  });

  test("goes to one person, and never to everybody", async () => {
    await using app = startApp();
    for (const chat of ["@all", "a|b", "@ALL", "|", "", " "])
      expect(await failureOf(app.adapter.send(outbound(chat, "hi"), never))).toMatchObject({
        kind: "refused",
      });
    await app.adapter.send(outbound(USER, "@all <@all> <a href='https://x'>@all</a> **@all**"), never);
    expect(app.wecom.calls("message/send").map(({ json }) => json["touser"])).toEqual([USER]);
    const [message] = app.wecom.messages();
    expect(message?.content).not.toMatch(/<@|<a/);
  });

  test("brings its files, each once, after the text", async () => {
    await using app = startApp();
    const file = (name: string, mediaType: string) => ({
      name,
      mediaType,
      bytes: new TextEncoder().encode(`bytes of ${name}`),
    });
    const files = [file("图.png", "image/png"), file("a.pdf", "application/pdf"), file("b.mp4", "video/mp4")];
    const message = outbound(USER, "look", { files });
    app.wecom.fail("media/upload", { errcode: -1, times: 0 });
    app.wecom.fail("message/send", { times: 2 });
    app.wecom.fail("message/send", { errcode: -1 });
    expect((await failureOf(app.adapter.send(message, never))).kind).toBe("unavailable");
    await app.adapter.send(message, never);
    const shown = app.wecom.messages(USER);
    expect(shown.map(({ type }) => type)).toEqual(["text", "image", "file", "video"]);
    const stored = shown.slice(1).map(({ content }) => app.wecom.media(content));
    expect(stored.map((one) => [one?.kind, one?.name, new TextDecoder().decode(one?.bytes)])).toEqual([
      ["image", "图.png", "bytes of 图.png"],
      ["file", "a.pdf", "bytes of a.pdf"],
      ["video", "b.mp4", "bytes of b.mp4"],
    ]);
  });

  test("is refused where there is nothing to send, or a file is too small or too large", async () => {
    await using app = startApp();
    const bytes = (length: number) => [{ name: "a", mediaType: "text/plain", bytes: new Uint8Array(length) }];
    for (const message of [
      outbound(USER, " "),
      outbound(USER, "", { files: bytes(4) }),
      outbound(USER, "", { files: bytes(20 * 1024 * 1024 + 1) }),
    ])
      expect((await failureOf(app.adapter.send(message, never))).kind).toBe("refused");
    expect(app.wecom.calls("media/upload")).toEqual([]);
  });

  test("of 10 KB arrives in parts of 2,048 bytes at most, with no broken character, and whole", async () => {
    await using app = startApp();
    const chinese = Array.from({ length: 40 }, (_, i) => `第${i}段：${"汉字😀👨‍👩‍👧‍👦é".repeat(12)}。`).join(
      "\n\n",
    );
    for (const text of [chinese, "汉".repeat(5000), "😀".repeat(2500)]) {
      const parts = splitMarkdown(text, (part) => fits(part, account()));
      expect(parts.length).toBeGreaterThan(4);
      for (const part of parts) await app.adapter.send(outbound("LiSi", part.text), never);
    }
    const shown = app.wecom.messages("LiSi");
    expect(shown.some(({ isCut }) => isCut)).toBe(false);
    const joined = shown.map(({ content }) => content.replace(/\s/g, "")).join("");
    const whole = [chinese, "汉".repeat(5000), "😀".repeat(2500)].join("").replace(/\s/g, "");
    expect(joined).toBe(whole);
  });

  test("of everything that Markdown has fits when it says so", async () => {
    const parts = splitMarkdown(SAMPLE_MARKDOWN, (part) => fits(part, account()));
    await using app = startApp();
    for (const part of parts.slice(0, 30)) await app.adapter.send(outbound(USER, part.text), never);
    expect(app.wecom.messages(USER).filter(({ isCut }) => isCut)).toEqual([]);
    expect(app.wecom.messages(USER)).toHaveLength(Math.min(30, parts.length));
  });
});

describe("what fails", () => {
  test("is told in the gateway's words, without a secret", async () => {
    await using app = startApp();
    const cases: [errcode: number, kind: PlatformErrorKind][] = [
      [-1, "unavailable"],
      [45009, "rate_limited"],
      [45033, "rate_limited"],
      [81013, "refused"],
      [60020, "unauthorized"],
      [301002, "unauthorized"],
      [99999, "refused"],
    ];
    for (const [errcode, kind] of cases) {
      app.wecom.fail("message/send", { errcode });
      const error = await failureOf(app.adapter.send(outbound(USER, "hi"), never));
      expect<[number, PlatformErrorKind]>([errcode, error.kind]).toEqual([errcode, kind]);
      if (kind === "rate_limited") expect(error.retryAfterMs).toBeGreaterThan(0);
      expect(`${error.message} ${error.hint}`).not.toMatch(/token-|secret-0123|hint: \[/);
    }
    app.wecom.fail("message/send", { errcode: 99999, errmsg: "api freq out of limit, hint: [1234]" });
    expect(await failureOf(app.adapter.send(outbound(USER, "hi"), never))).toMatchObject({
      kind: "rate_limited",
      message: "WeCom refused message/send: 99999.",
    });
    app.wecom.fail("message/send", { status: 502 });
    expect(await failureOf(app.adapter.send(outbound(USER, "hi"), never))).toMatchObject({
      kind: "unavailable",
      message: "WeCom answered message/send with 502.",
    });
  });

  test("for a person who may not be written to is refused, though the call went well", async () => {
    await using app = startApp();
    app.wecom.block(USER);
    const error = await failureOf(app.adapter.send(outbound(USER, "hi"), never));
    expect(error).toMatchObject({ kind: "refused", message: expect.stringContaining("may not use") });
  });

  test("for an old token is done again with a new one, once", async () => {
    await using app = startApp();
    await app.adapter.send(outbound(USER, "1"), never);
    app.wecom.dropTokens();
    await Promise.all([2, 3, 4].map((n) => app.adapter.send(outbound(USER, String(n)), never)));
    expect(app.wecom.messages(USER)).toHaveLength(4);
    expect(app.wecom.tokens).toBe(2);
    for (const errcode of [40001, 40014, 42001]) {
      app.wecom.fail("message/send", { errcode, times: 2 });
      const before = app.wecom.calls("message/send").length;
      await failureOf(app.adapter.send(outbound(USER, "5"), never));
      expect(app.wecom.calls("message/send").length - before).toBe(2);
    }
  });

  test("asks for one token, however many messages wait for it", async () => {
    await using app = startApp();
    await Promise.all(Array.from({ length: 10 }, (_, n) => app.adapter.send(outbound(USER, `${n}`), never)));
    expect(app.wecom.calls("gettoken")).toHaveLength(1);
  });
});

describe("a file that came", () => {
  test("is fetched with its type and its name", async () => {
    await using app = startApp();
    const bytes = new Uint8Array([1, 2, 3, 4, 5, 6]);
    const ref = app.wecom.addMedia({ bytes, mediaType: "image/jpeg", name: "照片.jpg" });
    const file = await app.adapter.fetchFile?.({ kind: "image", ref }, 6, never);
    expect(file).toEqual({ bytes: Buffer.from(bytes), mediaType: "image/jpeg", name: "照片.jpg" });
  });

  test("is refused when it is too large, gone or no id at all", async () => {
    await using app = startApp();
    const ref = app.wecom.addMedia({ bytes: new Uint8Array(7) });
    const fetchFile = (id: string) => app.adapter.fetchFile?.({ kind: "document", ref: id }, 6, never);
    for (const id of [ref, "gone", "../gettoken?x=", ""])
      expect((await failureOf(Promise.resolve(fetchFile(id)))).kind).toBe("refused");
  });
});
