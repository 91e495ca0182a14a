import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { PlatformError } from "../../../src/platforms/contract.ts";
import { createAdapter } from "../../../src/platforms/wechat/adapter.ts";
import { readBody } from "../../../src/platforms/wechat/fields.ts";
import { createReplays } from "../../../src/platforms/wechat/replays.ts";
import { signatureOf } from "../../../src/platforms/weixin-cipher.ts";
import type { Call } from "../../fakes/wechat/envelopes.ts";
import { startFakeWechat } from "../../fakes/wechat/index.ts";
import { never, outbound } from "../heard.ts";
import { account, IN_TIME, keysOf, type Rig, start, TOO_LATE } from "./setup.ts";

setDefaultTimeout(30_000);

const MODES = ["plain", "compatible", "secure"] as const;
const FORMATS = ["xml", "json"] as const;
const ALL = MODES.flatMap((mode) => FORMATS.map((format) => ({ mode, format })));
const USER = "openid-1";
const textFields = (text = "hi", id = 1n) => ({
  ToUserName: "gh_0123456789ab",
  FromUserName: USER,
  CreateTime: 1,
  MsgType: "text",
  Content: text,
  MsgId: id,
});
const post = async ({ url }: Rig, { query, contentType, body }: Omit<Call, "body"> & { body: BodyInit }) => {
  const address = new URL(url);
  address.search = new URLSearchParams(query).toString();
  const response = await fetch(address, { method: "POST", headers: { "content-type": contentType }, body });
  return { status: response.status, text: await response.text() };
};

describe("saving the address", () => {
  test.each(MODES)("is answered in %s mode with what WeChat sent", async (mode) => {
    await using rig = start(TOO_LATE, { mode });
    const query = { ...rig.wechat.envelopes.signed(), echostr: "5927+3851/=" };
    const response = await fetch(`${rig.url}?${new URLSearchParams(query)}`);
    expect([response.status, await response.text()]).toEqual([200, "5927+3851/="]);
  });

  test("is refused without the right signature or time", async () => {
    await using rig = start(TOO_LATE);
    const { envelopes } = rig.wechat;
    for (const query of [
      {},
      { ...envelopes.signed(), signature: "0".repeat(40) },
      { ...envelopes.signed(), nonce: "another" },
      envelopes.signed("1"),
      envelopes.signed("soon"),
    ]) {
      const response = await fetch(`${rig.url}?${new URLSearchParams({ ...query, echostr: "<b>x</b>" })}`);
      expect([response.status, await response.text()]).toEqual([401, ""]);
    }
  });
});

describe.each(ALL)("a message in $mode mode, as $format", ({ mode, format }) => {
  test("is taken with its id, and answered in the same way", async () => {
    await using rig = start(IN_TIME, { mode, format });
    const text = "你好 ]]> <b>&amp; 0012 😀";
    const answer = rig.wechat.write(text, { id: "23456789012345678901" });
    await rig.wechat.until(() => rig.heard.messages.length === 1, "it is taken");
    expect(rig.heard.messages[0]).toMatchObject({
      id: "23456789012345678901",
      text,
      address: { chat: USER },
    });
    await rig.adapter.send(outbound(USER, "answer ]]> < & 😀"), never);
    expect(await answer).toMatchObject({ attempt: 1, status: 200 });
    expect(rig.wechat.messages()).toEqual([
      { user: USER, by: "reply", type: "text", text: "answer ]]> < & 😀" },
    ]);
    expect(rig.wechat.notices).toEqual([]);
  });

  test("is refused when it is forged or broken, always with 401, and nothing of it is emitted", async () => {
    await using rig = start(TOO_LATE, { mode, format });
    const { envelopes } = rig.wechat;
    const right = () => envelopes.call(textFields());
    const name = mode === "plain" ? "signature" : "msg_signature";
    const changed = (query: Record<string, string>) => ({
      ...right(),
      query: { ...right().query, ...query },
    });
    const cases: [what: string, call: Omit<Call, "body"> & { body: BodyInit }][] = [
      ["no signature", { ...right(), query: {} }],
      ["a wrong signature", changed({ [name]: "0".repeat(40) })],
      ["another time", changed({ timestamp: "1" })],
      [
        "an old call",
        envelopes.call(textFields(), { timestamp: String(Math.floor(Date.now() / 1000) - 301) }),
      ],
      ["a call of the future", envelopes.call(textFields(), { timestamp: "99999999999" })],
      ["nothing", { ...right(), body: "" }],
      ["no XML and no JSON", { ...right(), body: "hello" }],
      ["broken JSON", { ...right(), body: "{" }],
      ["no UTF-8", { ...right(), body: new Uint8Array([0x7b, 0xff]) }],
      ["a DOCTYPE", { ...right(), body: `<!DOCTYPE xml><xml></xml>` }],
      ["very much", { ...right(), body: right().body + " ".repeat(64 * 1024) }],
    ];
    if (mode !== "plain") {
      const { body } = createFakeBody("plain", format);
      cases.push(["plain text", { ...right(), body }]);
      cases.push(["the body of another call", { ...right(), query: right().query }]);
      cases.push(["another account", envelopes.call(textFields(), { receiverId: "wx0000000000000000" })]);
      cases.push(["nobody", envelopes.call(textFields(), { receiverId: "" })]);
    }
    for (const [what, call] of cases)
      expect([what, await post(rig, call)]).toEqual([what, { status: 401, text: "" }]);
    expect(rig.heard.offered).toEqual([]);
  });
});

test("what is too long to be a message is not read, in whatever form", () => {
  const message = (length: number) => [
    `<xml><Content>${"x".repeat(length)}</Content></xml>`,
    JSON.stringify({ Content: "x".repeat(length) }),
  ];
  for (const text of message(60 * 1024))
    expect(readBody(text)?.fields.get("Content")).toHaveLength(60 * 1024);
  for (const text of message(64 * 1024))
    for (const body of [text, new TextEncoder().encode(text)]) expect(readBody(body)).toBeNull();
});

/** A body as another account would get it. */
function createFakeBody(mode: "plain", format: "xml" | "json") {
  const fake = startFakeWechat({ mode, format });
  const call = fake.envelopes.call(textFields());
  void fake[Symbol.asyncDispose]();
  return call;
}

describe("a signature", () => {
  test("in plain mode goes with one body: whoever has seen a call cannot send another text with it", async () => {
    await using rig = start(TOO_LATE);
    const call = rig.wechat.envelopes.call(textFields("mine"));
    expect(await post(rig, call)).toEqual({ status: 200, text: "success" });
    const forged = { ...call, body: call.body.replace("mine", "theirs") };
    expect((await post(rig, forged)).status).toBe(401);
    expect((await post(rig, call)).status).toBe(200);
    expect(rig.heard.messages.map(({ text }) => text)).toEqual(["mine"]);
  });

  test("is remembered for longer than it is fresh, and forgotten then", () => {
    let nowMs = 0;
    const replays = createReplays(() => nowMs);
    const bodies = [Buffer.from("a"), Buffer.from("b")] as const;
    expect(replays.admits("s", bodies[0])).toBe(true);
    nowMs = 600_000;
    expect([replays.admits("s", bodies[0]), replays.admits("s", bodies[1])]).toEqual([true, false]);
    nowMs = 660_001;
    expect(replays.admits("s", bodies[1])).toBe(true);
  });
});

describe("an account whose calls could be forged", () => {
  test.each([
    ["token", undefined],
    ["token", ""],
    ["token", " "],
    ["encoding_aes_key", ""],
    ["encoding_aes_key", "short"],
    ["app_id", ""],
    ["app_secret", undefined],
  ] as const)("is not connected: %s is %p", async (key, value) => {
    await using wechat = startFakeWechat();
    const settings = { ...account(keysOf(wechat)), [key]: value };
    const connect = () => createAdapter(settings as ReturnType<typeof account>, IN_TIME);
    expect(connect).toThrow(PlatformError);
    expect(connect).toThrow(`platforms.wechat.${key} is ${value?.trim() ? "wrong" : "missing"}.`);
  });

  test("refuses what is signed with an empty token", async () => {
    await using rig = start(TOO_LATE);
    const timestamp = String(Math.floor(Date.now() / 1000));
    const query = { timestamp, nonce: "n", signature: signatureOf(["", timestamp, "n"]) };
    expect((await post(rig, { ...rig.wechat.envelopes.call(textFields()), query })).status).toBe(401);
    expect((await fetch(`${rig.url}?${new URLSearchParams({ ...query, echostr: "x" })}`)).status).toBe(401);
  });

  test("in secure mode without its key takes nothing, and says why", async () => {
    await using rig = start(TOO_LATE, { mode: "secure" });
    const { adapter, heard } = rig;
    await using plain = start(TOO_LATE);
    const call = rig.wechat.envelopes.call(textFields());
    expect((await post(plain, call)).status).toBe(401);
    expect(plain.heard.logs).toContainEqual(
      expect.objectContaining({
        level: "warn",
        fields: { reason: "It is encrypted: set encoding_aes_key." },
      }),
    );
    expect([adapter.send, heard.offered]).toEqual([expect.any(Function), []]);
  });
});
