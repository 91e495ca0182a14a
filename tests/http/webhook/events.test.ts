import { describe, expect, test } from "bun:test";
import { schemeOf } from "../../../src/webhooks/schemes.ts";
import { HOOK_SECRET, type HookServer, openHookServer, signature } from "../../support/hooks.ts";
import { rawExchange, rawStatus } from "../../support/server.ts";

const ended = (
  server: { agent: { finished(id: string, signal: AbortSignal): Promise<unknown> } },
  id: unknown,
) => server.agent.finished(String(id), AbortSignal.timeout(20_000));

describe("an event", () => {
  test("is on disk when it is answered, with the event, the run and how it stands", async () => {
    await using server = await openHookServer();
    const answer = await server.event("", { test: true });
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.headers.get("x-request-id")).toBeTruthy();
    const told = await server.told(answer);
    expect(told).toEqual({
      httpStatus: 202,
      event_id: expect.stringMatching(/^evt_[\w-]{32}$/),
      run_id: expect.stringMatching(/^run_/),
      status: expect.stringMatching(/^(received|running)$/),
    });
    expect(await server.store.runs.get(String(told.run_id))).toMatchObject({
      sessionKey: "webhook:hook/webhook",
    });
  });

  test("that comes again is answered with how the first one stands, and is done once", async () => {
    await using server = await openHookServer({ deploy: {} });
    const first = await server.told(await server.event("deploy", { n: 1 }, { id: "msg_1" }));
    await ended(server, first.run_id);
    const again = await server.told(
      await server.event("deploy", { n: 1 }, { id: "msg_1", nowMs: Date.now() - 9_000 }),
    );
    expect(again).toEqual({ ...first, httpStatus: 200, status: "done", duplicate: true });
    expect((await server.store.counts()).runs.completed).toBe(1);
  });

  test("of one id is one run on each route, however many come at once", async () => {
    await using server = await openHookServer({ deploy: {}, build: {} });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        server.event(n % 2 === 0 ? "deploy" : "build", { n: 1 }, { id: "msg_1" }),
      ),
    );
    const told = await Promise.all(answers.map(server.told));
    expect(told.filter(({ httpStatus }) => httpStatus === 202)).toHaveLength(2);
    expect(told.filter(({ duplicate }) => duplicate)).toHaveLength(18);
    expect(new Set(told.map((one) => one.run_id)).size).toBe(2);
    expect(new Set(told.map((one) => one.event_id)).size).toBe(2);
  });

  test("without an id of its own is named by its body, which no other scheme makes a new one", async () => {
    await using server = await openHookServer();
    const body = { amount: 100 };
    const first = await server.told(await server.event("", body, { id: "msg_1" }));
    // Whoever saw it takes the headers of the one scheme away, and is left with a valid signature of another.
    const stripped = await server.told(await server.event("", body));
    expect(stripped).toMatchObject({ httpStatus: 200, run_id: first.run_id, duplicate: true });
    const alone = await server.told(await server.event("", { amount: 200 }));
    expect(alone.httpStatus).toBe(202);
    expect(await server.told(await server.event("", { amount: 200 }))).toMatchObject({ duplicate: true });
  });

  test("that failed may be sent again: it is a new run, once", async () => {
    await using server = await openHookServer({ deploy: {} }, { model: "401" });
    const first = await server.told(await server.event("deploy", { n: 1 }, { id: "msg_1" }));
    await ended(server, first.run_id);
    const again = await Promise.all([1, 2, 3].map(() => server.event("deploy", { n: 1 }, { id: "msg_1" })));
    const told = await Promise.all(again.map(server.told));
    expect(told.map(({ httpStatus }) => httpStatus).toSorted()).toEqual([200, 200, 202]);
    expect(new Set(told.map((one) => one.run_id)).size).toBe(1);
    expect(told[0]?.run_id).not.toBe(first.run_id);
    expect(told[0]?.event_id).toBe(String(first.event_id));
  });

  test("whose session was deleted since is still known", async () => {
    await using server = await openHookServer({ deploy: {} });
    const first = await server.told(await server.event("deploy", { n: 1 }, { id: "msg_1" }));
    await ended(server, first.run_id);
    await server.store.sessions.delete("webhook:hook.deploy/deploy");
    const again = await server.told(await server.event("deploy", { n: 1 }, { id: "msg_1" }));
    expect(again).toMatchObject({ httpStatus: 200, run_id: null, status: "done", duplicate: true });
  });

  test("that is left out by the filter of its route is not stored", async () => {
    await using server = await openHookServer({
      issues: { filter: "@.payload.action == 'opened' && @.headers['x-event'] == 'issues'" },
    });
    const headers = { "x-event": "issues" };
    const other = await server.told(await server.event("issues", { action: "closed" }, { headers }));
    expect(other).toMatchObject({ httpStatus: 200, run_id: null, status: "ignored" });
    expect((await server.store.counts()).sessions).toBe(0);
    const taken = await server.told(await server.event("issues", { action: "opened" }, { headers }));
    expect(taken.httpStatus).toBe(202);
  });
});

describe("a route that answers", () => {
  test("gives what the agent says, and the same when the event comes again", async () => {
    await using server = await openHookServer({ ask: { sync: true, prompt: "Say {{payload.word}}." } });
    const first = await server.told(await server.event("ask", { word: "hello" }, { id: "m1" }));
    expect(first).toMatchObject({ httpStatus: 200, status: "done" });
    expect(first.response).toContain('[value 1] payload.word: "hello"');
    const again = await server.told(await server.event("ask", { word: "hello" }, { id: "m1" }));
    expect(again).toEqual({ ...first, duplicate: true });
  });

  test("tells an error as one, so that it may be sent again", async () => {
    await using server = await openHookServer({ ask: { sync: true } }, { model: "401" });
    const told = await server.told(await server.event("ask", { n: 1 }));
    expect(told.httpStatus).toBeGreaterThanOrEqual(500);
    expect(told).toMatchObject({
      code: expect.stringMatching(/^model_/),
      run_id: expect.stringMatching(/^run_/),
    });
  });

  test("says 202 when the answer takes longer than its caller waits", async () => {
    await using server = await openHookServer(
      { ask: { sync: true, sync_timeout_ms: 1_000 } },
      { model: "stall" },
    );
    const told = await server.told(await server.event("ask", { say: "hi" }));
    expect(told).toMatchObject({ httpStatus: 202, status: "received" });
  });
});

/** A call whose body does not come. */
const holdBody = (port: number) =>
  rawExchange(
    port,
    "POST /webhook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Hermes-Signature: sha256=00\r\nContent-Length: 1000000\r\n\r\n",
  );

/** Requests with several things wrong at once: the answer is about the first of them in the order of the checks. */
describe("the order of the checks", () => {
  const signed = Object.entries(signature("{}", HOOK_SECRET)).map(([name, value]) => `${name}: ${value}`);
  const head = (lines: readonly string[], path = "/webhook", method = "POST") =>
    `${[`${method} ${path} HTTP/1.1`, "Host: localhost", "Connection: close", ...lines].join("\r\n")}\r\n\r\n`;
  const json = "Content-Type: application/json";
  const large = "Content-Length: 1048577";

  test("method, address, rate, size, content type, signature, and no byte of the body before them", async () => {
    await using server = await openHookServer();
    const send = async (request: string) => rawStatus(await rawExchange(server.webhookPort, request));
    expect(await send(head([large, "Content-Type: text/html"], "/webhook", "PUT"))).toBe(405);
    expect(await send(head([large, "Content-Type: text/html"], "/webhook/nobody"))).toBe(404);
    expect(await send(head([large, "Content-Type: text/html"]))).toBe(413);
    expect(await send(head([large, "Content-Type: text/html"]))).toBe(413);
    expect(await send(head(["Content-Length: 9", "Content-Type: text/html"]))).toBe(415);
    expect(await send(head(["Content-Length: 9", "Content-Encoding: gzip", json]))).toBe(415);
    expect(await send(head(["Content-Length: 9"]))).toBe(415);
    // None of these bodies is ever sent.
    expect(await send(head(["Content-Length: 9", json]))).toBe(401);
    expect(await send(head(["Transfer-Encoding: chunked", json]))).toBe(401);
    expect(await send(`${head(["Content-Length: 2", json, ...signed])}{}`)).toBe(202);
  });

  test("the rate of an address is asked before anything of the request is looked at", async () => {
    await using server = await openHookServer();
    server.config.change((config) => {
      config.gateway.webhook.rate_limit.requests_per_minute = 3;
    });
    const send = async (lines: string[]) => rawExchange(server.webhookPort, head(lines));
    for (const status of [413, 415, 401, 429]) {
      const lines =
        status === 413 ? [large, json] : status === 415 ? ["Content-Length: 1"] : ["Content-Length: 1", json];
      const answer = await send(lines);
      expect([status, rawStatus(answer)]).toEqual([status, status]);
      if (status === 429) expect(answer.toLowerCase()).toContain("retry-after:");
    }
  });

  test("a secret that stands in a header is checked before the body is read", async () => {
    await using server = await openHookServer({ lab: { scheme: "gitlab" } });
    const post = (token: string) =>
      rawExchange(
        server.webhookPort,
        head(["Content-Length: 1000", json, `X-Gitlab-Token: ${token}`], "/webhook/lab"),
      );
    expect(rawStatus(await post("wrong"))).toBe(401);
    const right = server.event("lab", { n: 1 }, { secret: null, headers: { "x-gitlab-token": HOOK_SECRET } });
    expect((await right).status).toBe(202);
  });

  test("the signature is over the bytes as they came, and comes before what they say", async () => {
    await using server = await openHookServer();
    const spaced = '{ "n" : 1 }';
    const headers = signature('{"n":1}', HOOK_SECRET);
    expect((await server.event("", spaced, { secret: null, headers })).status).toBe(401);
    expect((await server.event("", spaced)).status).toBe(202);
    for (const broken of ["{", "\ufeff{}", "[".repeat(65) + "]".repeat(65), "x"]) {
      expect((await server.event("", broken, { secret: "wrong-secret-0123456789" })).status).toBe(401);
      const told = await server.told(await server.event("", broken));
      expect([broken, told.httpStatus, told.code]).toEqual([broken, 400, "malformed_json"]);
    }
    expect((await server.store.counts()).runs.queued).toBeLessThanOrEqual(1);
  });

  test("one that cannot be stored is told to come again, and is no duplicate then", async () => {
    await using server = await openHookServer({}, { config: { agent: { max_queued_turns: 1 } } });
    server.config.change((config) => {
      config.agent.max_queued_turns = 0 as never;
    });
    const refused = await server.event("", { n: 1 }, { id: "m1" });
    expect([refused.status, (await refused.json()).code]).toEqual([503, "overloaded"]);
    expect(refused.headers.get("retry-after")).toBeTruthy();
    server.config.change((config) => {
      config.agent.max_queued_turns = 100;
    });
    expect((await server.event("", { n: 1 }, { id: "m1" })).status).toBe(202);
  });
});

test("strangers who hold bodies open keep no event out: the oldest gives way", async () => {
  await using server = await openHookServer();
  const held = Array.from({ length: 40 }, () => holdBody(server.webhookPort));
  const first = await Promise.race(held);
  expect(rawStatus(first)).toBe(503);
  for (let n = 0; n < 5; n++) expect((await server.event("", { n })).status).toBe(202);
  await server[Symbol.asyncDispose]();
  await Promise.allSettled(held);
}, 30_000);

describe("the log", () => {
  const errorsOf = (server: HookServer) => server.log.filter((line) => /^\S+ (error|warn) /.test(line));

  test("tells of events that cannot be taken once, with the route, the reason and what to do", async () => {
    await using server = await openHookServer({
      a: { tools: ["no_such_tool"] },
      b: { model: "nobody/nothing" },
    });
    for (let n = 0; n < 9; n++)
      for (const route of ["a", "b"]) expect((await server.event(route, { n })).status).toBe(503);
    const lines = errorsOf(server);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain("webhook:hook.a: There is no tool or tool group no_such_tool");
    expect(lines[1]).toContain("webhook:hook.b: ");
    expect(lines[0]).toContain('"hint":');
  });

  test("has nothing of unsigned events, and one line of strangers who hold bodies open", async () => {
    await using server = await openHookServer();
    for (let n = 0; n < 9; n++) {
      expect((await server.event("", { n }, { secret: null })).status).toBe(401);
      expect((await server.event("", { n }, { secret: "wrong-secret-0123456789" })).status).toBe(401);
    }
    expect(errorsOf(server)).toEqual([]);
    const held = Array.from({ length: 60 }, () => holdBody(server.webhookPort));
    const refused = await Promise.all(held.slice(0, 20));
    expect(refused.map(rawStatus)).toEqual(refused.map(() => 503));
    expect(errorsOf(server)).toHaveLength(1);
    await server[Symbol.asyncDispose]();
    await Promise.allSettled(held);
  }, 30_000);
});

describe("kinds of bodies", () => {
  test("JSON of every kind, forms and plain text are taken, in UTF-8 only", async () => {
    await using server = await openHookServer();
    for (const [type, body] of [
      ["application/json", "{}"],
      ["application/json; charset=UTF-8", "[1]"],
      ["application/cloudevents+json", '{"a":1}'],
      ["application/x-www-form-urlencoded", "a=1&b=2&a=3"],
      ["text/plain", "hello"],
    ] as const)
      expect([type, (await server.event("", body, { headers: { "content-type": type } })).status]).toEqual([
        type,
        202,
      ]);
    for (const type of [
      "application/xml",
      "application/json; charset=latin1",
      "multipart/form-data; boundary=x",
      "",
    ])
      expect([type, (await server.event("", "{}", { headers: { "content-type": type } })).status]).toEqual([
        type,
        415,
      ]);
  });
});

test("Slack gets the challenge of an address back, signed only, and no turn comes of it", async () => {
  await using server = await openHookServer({ a: { scheme: "slack", filter: "@.payload.never" }, b: {} });
  const body = JSON.stringify({ type: "url_verification", token: "x", challenge: "3eZbrw1a" });
  const headers = schemeOf("slack").sign(Buffer.from(body), HOOK_SECRET, { id: "", nowMs: Date.now() });
  for (const route of ["a", "b", ""]) {
    const answer = await server.event(route, body, { secret: null, headers });
    expect([answer.status, await answer.json()]).toEqual([200, { challenge: "3eZbrw1a" }]);
    const forged = { ...headers, "x-slack-signature": `v0=${"0".repeat(64)}` };
    expect((await server.event(route, body, { secret: null, headers: forged })).status).toBe(401);
  }
  expect((await server.store.counts()).sessions).toBe(0);
  // Of any other scheme it is an event like others.
  expect((await server.event("b", body)).status).toBe(202);
});

describe("without a signature", () => {
  const unsigned = { secret: null } as const;

  test("the published local test is told how to sign", async () => {
    await using server = await openHookServer();
    const told = await server.told(await server.event("", { test: true }, unsigned));
    expect(told).toMatchObject({
      httpStatus: 401,
      code: "unauthorized",
      hint: expect.stringMatching(/X-Hermes-Signature: sha256=.+`hermes webhook test`/),
    });
  });

  test("it is taken where that is allowed, from this machine only, and never with a wrong signature", async () => {
    await using server = await openHookServer({}, { settings: { allow_unsigned: true } });
    expect((await server.event("", { n: 1 }, unsigned)).status).toBe(202);
    for (const headers of [
      { host: "bot.example.com" },
      { "x-forwarded-for": "203.0.113.7" },
      { forwarded: "for=203.0.113.7" },
      { via: "1.1 proxy" },
      { "x-hermes-signature": "sha256=00" },
      { "x-hermes-signature": "" },
      { "webhook-signature": "v1,x" },
      { "x-gitlab-token": "x" },
      { origin: "http://localhost" },
    ]) {
      const { status } = await server.event(
        "",
        { n: 2 },
        { ...unsigned, headers: headers as Record<string, string> },
      );
      expect([headers, status]).toEqual([headers, "origin" in headers ? 403 : 401]);
    }
    expect((await server.event("", { n: 2 })).status).toBe(202);
  });
});

test("the secret before the present one is valid too, and an old one no longer", async () => {
  const old = "an-old-secret-of-events-0123456789abcdef";
  await using server = await openHookServer({}, { settings: { previous_secret: old } });
  expect((await server.event("", { n: 1 }, { secret: old })).status).toBe(202);
  expect((await server.event("", { n: 2 })).status).toBe(202);
  server.config.change((config) => {
    delete config.gateway.webhook.previous_secret;
  });
  expect((await server.event("", { n: 3 }, { secret: old })).status).toBe(401);
  expect((await server.event("", { n: 3 })).status).toBe(202);
});

test("routes come and go with the configuration", async () => {
  await using server = await openHookServer();
  expect((await server.event("late", { n: 1 })).status).toBe(404);
  server.config.change((config) => {
    config.gateway.webhook.routes = {
      late: { deliver: "none", deliver_only: false, sync: false, sync_timeout_ms: 1_000 },
    };
  });
  expect((await server.event("late", { n: 1 })).status).toBe(202);
  server.config.change((config) => {
    config.gateway.webhook.routes = {};
  });
  expect((await server.event("late", { n: 1 })).status).toBe(404);
});
