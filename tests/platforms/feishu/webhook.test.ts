import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { AESCipher } from "@larksuiteoapi/node-sdk";
import type { WebhookRequest } from "../../../src/platforms/contract.ts";
import { decrypt } from "../../../src/platforms/feishu/decrypt.ts";
import { isSignedBy } from "../../../src/platforms/feishu/signature.ts";
import { createWebhook } from "../../../src/platforms/feishu/webhook.ts";
import { callbackOf, encrypt, envelope, signed } from "../../fakes/feishu/index.ts";
import { createHeard, failureOf, serveWebhook, startAdapter } from "./setup.ts";

setDefaultTimeout(60_000);

const ENCRYPT_KEY = "encrypt-key-飞书";
const TOKEN = "verification-token";
const NOW_MS = 1795743723_000;

/** Made with Python's `cryptography`: `{"n":"xx..."}` with 0 to 15 x, and so with a padding of every length. */
const VECTORS = [
  "AAECAwQFBgcICQoLDA0OD5eE8KYf3cmYWyyHToMT/Bc=",
  "ERITFBUWFxgZGhscHR4fIMAlEq6/0Qw7CHySSzjslCM=",
  "IiMkJSYnKCkqKywtLi8wMU4Bg1cVT0EsFGWrCuiqo1s=",
  "MzQ1Njc4OTo7PD0+P0BBQqNDVFY9EJSwXYOLUq5j7Rs=",
  "REVGR0hJSktMTU5PUFFSU+D2jr/cVbApd8FneQGaiY0=",
  "VVZXWFlaW1xdXl9gYWJjZKG7AN8as4+RUSrCyT7nDMw=",
  "ZmdoaWprbG1ub3BxcnN0deGJHdiNvcppX8Rb6EUYcUM=",
  "d3h5ent8fX5/gIGCg4SFhj4mbkNi4ModGgiCgoJRHfU=",
  "iImKi4yNjo+QkZKTlJWWl/NYf91VXLIIPkKexj6rbG1VgnMCPZfTOdzZoVXw2jji",
  "mZqbnJ2en6ChoqOkpaanqLoChJBYhc0Nxrx+FLG3gfo4b7yZpPm4PP3Quqhul2RK",
  "qqusra6vsLGys7S1tre4ufKUocbWyrAcCpoAA46hFkwnApQCAdbxxz8W95l5rXAD",
  "u7y9vr/AwcLDxMXGx8jJyu/bcHJD9gVvLe3ujf2kBAj/vizp6aqaR4Vc1B77ZCyX",
  "zM3Oz9DR0tPU1dbX2Nna2/CPu/KVB+EbcsAf1aHSDh+yEX/yf42nCM9tbNmz84IW",
  "3d7f4OHi4+Tl5ufo6err7Fz0CGbhJvZHq9Pv/yGqOxhgEljzo5hU4lw2ZJY9WjYI",
  "7u/w8fLz9PX29/j5+vv8/S1p/AavRZA77jDDjgghucQ26HMQuAreygK0gH8T9Mmq",
  "/wABAgMEBQYHCAkKCwwNDpKr1t0bvKksPEuI+PQUlSI1oTtX0ym3+/OVu8bgequw",
];
/** With spaces and a strange order; signed with Python's `hashlib`. */
const STRANGE_BODY = '{ "encrypt" :  "abc+/=",\n "b":1 }';
const STRANGE_SIGNATURE = "383ac217679ea371320b022fd78d7e654243017606c28d3a8453b0766cd82913";

const textOf = (bytes: Uint8Array | null) => bytes && new TextDecoder().decode(bytes);

describe("encryption", () => {
  test("the vector of Feishu's documentation", () => {
    expect(textOf(decrypt("P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=", "test key"))).toBe("hello world");
  });

  test.each(VECTORS.map((vector, length) => [length, vector] as const))(
    "a padding of every length: %p",
    (length, vector) => {
      const plain = `{"n":"${"x".repeat(length)}"}`;
      expect(textOf(decrypt(vector, ENCRYPT_KEY))).toBe(plain);
      expect(new AESCipher(ENCRYPT_KEY).decrypt(vector)).toBe(plain);
      const ours = encrypt(plain, ENCRYPT_KEY);
      expect(textOf(decrypt(ours, ENCRYPT_KEY))).toBe(plain);
      expect(new AESCipher(ENCRYPT_KEY).decrypt(ours)).toBe(plain);
      expect(textOf(decrypt(vector, `${ENCRYPT_KEY} `))).not.toBe(plain);
    },
  );

  test.each([[""], ["abc"], ["!!!!"], ["AAECAwQFBgcICQoLDA0ODw=="], [(VECTORS[0] ?? "").slice(0, 40)]])(
    "what is no ciphertext is none: %p",
    (text) => {
      expect(decrypt(text, ENCRYPT_KEY)).toBeNull();
    },
  );
});

describe("a signature", () => {
  const request = (
    more: Partial<Record<"signature" | "timestamp" | "nonce" | "body", string>> = {},
    atMs = NOW_MS,
  ) => {
    const {
      signature = STRANGE_SIGNATURE,
      timestamp = "1795743723",
      nonce = "nonce-1",
      body = STRANGE_BODY,
    } = more;
    return {
      headers: {
        "x-lark-signature": signature,
        "x-lark-request-timestamp": timestamp,
        "x-lark-request-nonce": nonce,
      },
      body: new TextEncoder().encode(body),
      receivedAtMs: atMs,
    };
  };
  const HOUR_MS = 3_600_000;

  test("is over the bytes of the body, its spaces and order too", () => {
    expect(isSignedBy(ENCRYPT_KEY, request())).toBe(true);
  });

  test("is good until Feishu has delivered for the last time, and a little ahead", () => {
    for (const atMs of [NOW_MS + 7.2 * HOUR_MS, NOW_MS - 290_000])
      expect(isSignedBy(ENCRYPT_KEY, request({}, atMs))).toBe(true);
    for (const atMs of [NOW_MS + 8.1 * HOUR_MS, NOW_MS - 310_000])
      expect(isSignedBy(ENCRYPT_KEY, request({}, atMs))).toBe(false);
  });

  test.each([
    [{ body: `${STRANGE_BODY} ` }],
    [{ body: JSON.stringify(JSON.parse(STRANGE_BODY)) }],
    [{ nonce: "nonce-2" }],
    [{ nonce: "" }],
    [{ timestamp: "1795743724" }],
    [{ timestamp: "1795743723.0" }],
    [{ timestamp: "NaN" }],
    [{ timestamp: "" }],
    [{ signature: STRANGE_SIGNATURE.toUpperCase() }],
    [{ signature: STRANGE_SIGNATURE.slice(1) }],
    [{ signature: "" }],
  ])("is worth nothing with %j", (more) => {
    expect(isSignedBy(ENCRYPT_KEY, request(more))).toBe(false);
  });

  test("is worth nothing by another key", () => {
    expect(isSignedBy(`${ENCRYPT_KEY}x`, request())).toBe(false);
  });
});

type Keys = Parameters<typeof createWebhook>[0];

/** What becomes of a request with these keys. */
async function call(
  keys: Keys,
  { headers, body }: { headers: Record<string, string>; body: string },
  more: Partial<WebhookRequest> = {},
) {
  const taken: unknown[] = [];
  const webhook = createWebhook(keys, async (event) => void taken.push(event));
  const request = {
    method: "POST",
    headers,
    query: {},
    body: new TextEncoder().encode(body),
    receivedAtMs: Date.now(),
  } as const;
  const heard = createHeard();
  return { ...(await webhook({ ...request, ...more }, heard.hooks)), taken, signs: heard.signs };
}

const event = (token = TOKEN) => envelope("im.message.receive_v1", { id: "cli_1" }, { message: {} }, token);
const challenge = { challenge: "ajls384kdjx98XX", token: TOKEN, type: "url_verification" };
const ENCRYPTED: Keys = { encrypt_key: ENCRYPT_KEY };
const BOTH: Keys = { encrypt_key: ENCRYPT_KEY, verification_token: TOKEN };
const PLAIN: Keys = { verification_token: TOKEN };
const NONE: Keys = {};
const encryptKey = ENCRYPT_KEY;

describe("the challenge", () => {
  const unsigned = {
    headers: {},
    body: JSON.stringify({ encrypt: encrypt(JSON.stringify(challenge), encryptKey) }),
  };

  test.each([
    ["plain, with the token", PLAIN, callbackOf(challenge, {})],
    ["encrypted and signed", ENCRYPTED, callbackOf(challenge, { encryptKey })],
    ["encrypted and signed, with the token", BOTH, callbackOf(challenge, { encryptKey })],
    ["encrypted alone, with the token", BOTH, unsigned],
    ["encrypted alone", ENCRYPTED, unsigned],
  ])("is answered %s", async (_, keys, request) => {
    const { status, body, contentType, taken } = await call(keys, request);
    expect({ status, contentType, taken }).toEqual({
      status: 200,
      contentType: "application/json",
      taken: [],
    });
    expect(JSON.parse(body ?? "")).toEqual({ challenge: "ajls384kdjx98XX" });
  });

  test.each([
    ["without any key", NONE, callbackOf(challenge, {})],
    ["without the token", PLAIN, callbackOf({ ...challenge, token: undefined }, {})],
    ["with another token", PLAIN, callbackOf({ ...challenge, token: "other" }, {})],
    ["encrypted with another token", BOTH, callbackOf({ ...challenge, token: "other" }, { encryptKey })],
    ["encrypted with another key", ENCRYPTED, callbackOf(challenge, { encryptKey: "other" })],
    ["plain where it has to be encrypted", BOTH, callbackOf(challenge, {})],
    [
      "encrypted, with a signature that is wrong",
      ENCRYPTED,
      { ...unsigned, headers: { "x-lark-signature": "0".repeat(64) } },
    ],
  ])("is refused %s", async (_, keys, request) => {
    expect(await call(keys, request)).toEqual({ status: 401, taken: [], signs: 0 });
  });
});

describe("an event", () => {
  const spaced = (keys: object) => JSON.stringify(keys, null, 3);

  test.each([
    ["plain, with the token", PLAIN, callbackOf(event(), {})],
    ["encrypted and signed", ENCRYPTED, callbackOf(event(), { encryptKey })],
    ["encrypted and signed, with the token", BOTH, callbackOf(event(), { encryptKey })],
    ["for this app", { ...PLAIN, app_id: "cli_1" }, callbackOf(event(), {})],
    ["with a token beside a blank key", { ...PLAIN, encrypt_key: " " }, callbackOf(event(), {})],
    [
      "encrypted and signed, with spaces in the body",
      BOTH,
      signed(spaced({ z: 1, encrypt: encrypt(spaced(event()), encryptKey), a: " " }), { encryptKey }),
    ],
    [
      "that was signed hours ago",
      ENCRYPTED,
      callbackOf(event(), { encryptKey, atMs: Date.now() - 6.2 * 3_600_000 }),
    ],
  ])("is taken %s", async (_, keys, request) => {
    const { status, body, taken, signs } = await call(keys, request);
    expect({ status, body, signs }).toEqual({ status: 200, body: "{}", signs: 1 });
    expect(taken).toHaveLength(1);
  });

  const good = callbackOf(event(), { encryptKey });
  test.each([
    ["without any key", NONE, callbackOf(event(), {})],
    ["without any key, though it is signed", NONE, good],
    [
      "with an empty key",
      { encrypt_key: "", verification_token: "" },
      callbackOf(event(""), { encryptKey: "" }),
    ],
    [
      "with a blank key",
      { encrypt_key: " ", verification_token: "  " },
      callbackOf(event("  "), { encryptKey: " " }),
    ],
    ["with a blank token", { verification_token: " " }, callbackOf(event(" "), {})],
    ["for another app", { ...ENCRYPTED, app_id: "cli_2" }, good],
    ["with another token", PLAIN, callbackOf(event("other"), {})],
    ["with an empty token", PLAIN, callbackOf(event(""), {})],
    ["with no token", PLAIN, callbackOf({ ...event(), header: { event_type: "im.message.receive_v1" } }, {})],
    ["with a token that is no text", PLAIN, callbackOf({ ...event(), header: { token: [TOKEN] } }, {})],
    ["plain where it has to be encrypted, though its token is right", BOTH, callbackOf(event(), {})],
    [
      "plain where it has to be encrypted, though it is signed",
      ENCRYPTED,
      signed(JSON.stringify(event()), { encryptKey }),
    ],
    ["encrypted without a signature", ENCRYPTED, { ...good, headers: {} }],
    ["encrypted with another token within", BOTH, callbackOf(event("other"), { encryptKey })],
    [
      "signed with another key",
      ENCRYPTED,
      { ...good, headers: signed(good.body, { encryptKey: "other" }).headers },
    ],
    ["signed for another body", ENCRYPTED, { ...good, body: `${good.body} ` }],
    [
      "encrypted with another key, though it is signed",
      ENCRYPTED,
      signed(callbackOf(event(), { encryptKey: "other" }).body, { encryptKey }),
    ],
    [
      "replayed after a day",
      ENCRYPTED,
      callbackOf(event(), { encryptKey, atMs: Date.now() - 24 * 3_600_000 }),
    ],
    ["from the future", ENCRYPTED, callbackOf(event(), { encryptKey, atMs: Date.now() + 3_600_000 })],
    ["that is no JSON", PLAIN, { headers: {}, body: "{" }],
    ["that is empty", PLAIN, { headers: {}, body: "" }],
    ["that is no object", PLAIN, { headers: {}, body: "[]" }],
    [
      "that encrypts no JSON",
      ENCRYPTED,
      signed(JSON.stringify({ encrypt: encrypt("hello", encryptKey) }), { encryptKey }),
    ],
    ["that encrypts nothing", ENCRYPTED, signed('{"encrypt":7}', { encryptKey })],
  ])("is refused %s", async (_, keys, request) => {
    expect(await call(keys, request)).toEqual({ status: 401, taken: [], signs: 0 });
  });

  test("is posted", async () => {
    expect(await call(PLAIN, callbackOf(event(), {}), { method: "GET" })).toMatchObject({
      status: 405,
      taken: [],
    });
  });
});

test("events and presses by callbacks are taken, answered once they are on disk, and come again after a failure", async () => {
  let tries = 0;
  const take = async () => {
    tries += 1;
    if (tries === 1) throw new Error("the disk is full");
  };
  const settings = { mode: "webhook", encrypt_key: ENCRYPT_KEY, verification_token: TOKEN };
  await using rig = startAdapter({ settings, take, encryptKey, verificationToken: TOKEN, clock: 1000 });
  const { fake, heard, adapter } = rig;
  await using door = serveWebhook(rig.adapter, rig.heard);
  fake.sendTo(door.url);
  const written = fake.write({ text: "hello", chat: "oc_group", mention: true });
  await fake.until(() => fake.pending === 0, "it is answered");
  expect(fake.answers.map(({ status }) => status)).toEqual([503, 200]);
  expect(heard.taken).toMatchObject([{ id: written.id, text: "hello", isForBot: true, scope: "group" }]);

  const buttons = [{ label: "Yes", value: "y:apr_1" }];
  await adapter.send(
    { address: { chat: "oc_group" }, markdown: "May I?", buttons, idempotencyId: "d:0" },
    new AbortController().signal,
  );
  const [card] = fake.sent("oc_group");
  if (!card) throw new Error("nothing was sent");
  fake.press(card, "Yes");
  await fake.until(() => fake.answers.length === 3, "the answer");
  expect(fake.answers[2]).toMatchObject({ status: 200, body: "{}" });
  expect(heard.taken[1]).toMatchObject({ button: "y:apr_1", scope: "group" });
  expect(fake.connections).toBe(0);
});

test("with callbacks, the credentials are watched, and no connection is opened", async () => {
  await using rig = startAdapter({
    settings: { mode: "webhook", verification_token: TOKEN },
    timing: { checkMs: 20 },
  });
  const { fake, heard } = rig;
  await fake.until(() => heard.signs > 2, "signs of life");
  expect(heard.bots).toEqual([{ id: "ou_bot", name: "Hermes" }]);
  fake.fail("GET /bot/v3/info", { page: "bad gateway", status: 502 }, 2);
  await fake.until(() => heard.bots.length === 2, "it is back");
  expect(heard.troubles[0]).toBe("Feishu could not do GET /bot/v3/info: 502.");
  fake.revoke();
  expect((await failureOf(rig.listening)).kind).toBe("unauthorized");
  expect([fake.opened, fake.endpointCalls]).toEqual([0, 0]);
});

test.each([{}, { encrypt_key: " " }])(
  "with callbacks and no key for them, nothing is received at all: %p",
  async (keys) => {
    await using rig = startAdapter({ settings: { mode: "webhook", ...keys } });
    await using door = serveWebhook(rig.adapter, rig.heard);
    const { kind, hint } = await failureOf(rig.listening);
    expect(kind).toBe("unauthorized");
    expect(hint).toContain("加密策略");
    rig.fake.sendTo(door.url);
    rig.fake.write({ text: "hello" });
    await rig.fake.until(() => rig.fake.answers.length === 1, "an answer");
    expect(rig.fake.answers[0]?.status).toBe(401);
    expect(rig.heard.taken).toEqual([]);
  },
);
