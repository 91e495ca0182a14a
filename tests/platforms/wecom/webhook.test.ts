import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { PlatformError } from "../../../src/platforms/contract.ts";
import { createAppAdapter } from "../../../src/platforms/wecom/app/adapter.ts";
import { signatureOf } from "../../../src/platforms/weixin-cipher.ts";
import { startFakeWecomApp } from "../../fakes/wecom/app.ts";
import { createHeard } from "../heard.ts";
import { type AppRig, account, keysOf, SHORT_TIMING, startApp } from "./setup.ts";

setDefaultTimeout(30_000);

const nowS = () => Math.floor(Date.now() / 1000);
const innerOf = ({ wecom }: AppRig, content = "hi", id = "1") =>
  `<xml><ToUserName><![CDATA[${wecom.corpId}]]></ToUserName><FromUserName><![CDATA[ZhangSan]]></FromUserName><CreateTime>1</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[${content}]]></Content><MsgId>${id}</MsgId><AgentID>${wecom.agentId}</AgentID></xml>`;
const bodyOf = (encrypted: string) => `<xml><Encrypt><![CDATA[${encrypted}]]></Encrypt></xml>`;
const post = async ({ url }: AppRig, query: Record<string, string>, body: BodyInit) => {
  const address = new URL(url);
  address.search = new URLSearchParams(query).toString();
  const response = await fetch(address, { method: "POST", body });
  return { status: response.status, text: await response.text() };
};

describe("saving the address", () => {
  test("is answered with the text that WeCom has encrypted", async () => {
    await using app = startApp();
    const echo = app.wecom.encrypt("1616140317555161061");
    for (const encode of [encodeURIComponent, (text: string) => text]) {
      const signed = new URLSearchParams(app.wecom.signed(echo)).toString();
      const response = await fetch(`${app.url}?${signed}&echostr=${encode(echo)}`);
      expect([response.status, await response.text()]).toEqual([200, "1616140317555161061"]);
    }
  });

  test("is refused without the right signature, time, key or corporation", async () => {
    await using app = startApp();
    const right = app.wecom.encrypt("echo");
    const forged: Record<string, string>[] = [
      {},
      { echostr: right },
      { ...app.wecom.signed(right), echostr: "" },
      { ...app.wecom.signed(right), echostr: right, msg_signature: "0".repeat(40) },
      { ...app.wecom.signed(right), echostr: right, nonce: "another" },
      { ...app.wecom.signed(right, String(nowS() - 301)), echostr: right },
      { ...app.wecom.signed(right, String(nowS() + 310)), echostr: right },
      { ...app.wecom.signed(right, "soon"), echostr: right },
      { ...app.wecom.signed("plain text"), echostr: "plain text" },
    ];
    const other = app.wecom.encrypt("echo", "ww0000000000000000");
    forged.push({ ...app.wecom.signed(other), echostr: other });
    for (const query of forged) {
      const response = await fetch(`${app.url}?${new URLSearchParams(query)}`);
      expect([response.status, await response.text()]).toEqual([401, ""]);
    }
  });
});

describe("a message", () => {
  test("is taken, and answered with nothing once it is on disk", async () => {
    await using app = startApp();
    const kept = Promise.withResolvers<void>();
    app.heard.before = () => kept.promise;
    const answer = app.wecom.write("你好 😀 0012", { id: "7654321098765432109" });
    await app.wecom.until(() => app.heard.offered.length === 1, "it is emitted");
    expect(app.wecom.caller.answers).toEqual([]);
    kept.resolve();
    expect(await answer).toMatchObject({ attempt: 1, status: 200, body: "" });
    expect(app.heard.messages).toEqual([
      {
        type: "message",
        id: "7654321098765432109",
        address: { chat: "ZhangSan" },
        scope: "direct",
        sender: { id: "ZhangSan", name: "ZhangSan" },
        isForBot: true,
        text: "你好 😀 0012",
      },
    ]);
    expect(app.heard.signs).toBe(1);
  });

  test("that cannot be kept comes again, with the same id", async () => {
    await using app = startApp();
    let tries = 0;
    app.heard.before = () => {
      tries += 1;
      if (tries < 3) throw new Error("the disk is full");
    };
    expect(await app.wecom.write("hi")).toMatchObject({ attempt: 3, status: 200 });
    expect(new Set(app.heard.offered.map(({ id }) => id)).size).toBe(1);
    expect(app.heard.messages).toHaveLength(1);
  });

  test("may have spaces in its body and its fields in another order", async () => {
    await using app = startApp();
    const encrypted = app.wecom.encrypt(`\n${innerOf(app, " a  b ").replaceAll("><", ">\n  <")}\n`);
    const body = `<xml>\n  <AgentID>1</AgentID>\n  <Encrypt>${encrypted}</Encrypt>\n\n</xml>\n`;
    expect(await post(app, app.wecom.signed(encrypted), body)).toEqual({ status: 200, text: "" });
    expect(app.heard.messages[0]?.text).toBe("a  b");
  });

  test("is refused when it is forged or broken, always with 401, and nothing of it is emitted", async () => {
    await using app = startApp();
    const right = app.wecom.encrypt(innerOf(app));
    const query = app.wecom.signed(right);
    const otherCorp = app.wecom.encrypt(innerOf(app), "ww0000000000000000");
    const noBase64 = "!".repeat(64);
    const cases: [what: string, query: Record<string, string>, body: BodyInit][] = [
      ["no signature", {}, bodyOf(right)],
      ["a wrong signature", { ...query, msg_signature: "f".repeat(40) }, bodyOf(right)],
      ["the signature of another text", query, bodyOf(app.wecom.encrypt(innerOf(app, "other")))],
      ["another time", { ...query, timestamp: String(nowS() - 1) }, bodyOf(right)],
      ["an old call", app.wecom.signed(right, String(nowS() - 301)), bodyOf(right)],
      ["a call of the future", app.wecom.signed(right, String(nowS() + 310)), bodyOf(right)],
      ["another corporation", app.wecom.signed(otherCorp), bodyOf(otherCorp)],
      ["nobody", app.wecom.signed(app.wecom.encrypt(innerOf(app), "")), bodyOf(right)],
      ["no base64", app.wecom.signed(noBase64), bodyOf(noBase64)],
      ["plain text", app.wecom.signed(innerOf(app)), innerOf(app)],
      ["a signature over an empty text", app.wecom.signed(""), bodyOf("")],
      ["nothing", query, ""],
      ["no XML", query, "{}"],
      ["a DOCTYPE", query, `<!DOCTYPE xml>${bodyOf(right)}`],
      ["no UTF-8", query, new Uint8Array([0xff, 0xfe, 0x00])],
    ];
    for (const [what, given, body] of cases)
      expect([what, await post(app, given, body)]).toEqual([what, { status: 401, text: "" }]);
    expect(app.heard.offered).toEqual([]);
  });

  test("that is old though it is signed is told to the operator; what is not signed fills no log", async () => {
    await using app = startApp();
    const right = app.wecom.encrypt(innerOf(app));
    await post(app, {}, bodyOf(right));
    await post(app, app.wecom.signed(right, "1"), bodyOf(right));
    expect(app.heard.logs.map(({ level }) => level)).toEqual(["debug", "warn"]);
    expect(app.heard.logs[1]?.fields["reason"]).toContain("clock");
  });

  test("that was signed and says nothing is acknowledged", async () => {
    await using app = startApp();
    for (const text of ["no XML", "<xml></xml>", innerOf(app).replace("[text]", "[shortvideo]")]) {
      const encrypted = app.wecom.encrypt(text);
      expect(await post(app, app.wecom.signed(encrypted), bodyOf(encrypted))).toEqual({
        status: 200,
        text: "",
      });
    }
    expect(app.heard.offered).toEqual([]);
  });
});

describe("an account whose callbacks could be forged", () => {
  test.each([
    ["token", undefined],
    ["token", ""],
    ["token", " "],
    ["encoding_aes_key", undefined],
    ["encoding_aes_key", ""],
    ["encoding_aes_key", "short"],
    ["corp_id", ""],
  ] as const)("is not connected: %s is %p", async (key, value) => {
    await using wecom = startFakeWecomApp();
    const settings = account({ ...keysOf(wecom), [key]: value });
    const connect = () => createAppAdapter(settings, SHORT_TIMING);
    expect(connect).toThrow(PlatformError);
    expect(connect).toThrow(`platforms.wecom.${key} is ${value?.trim() ? "wrong" : "missing"}.`);
  });

  test("refuses what is signed with an empty token", async () => {
    await using app = startApp();
    const encrypted = app.wecom.encrypt(innerOf(app));
    const timestamp = String(nowS());
    const query = { timestamp, nonce: "n", msg_signature: signatureOf(["", timestamp, "n", encrypted]) };
    expect((await post(app, query, bodyOf(encrypted))).status).toBe(401);
    const heard = createHeard();
    const request = { method: "POST", headers: {}, query, receivedAtMs: Date.now() } as const;
    const { createAppWebhook } = await import("../../../src/platforms/wecom/app/webhook.ts");
    const open = createAppWebhook(account({ ...keysOf(app.wecom), token: "" }));
    expect((await open({ ...request, body: Buffer.from(bodyOf(encrypted)) }, heard.hooks)).status).toBe(401);
    expect(heard.offered).toEqual([]);
  });
});
