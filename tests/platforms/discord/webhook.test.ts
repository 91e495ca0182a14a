import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { generateKeyPairSync, sign } from "node:crypto";
import { verifyKey } from "discord-interactions";
import type { WebhookRequest } from "../../../src/platforms/contract.ts";
import { type FakeDiscord, startFakeDiscord } from "../../fakes/discord/index.ts";
import { until } from "../../fakes/discord/until.ts";
import {
  adapterOf,
  createHeard,
  failureOf,
  isConnected,
  messagesOf,
  startListening,
  TEST_TIMEOUT_MS,
} from "./setup.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const webhookAdapter = (fake: FakeDiscord) =>
  adapterOf(fake, { mode: "webhook", application_public_key: fake.publicKey });

/** The call as the HTTP server hands it over. */
function request(signed: Pick<WebhookRequest, "headers" | "body">, changes: Partial<WebhookRequest> = {}) {
  return { method: "POST" as const, query: {}, receivedAtMs: Date.now(), ...signed, ...changes };
}

async function answer(fake: FakeDiscord, call: WebhookRequest) {
  const heard = createHeard();
  const { webhook } = webhookAdapter(fake);
  if (!webhook) throw new Error("it has no webhook");
  const { status, body } = await webhook(call, heard.hooks);
  return { status, body: body === undefined ? undefined : JSON.parse(body), heard };
}

test("Discord's question whether anybody is there is answered", async () => {
  await using fake = startFakeDiscord();
  const { status, body, heard } = await answer(fake, request(fake.signed({ type: 1 })));
  expect([status, body]).toEqual([200, { type: 1 }]);
  expect(heard.signs).toBe(1);
  expect(heard.offered).toEqual([]);
});

test("a command is answered once it is stored", async () => {
  await using fake = startFakeDiscord();
  const command = { channel: fake.channel, user: fake.person, command: "status" };
  const { payload, id } = fake.interact(command, "webhook");
  const { status, body, heard } = await answer(fake, request(fake.signed(payload)));
  expect([status, body]).toEqual([200, { type: 4, data: { content: "✓", flags: 64 } }]);
  expect(messagesOf(heard)).toMatchObject([{ id, text: "/status", spaces: [fake.guild] }]);
});

test("a button is answered without a change of its message", async () => {
  await using fake = startFakeDiscord();
  const { id: message } = fake.write({ content: "May I?" });
  const press = { channel: fake.direct, user: fake.person, button: "deny:1", message };
  const { payload } = fake.interact(press, "webhook");
  const { body, heard } = await answer(fake, request(fake.signed(payload)));
  expect(body).toEqual({ type: 6 });
  expect(messagesOf(heard)).toMatchObject([{ button: "deny:1", scope: "direct" }]);
});

test("what could not be stored is told to have failed", async () => {
  await using fake = startFakeDiscord();
  const { payload } = fake.interact({ channel: fake.channel, user: fake.person, command: "new" }, "webhook");
  const heard = createHeard();
  heard.before = () => Promise.reject(new Error("the disk is full"));
  const answered = await webhookAdapter(fake).webhook?.(request(fake.signed(payload)), heard.hooks);
  expect(answered).toEqual({ status: 503 });
});

describe("a call that Discord has not signed gets 401 and reaches nobody", () => {
  const fake = startFakeDiscord();
  afterAll(() => fake[Symbol.asyncDispose]());
  const payload = fake.interact(
    { channel: fake.channel, user: fake.person, command: "new" },
    "webhook",
  ).payload;
  const signed = fake.signed(payload);
  const stranger = generateKeyPairSync("ed25519").privateKey;
  const timestamp = signed.headers["x-signature-timestamp"] ?? "";
  const bytes = Buffer.concat([Buffer.from(timestamp), signed.body]);
  const headers = (changes: Record<string, string | undefined>) =>
    request({ ...signed, headers: { ...signed.headers, ...changes } as Record<string, string> });
  const hex = signed.headers["x-signature-ed25519"] ?? "";
  const vectors: Record<string, WebhookRequest> = {
    "no headers": request({ ...signed, headers: {} }),
    "no signature": request({ ...signed, headers: { "x-signature-timestamp": timestamp } }),
    "no timestamp": request({ ...signed, headers: { "x-signature-ed25519": hex } }),
    "signed by another": headers({ "x-signature-ed25519": sign(null, bytes, stranger).toString("hex") }),
    "a signature of zeros": headers({ "x-signature-ed25519": "0".repeat(128) }),
    "a short signature": headers({ "x-signature-ed25519": hex.slice(2) }),
    "a long signature": headers({ "x-signature-ed25519": `${hex}00` }),
    "no hex": headers({ "x-signature-ed25519": "z".repeat(128) }),
    "an empty signature": headers({ "x-signature-ed25519": "" }),
    "another body": request({ ...signed, body: Buffer.concat([signed.body, Buffer.from(" ")]) }),
    "no body": request({ ...signed, body: new Uint8Array() }),
    "another time": headers({ "x-signature-timestamp": String(Number(timestamp) + 1) }),
    "no time": headers({ "x-signature-timestamp": "soon" }),
    "a negative time": headers({ "x-signature-timestamp": `-${timestamp}` }),
    "a time too large": headers({ "x-signature-timestamp": "9".repeat(400) }),
    "signed long ago": request(fake.signed(payload, Date.now() - 6 * 60_000)),
    "signed in the future": request(fake.signed(payload, Date.now() + 6 * 60_000)),
    "by GET": request(signed, { method: "GET" }),
  };
  for (const [name, call] of Object.entries(vectors))
    test(name, async () => {
      const { status, body, heard } = await answer(fake, call);
      expect([status, body]).toEqual([401, undefined]);
      expect(heard.offered).toEqual([]);
      expect(heard.signs).toBe(0);
    });
});

test("a signed call that is no interaction of use is refused", async () => {
  await using fake = startFakeDiscord();
  for (const payload of [null, 7, "x", [], {}, { type: "1" }, { type: 2 }, { type: 99 }]) {
    const { status, heard } = await answer(fake, request(fake.signed(payload)));
    expect(status).toBe(400);
    expect(heard.offered).toEqual([]);
  }
});

test("discord-interactions agrees about every signature", async () => {
  await using fake = startFakeDiscord();
  const ping = fake.signed({ type: 1, text: "你好 👋" });
  const time = ping.headers["x-signature-timestamp"] ?? "";
  const signature = ping.headers["x-signature-ed25519"] ?? "";
  const flipped = (hex: string, at: number) =>
    hex.slice(0, at) + (hex[at] === "0" ? "1" : "0") + hex.slice(at + 1);
  const bodies = [ping.body, Buffer.concat([ping.body, Buffer.from("\n")]), ping.body.subarray(1)];
  const signatures = [
    signature,
    signature.toUpperCase(),
    ...[0, 63, 64, 127].map((at) => flipped(signature, at)),
  ];
  let accepted = 0;
  for (const body of bodies)
    for (const hex of signatures)
      for (const timestamp of [time, String(Number(time) - 1)]) {
        const theirs = await verifyKey(body, hex, timestamp, fake.publicKey);
        const headers = { "x-signature-ed25519": hex, "x-signature-timestamp": timestamp };
        const { status } = await answer(fake, request({ headers, body }));
        expect(status === 200).toBe(theirs);
        if (theirs) accepted++;
      }
  expect(accepted).toBe(2);
});

test("it tells who it is and keeps checking, without any connection", async () => {
  await using fake = startFakeDiscord();
  await using heard = startListening(webhookAdapter(fake));
  await until("it checks", () => fake.calls("GET /users/@me").length >= 3);
  expect(heard.states[0]).toBe(`connected as hermes (${fake.world.bot.id})`);
  fake.fail("GET /users/@me", { status: 500, times: 2 });
  await until("it notices", () => heard.states.includes("Discord fails: 500."));
  await until("it is over", () => isConnected(heard));
  expect(fake.gateway.sockets).toBe(0);
  fake.fail("GET /users/@me", { status: 401 });
  expect(await heard.ended).toMatchObject({ kind: "unauthorized" });
});

test("without a public key it does not begin", async () => {
  await using fake = startFakeDiscord();
  for (const key of [undefined, "", "abc", "g".repeat(64)]) {
    const open = async () => adapterOf(fake, { mode: "webhook", application_public_key: key as string });
    const error = await failureOf(open());
    expect(error).toMatchObject({ kind: "unauthorized", hint: expect.stringContaining("Public Key") });
  }
});
