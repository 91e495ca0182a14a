import { describe, expect, test } from "bun:test";
import { AppError } from "../../../src/lib/errors.ts";
import type { WebhookAnswer } from "../../../src/platforms/contract.ts";
import { hasSecret, type StandInOptions, standInGateway, WEBHOOK_SECRET } from "../../support/gateway.ts";
import { openTestServer, rawExchange, rawStatus } from "../../support/server.ts";

const secret = { "x-secret": WEBHOOK_SECRET };
const NAMES = [
  ["telegram", ""],
  ["slack", ""],
  ["slack", "work"],
] as const;

/** A server with a webhook for each of the names. */
async function open(options: StandInOptions = {}, webhook: Record<string, unknown> = {}) {
  const gateway = standInGateway({ webhooks: NAMES, admits: hasSecret, ...options });
  const config = { gateway: { webhook: { port: 0, ...webhook } } };
  const server = await openTestServer({ gateway, webhook: true, config });
  const call = (path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${server.webhookPort}/webhook/${path}`, {
      method: "POST",
      headers: secret,
      ...init,
    });
  return { ...server, gateway, call, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** Answers when they are told to. */
function held(answer: WebhookAnswer = { status: 200 }) {
  const go = Promise.withResolvers<void>();
  let waiting = 0;
  return {
    get waiting() {
      return waiting;
    },
    release: () => go.resolve(),
    async answer() {
      waiting += 1;
      await go.promise;
      return answer;
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(2);
}

describe("a call", () => {
  test("reaches its account byte for byte, with its headers and its query", async () => {
    await using server = await open();
    const body = new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0xff, 0x00, 0x0d, 0x0a]);
    const headers = { ...secret, "Content-Type": "text/xml", "X-Signature": "v0=AbC" };
    const answer = await server.call("slack/work?timestamp=17&nonce=a%20b", { body, headers });
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
    const [request] = server.gateway.requests;
    expect(request).toMatchObject({
      method: "POST",
      headers: { "content-type": "text/xml", "x-signature": "v0=AbC" },
      query: { timestamp: "17", nonce: "a b" },
    });
    expect(request?.body).toEqual(body);
    expect(Math.abs(Date.now() - (request?.receivedAtMs ?? 0))).toBeLessThan(60_000);
  });

  test("by GET has no body", async () => {
    await using server = await open();
    expect((await server.call("telegram?echostr=hello", { method: "GET" })).status).toBe(200);
    expect(server.gateway.requests[0]).toMatchObject({ method: "GET", query: { echostr: "hello" } });
    expect(server.gateway.requests[0]?.body.byteLength).toBe(0);
  });

  test("is answered with what the platform says", async () => {
    const answer = { status: 200, contentType: "application/json", body: '{"type":1}' };
    await using server = await open({ answer: () => Promise.resolve(answer) });
    const got = await server.call("telegram");
    expect([got.status, got.headers.get("content-type"), await got.text()]).toEqual([
      200,
      "application/json",
      '{"type":1}',
    ]);
    expect(got.headers.get("x-content-type-options")).toBe("nosniff");
    expect(got.headers.get("x-request-id")).toBeTruthy();
  });

  test("that the platform refuses gets a problem, and of 401 nothing but that", async () => {
    let refusal: WebhookAnswer = {
      status: 401,
      body: "the timestamp is 301 s old",
      contentType: "text/plain",
    };
    await using server = await open({ answer: () => Promise.resolve(refusal) });
    const forged = await server.call("telegram");
    expect([forged.status, forged.headers.get("content-type")]).toEqual([401, "application/problem+json"]);
    const text = await forged.text();
    expect(JSON.parse(text)).toMatchObject({ code: "unauthorized", hint: expect.any(String) });
    expect(text).not.toContain("301");
    for (const [status, code] of [
      [400, "bad_request"],
      [404, "not_found"],
      [405, "method_not_allowed"],
      [429, "rate_limited"],
      [418, "bad_request"],
    ] as const) {
      refusal = { status };
      const answer = await server.call("telegram");
      expect((await answer.json()).code).toBe(code);
    }
  });

  test("that cannot be stored is told to come again", async () => {
    const failure = new AppError("not_ready", "This account is not connected yet.", { retryAfterMs: 2_000 });
    await using server = await open({ answer: () => Promise.reject(failure) });
    const answer = await server.call("telegram");
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "2"]);
  });

  test("whose handling fails is 500, and shows nothing of it", async () => {
    await using server = await open({ answer: () => Promise.reject(new Error("canary of the adapter")) });
    const answer = await server.call("telegram");
    expect([answer.status, (await answer.text()).includes("canary")]).toEqual([500, false]);
    expect(server.log.join("")).toContain("canary");
  });
});

/** The head of a call whose body is announced and never sent. */
const head = (lines: readonly string[]) =>
  `${["POST /webhook/telegram HTTP/1.1", "Host: bot.example.com", ...lines].join("\r\n")}\r\n\r\n`;

describe("before a byte of the body is read", () => {
  test("a call without the secret is answered", async () => {
    await using server = await open();
    for (const length of ["Content-Length: 1000000", "Transfer-Encoding: chunked"]) {
      const answer = await rawExchange(server.webhookPort, head([length]));
      expect([length, rawStatus(answer)]).toEqual([length, 401]);
      expect(answer.toLowerCase()).toContain("connection: close");
    }
    expect(server.gateway.requests).toEqual([]);
  });

  test("a call that announces too much is answered, with the secret and without", async () => {
    await using server = await open();
    for (const headers of [[], [`X-Secret: ${WEBHOOK_SECRET}`]]) {
      const answer = await rawExchange(server.webhookPort, head(["Content-Length: 1048577", ...headers]));
      expect(rawStatus(answer)).toBe(413);
      expect(answer).toContain("gateway.webhook.max_body_bytes");
    }
  });

  test("a compressed body is refused", async () => {
    await using server = await open();
    const lines = ["Content-Length: 100000", "Content-Encoding: gzip", `X-Secret: ${WEBHOOK_SECRET}`];
    expect(rawStatus(await rawExchange(server.webhookPort, head(lines)))).toBe(415);
  });
});

describe("a body", () => {
  test("of exactly the limit is taken, and one byte more is not, however it comes", async () => {
    await using server = await open({}, { max_body_bytes: 2048 });
    const chunked = (bytes: number) =>
      new ReadableStream<Uint8Array>({
        start(controller) {
          for (let left = bytes; left > 0; left -= 512)
            controller.enqueue(new Uint8Array(Math.min(512, left)));
          controller.close();
        },
      });
    expect((await server.call("telegram", { body: new Uint8Array(2048) })).status).toBe(200);
    expect((await server.call("telegram", { body: new Uint8Array(2049) })).status).toBe(413);
    expect((await server.call("telegram", { body: chunked(2048) })).status).toBe(200);
    expect((await server.call("telegram", { body: chunked(2049) })).status).toBe(413);
    expect(server.gateway.requests.map(({ body }) => body.byteLength)).toEqual([2048, 2048]);
  });

  test("that does not come is 408", async () => {
    await using server = await open();
    const lines = ["Content-Length: 100", `X-Secret: ${WEBHOOK_SECRET}`];
    expect(rawStatus(await rawExchange(server.webhookPort, `${head(lines)}{`))).toBe(408);
    expect(server.gateway.requests).toEqual([]);
  }, 20_000);
});

describe("too many calls", () => {
  test("at once: 64 of an account, then 503 until one is answered; other accounts go on", async () => {
    const slow = held();
    await using server = await open({ answer: slow.answer });
    const open64 = Array.from({ length: 64 }, () => server.call("telegram"));
    await until(() => slow.waiting === 64);
    const refused = await server.call("telegram", { body: "more" });
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    expect((await refused.json()).code).toBe("overloaded");
    const other = server.call("slack/work");
    await until(() => slow.waiting === 65);
    const status = await (await server.call("telegram", { method: "GET", headers: {} })).status;
    expect(status).toBe(401); // who is nobody takes no place
    slow.release();
    expect((await Promise.all([...open64, other])).map((answer) => answer.status)).toEqual(
      new Array(65).fill(200),
    );
    expect((await server.call("telegram")).status).toBe(200);
  });

  test("at once: as many as its platform needs, whose calls may wait for their answer", async () => {
    const slow = held();
    await using server = await open({ answer: slow.answer, maxInFlight: 100 });
    const all = Array.from({ length: 100 }, () => server.call("telegram"));
    await until(() => slow.waiting === 100);
    expect((await server.call("telegram")).status).toBe(503);
    slow.release();
    expect((await Promise.all(all)).map(({ status }) => status)).toEqual(new Array(100).fill(200));
  });

  test("in a minute: 429 with Retry-After, and what is not admitted counts for nobody", async () => {
    await using server = await open({}, { rate_limit: { requests_per_minute: 3 } });
    for (let n = 0; n < 10; n++)
      expect((await server.call("telegram", { headers: { "x-secret": "wrong" } })).status).toBe(401);
    for (let n = 0; n < 3; n++) expect((await server.call("telegram")).status).toBe(200);
    const limited = await server.call("telegram");
    expect(limited.status).toBe(429);
    expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await limited.json()).hint).toContain("gateway.webhook.rate_limit");
    expect((await server.call("slack")).status).toBe(200);
  });
});

test("a stop lets calls end that are being answered, and tells the others to come again", async () => {
  const slow = held();
  await using server = await open({ answer: slow.answer });
  const pending = server.call("telegram");
  await until(() => slow.waiting === 1);
  const stopped = server.http.stop({ graceMs: 10_000 });
  slow.release();
  expect((await pending).status).toBe(200);
  await stopped;

  const stuck = held();
  await using second = await open({ answer: stuck.answer });
  const cut = second.call("telegram");
  await until(() => stuck.waiting === 1);
  const [answer] = await Promise.all([cut, second.http.stop({ graceMs: 0 })]);
  expect([answer.status, (await answer.json()).code]).toEqual([503, "shutting_down"]);
  stuck.release();
});
