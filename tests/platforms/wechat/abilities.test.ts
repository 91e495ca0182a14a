import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { OutboundFile } from "../../../src/platforms/contract.ts";
import { WECHAT } from "../../../src/platforms/wechat/index.ts";
import { fits, toWechatText } from "../../../src/platforms/wechat/render.ts";
import { TIMING } from "../../../src/platforms/wechat/timing.ts";
import { startFakeWechat } from "../../fakes/wechat/index.ts";
import { failureOf, never, outbound } from "../heard.ts";
import { type Rig, start, TOO_LATE } from "./setup.ts";

setDefaultTimeout(30_000);

const USER = "openid-1";
const file = (name: string, mediaType: string): OutboundFile => ({
  name,
  mediaType,
  bytes: new TextEncoder().encode(`bytes of ${name}`),
});
const fetchFile = ({ adapter }: Rig, ref: unknown, maxBytes = 100) =>
  Promise.resolve(adapter.fetchFile?.({ kind: "image", ref: JSON.stringify(ref) }, maxBytes, never));

describe("a file", () => {
  test("that is a picture, a recording or a film is pushed after the text, once", async () => {
    await using rig = start(TOO_LATE);
    await rig.wechat.write("question");
    const files = [file("a.png", "image/png"), file("b.amr", "audio/amr"), file("c.mp4", "video/mp4")];
    const message = outbound(USER, "look", { files });
    rig.wechat.fail("media/upload", { errcode: -1 });
    expect((await failureOf(rig.adapter.send(message, never))).kind).toBe("unavailable");
    await rig.adapter.send(message, never);
    const shown = rig.wechat.messages(USER);
    expect(shown.map(({ type }) => type)).toEqual(["text", "image", "voice", "video"]);
    expect(rig.wechat.media(shown[1]?.text ?? "")).toMatchObject({ kind: "image", name: "a.png" });
  });

  test("of another kind is refused, with its name", async () => {
    await using rig = start(TOO_LATE);
    const error = await failureOf(
      rig.adapter.send(outbound(USER, "", { files: [file("a.pdf", "application/pdf")] }), never),
    );
    expect(error).toMatchObject({ kind: "refused", message: expect.stringContaining("a.pdf") });
    expect(rig.wechat.calls("media/upload")).toEqual([]);
  });

  test("counts among the pushes of a question", async () => {
    await using rig = start(TOO_LATE);
    await rig.wechat.write("question");
    const send = (name: string) =>
      rig.adapter.send(outbound(USER, "", { files: [file(name, "image/png")] }), never);
    for (let n = 1; n <= 5; n++) await send(`${n}.png`);
    expect((await failureOf(send("6.png"))).kind).toBe("refused");
    expect(rig.wechat.calls("message/custom/send")).toHaveLength(5);
  });
});

describe("a file that came", () => {
  const bytes = new Uint8Array([1, 2, 3, 4, 5, 6]);

  test("is fetched by its id", async () => {
    await using rig = start(TOO_LATE);
    const id = rig.wechat.addMedia({ bytes, mediaType: "image/jpeg", name: "a.jpg" });
    expect(await fetchFile(rig, [id, ""])).toEqual({
      bytes: Buffer.from(bytes),
      mediaType: "image/jpeg",
      name: "a.jpg",
    });
    expect((await failureOf(fetchFile(rig, [id, ""], 5))).kind).toBe("refused");
  });

  test("is fetched by its address where the account may not fetch by id, but from WeChat alone", async () => {
    await using rig = start(TOO_LATE, { isVerified: false });
    await using elsewhere = startFakeWechat();
    for (const id of ["m", ""])
      expect(await fetchFile(rig, [id, rig.wechat.pictureUrl])).toEqual({
        bytes: Buffer.from("picture"),
        mediaType: "image/jpeg",
      });
    const places = [
      elsewhere.pictureUrl,
      "file:///etc/passwd",
      "http://qpic.cn.evil.example/",
      "",
      "qpic.cn",
    ];
    for (const place of places)
      expect(await failureOf(fetchFile(rig, ["m", place]))).toMatchObject({ kind: "refused" });
    expect(await failureOf(fetchFile(rig, ["", `${rig.wechat.url}/cgi-bin/media/get`]))).toMatchObject({
      message: "WeChat did not answer with a picture.",
    });
    expect(elsewhere.calls()).toEqual([]);
  });

  test("is refused when its reference is none", async () => {
    await using rig = start(TOO_LATE);
    const call = rig.adapter.fetchFile?.({ kind: "image", ref: "{" }, 100, never);
    expect((await failureOf(Promise.resolve(call))).kind).toBe("refused");
  });
});

describe("typing", () => {
  test("is shown", async () => {
    await using rig = start(TOO_LATE);
    await rig.adapter.typing?.({ chat: USER }, never);
    expect(rig.wechat.typings).toEqual([USER]);
  });

  test("is asked for once where the account may not", async () => {
    await using rig = start(TOO_LATE, { isVerified: false });
    expect((await failureOf(Promise.resolve(rig.adapter.typing?.({ chat: USER }, never)))).kind).toBe(
      "refused",
    );
    await rig.adapter.typing?.({ chat: USER }, never);
    expect(rig.wechat.calls("message/custom/typing")).toHaveLength(1);
  });
});

test("eighty people can write in each second, though each call waits for its answer", () => {
  const { webhooksInFlight = 0 } = WECHAT.limits;
  expect(webhooksInFlight / (TIMING.hangUpMs / 1000)).toBeGreaterThan(80);
});

describe("the connection", () => {
  test("is there once the credentials are taken, and says when they are not any more", async () => {
    await using rig = start(TOO_LATE);
    await rig.wechat.until(() => rig.heard.states.length === 1, "it is connected");
    expect(rig.heard.states).toEqual([`connected as ${rig.wechat.appId} (${rig.wechat.appId})`]);
    rig.wechat.revoke();
    expect(await rig.ended).toMatchObject({
      kind: "unauthorized",
      hint: expect.stringContaining("app_secret"),
    });
  });

  test("names what to do when the address of the server is not on the list", async () => {
    await using rig = start(TOO_LATE);
    rig.wechat.fail("stable_token", { errcode: 40164, times: 100 });
    expect(await rig.ended).toMatchObject({
      kind: "unauthorized",
      hint: expect.stringContaining("API IP 白名单"),
    });
  });
});

describe("text", () => {
  test("is plain: links with their address, tables as lines, and no tag of WeChat's", () => {
    expect(toWechatText("**b** [x](https://a.b) `c`\n\n| a | b |\n|---|---|\n| 1 | 2 |")).toBe(
      "b x (https://a.b) c\n\na | b\n1 | 2",
    );
    expect(toWechatText('<a href="weixin://x">y</a> <A>')).not.toMatch(/<\/?a/i);
    expect(toWechatText('<a href="x">')).toContain('a href="x">');
  });

  test("fits in 2,048 bytes with the word that there is more", () => {
    expect([fits("a".repeat(1984)), fits("a".repeat(1985))]).toEqual([true, false]);
    expect([fits("汉".repeat(661)), fits("汉".repeat(662))]).toEqual([true, false]);
  });
});
