import { describe, expect, test } from "bun:test";
import type { WebhookRequest } from "../../../src/platforms/contract.ts";
import { createSlackAdapter } from "../../../src/platforms/slack/client.ts";
import { type FakeSlack, signatureOf, startFakeSlack } from "../../fakes/slack/index.ts";
import { account, createHeard, type Heard, keysOf, startListening } from "./setup.ts";

const SECRET = "8f742231b10e8888abcd99yyyzzz85a5";
const EVENT = JSON.stringify({
  type: "event_callback",
  team_id: "T0TEAM",
  authorizations: [{ user_id: "U0BOT", is_bot: true }],
  event: { type: "message", channel: "D1", channel_type: "im", user: "U1", text: "你好 <@U0BOT>", ts: "1.1" },
});

/** A request that Slack has signed just now. */
function signed(body: string, changes: Record<string, string> = {}): WebhookRequest {
  const receivedAtMs = Date.now();
  const timestamp = String(Math.floor(receivedAtMs / 1000));
  const headers = {
    "content-type": "application/json",
    "x-slack-request-timestamp": timestamp,
    "x-slack-signature": signatureOf(SECRET, timestamp, body),
    ...changes,
  };
  return { method: "POST", headers, query: {}, body: new TextEncoder().encode(body), receivedAtMs };
}

const form = (fields: Record<string, string>) =>
  signed(new URLSearchParams(fields).toString(), { "content-type": "application/x-www-form-urlencoded" });

function hook(changes: object = {}): { heard: Heard; call(request: WebhookRequest): Promise<unknown> } {
  const adapter = createSlackAdapter(account({ bot_token: "xoxb-1", signing_secret: SECRET, ...changes }));
  const heard = createHeard();
  return { heard, call: async (request) => adapter.webhook?.(request, heard.hooks) };
}

describe("a request", () => {
  test("with an event is answered once it is taken", async () => {
    const { heard, call } = hook();
    expect(await call(signed(EVENT))).toEqual({ status: 200 });
    expect(heard.taken[0]).toMatchObject({ id: "D1:1.1", text: "你好" });
    expect(heard.signs).toBe(1);
  });

  test("whose event cannot be taken now is answered with 503", async () => {
    const { heard, call } = hook();
    heard.before = () => {
      throw new Error("the disk is full");
    };
    expect(await call(signed(EVENT))).toEqual({ status: 503 });
    expect(heard.logs[0]?.fields).toEqual({ id: "D1:1.1", reason: "the disk is full" });
  });

  test("to verify the address", async () =>
    expect(
      await hook().call(signed(JSON.stringify({ type: "url_verification", challenge: "3eZb" }))),
    ).toEqual({
      status: 200,
      contentType: "application/json",
      body: '{"challenge":"3eZb"}',
    }));

  test("with a slash command", async () => {
    const { heard, call } = hook();
    const fields = { command: "/new", text: "a&b", channel_id: "C1", user_id: "U1", trigger_id: "t1" };
    expect(await call(form(fields))).toEqual({ status: 200 });
    expect(heard.taken[0]).toMatchObject({ id: "t1", text: "/new a&b" });
  });

  test("with the press of a button", async () => {
    const { heard, call } = hook();
    const payload = {
      type: "block_actions",
      user: { id: "U1" },
      channel: { id: "C1" },
      trigger_id: "t2",
      actions: [{ value: "deny:1" }],
    };
    expect(await call(form({ payload: JSON.stringify(payload) }))).toEqual({ status: 200 });
    expect(heard.taken[0]).toMatchObject({ id: "t2", button: "deny:1" });
  });

  const taken: Record<string, WebhookRequest> = {
    "a check of the certificate": form({ ssl_check: "1", token: "x" }),
    "too many events": signed(JSON.stringify({ type: "app_rate_limited", minute_rate_limited: 1518467820 })),
    "another event": signed(
      JSON.stringify({
        type: "event_callback",
        authorizations: [{ user_id: "U0BOT", is_bot: true }],
        event: {},
      }),
    ),
    "another type": signed(JSON.stringify({ type: "something_new" })),
    "a command without its fields": form({ command: "/new" }),
    "an interaction of another kind": form({ payload: JSON.stringify({ type: "view_closed" }) }),
    "a list": signed("[]"),
  };
  for (const [name, request] of Object.entries(taken))
    test(`${name}: nothing is to be taken`, async () => {
      const { heard, call } = hook();
      expect(await call(request)).toEqual({ status: 200 });
      expect(heard.events).toEqual([]);
    });

  const unreadable = ["", "{", "nul", "\ufeff{}", "[".repeat(100)];
  for (const body of unreadable)
    test(`${JSON.stringify(body.slice(0, 9))} is answered with 400`, async () => {
      expect(await hook().call(signed(body))).toEqual({ status: 400 });
      if (body !== "") expect(await hook().call(form({ payload: body }))).toEqual({ status: 400 });
    });

  test("before the id of the bot is known comes again", async () => {
    const { heard, call } = hook();
    const body = JSON.stringify({ ...JSON.parse(EVENT), authorizations: undefined });
    expect(await call(signed(body))).toEqual({ status: 503 });
    expect(heard.events).toEqual([]);
  });
});

describe("a forged request", () => {
  const good = signed(EVENT);
  const old = (ageS: number) => {
    const timestamp = String(Math.floor(Date.now() / 1000) - ageS);
    return signed(EVENT, {
      "x-slack-request-timestamp": timestamp,
      "x-slack-signature": signatureOf(SECRET, timestamp, EVENT),
    });
  };
  const sign = (value: string) => signed(EVENT, { "x-slack-signature": value });
  const without = (name: string) => {
    const request = signed(EVENT);
    const { [name]: _, ...headers } = request.headers;
    return { ...request, headers };
  };
  const forged: Record<string, WebhookRequest> = {
    "no signature": without("x-slack-signature"),
    "no time": without("x-slack-request-timestamp"),
    "no headers": { ...good, headers: {} },
    "an empty signature": sign(""),
    "a blank signature": sign("   "),
    "a signature of another version": sign(`v1=${"0".repeat(64)}`),
    "a signature of another secret": sign(
      signatureOf("other", good.headers["x-slack-request-timestamp"] ?? "", EVENT),
    ),
    "a signature that is too short": sign((good.headers["x-slack-signature"] ?? "").slice(0, -2)),
    "a signature that is too long": sign(`${good.headers["x-slack-signature"]}00`),
    "a signature in capitals": sign((good.headers["x-slack-signature"] ?? "").toUpperCase()),
    "a signature with no hexadecimal digits": sign(`v0=${"z".repeat(64)}`),
    "another body": { ...good, body: new TextEncoder().encode(`${EVENT} `) },
    "no body": { ...good, body: new Uint8Array() },
    "another time": { ...good, headers: { ...good.headers, "x-slack-request-timestamp": "1" } },
    "a time that is none": { ...good, headers: { ...good.headers, "x-slack-request-timestamp": "now" } },
    "a time in exponents": { ...good, headers: { ...good.headers, "x-slack-request-timestamp": "1e9" } },
    "six minutes old": old(360),
    "six minutes in the future": old(-360),
    "a GET": { ...good, method: "GET", headers: {}, body: new Uint8Array() },
  };
  for (const [name, request] of Object.entries(forged))
    test(name, async () => {
      const { heard, call } = hook();
      expect(await call(request)).toEqual({ status: 401 });
      expect([heard.events, heard.signs]).toEqual([[], 0]);
    });

  for (const secret of [undefined, "", "  "])
    test(`is every one without a secret: ${JSON.stringify(secret)}`, async () => {
      const timestamp = good.headers["x-slack-request-timestamp"] ?? "";
      for (const guess of ["", "  ", "undefined"]) {
        const request = sign(signatureOf(guess, timestamp, EVENT));
        expect(await hook({ signing_secret: secret }).call(request)).toEqual({ status: 401 });
      }
    });

  test("four minutes old is no forgery", async () =>
    expect(await hook().call(old(240))).toEqual({ status: 200 }));

  test("the bytes count, not the text that they might be", async () => {
    const timestamp = String(Math.floor(Date.now() / 1000));
    const bytes = (last: number) =>
      new Uint8Array([...new TextEncoder().encode('{"type":"'), last, ...new TextEncoder().encode('"}')]);
    const headers = {
      "x-slack-request-timestamp": timestamp,
      "x-slack-signature": signatureOf(SECRET, timestamp, bytes(0xfe)),
    };
    const request = (last: number): WebhookRequest => ({ ...signed(""), headers, body: bytes(last) });
    // Both bytes are invalid in UTF-8 and would become the same character.
    expect(await hook().call(request(0xfe))).toEqual({ status: 400 });
    expect(await hook().call(request(0xff))).toEqual({ status: 401 });
  });
});

describe("Slack's own deliveries", () => {
  /** The webhook of a listening adapter as a server. */
  async function serve(slack: FakeSlack) {
    const changes = { app_token: undefined, signing_secret: slack.signingSecret } as object;
    const listening = await startListening(slack, { ...keysOf(slack), ...changes });
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      async fetch(request) {
        const headers = Object.fromEntries(request.headers);
        const body = await request.bytes();
        const answer = await listening.adapter.webhook?.(
          { method: "POST", headers, query: {}, body, receivedAtMs: Date.now() },
          listening.hooks,
        );
        return new Response(answer?.body ?? null, { status: answer?.status ?? 500 });
      },
    });
    slack.sendTo(`http://127.0.0.1:${server.port}/webhook/slack`);
    return {
      listening,
      async [Symbol.asyncDispose]() {
        await server.stop(true);
        await listening[Symbol.asyncDispose]();
      },
    };
  }

  test("arrive: a message, a mention by both its events, a command", async () => {
    const slack = startFakeSlack();
    await using served = await serve(slack);
    const { listening } = served;
    const direct = slack.write({ text: "hello" });
    const mention = slack.write({ channel: "C0GENERAL", text: `<@${slack.botUserId}> hi` });
    slack.command("/stop", "");
    await slack.until(() => slack.answers.length === 4, "all are answered");
    expect(slack.answers.map(({ status, body }) => [status, body])).toEqual(Array(4).fill([200, ""]));
    const ids = listening.taken.map(({ id }) => id);
    expect(ids).toContain(`D0USER:${direct}`);
    expect(ids.filter((id) => id === `C0GENERAL:${mention}`)).toHaveLength(2);
    expect(listening.taken.some(({ text }) => text === "/stop")).toBe(true);
    expect(slack.connections).toBe(0);
  });

  test("come again until they are taken, and are the same each time", async () => {
    const slack = startFakeSlack({ clock: 10_000 });
    await using served = await serve(slack);
    const { listening } = served;
    listening.before = () => {
      if (listening.offered.length < 3) throw new Error("the disk is full");
    };
    slack.write({ text: "hello" });
    await slack.until(() => slack.pending === 0, "it is taken");
    expect(slack.answers.map(({ status, delivery }) => [status, delivery.retry])).toEqual([
      [503, 0],
      [503, 1],
      [200, 2],
    ]);
    expect(new Set(listening.offered.map(({ id }) => id)).size).toBe(1);
  });
});
