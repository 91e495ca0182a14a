import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { CALL_ROUTES, HEALTH, webhookRoutes } from "../../../src/http/webhook/routes.ts";
import { PLATFORM_IDS } from "../../../src/platforms/registry.ts";
import { hasSecret, standInGateway, WEBHOOK_SECRET } from "../../support/gateway.ts";
import {
  MCP_TOKENS,
  openTestServer,
  rawExchange,
  rawStatus,
  spellings,
  type TestServer,
  TOKENS,
} from "../../support/server.ts";

const gateway = standInGateway({
  webhooks: PLATFORM_IDS.flatMap((id) => [[id, ""] as const, [id, "work"] as const]),
  admits: hasSecret,
});
let server: TestServer;
beforeAll(async () => {
  server = await openTestServer({ gateway, webhook: true, config: { gateway: { webhook: { port: 0 } } } });
});
afterAll(() => server[Symbol.asyncDispose]());

const right = `X-Secret: ${WEBHOOK_SECRET}`;
const pathOf = (path: string) => `/webhook${path.replace(":account", "work")}`;

/** `Host` names whom a platform would call; nothing else is added. */
function send(method: string, path: string, headers: readonly string[], host = "bot.example.com") {
  const length = method === "POST" ? ["Content-Length: 2"] : [];
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, "Connection: close", ...length, ...headers];
  return rawExchange(server.webhookPort, `${lines.join("\r\n")}\r\n\r\n${method === "POST" ? "{}" : ""}`);
}

/** Headers that are not the secret. */
const WRONG: readonly (readonly string[])[] = [
  [],
  ["X-Secret:"],
  ["X-Secret: wrong"],
  [`X-Secret: ${WEBHOOK_SECRET}x`],
  [`X-Secret: ${WEBHOOK_SECRET.slice(0, -1)}`],
  [`X-Secret: ${WEBHOOK_SECRET.toUpperCase()}`],
  [right, right],
  [right, "X-Secret: wrong"],
  [`X-Secrets: ${WEBHOOK_SECRET}`],
  [`Authorization: Bearer ${WEBHOOK_SECRET}`],
  [`Authorization: Bearer ${TOKENS.owner}`],
  [`Authorization: Bearer ${TOKENS.admin}`],
  [`X-Api-Key: ${MCP_TOKENS.owner}`],
  [`Cookie: x-secret=${WEBHOOK_SECRET}`],
];
/** What stands in an answer to a stranger, beyond the problem itself: nothing. */
const LEAKS = [WEBHOOK_SECRET, ...Object.values(TOKENS), "x-secret", "hermes_bot", "at /", ".ts:", "Error:"];

test("there are routes for the only account and for one of several, of every platform", () => {
  expect(CALL_ROUTES.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
    PLATFORM_IDS.flatMap((id) =>
      ["", "/:account"].flatMap((rest) => [`GET /${id}${rest}`, `POST /${id}${rest}`]),
    ).sort(),
  );
  expect(CALL_ROUTES.every(({ scope }) => scope === "platform")).toBe(true);
  expect(
    webhookRoutes("/in")
      .filter(({ route }) => route.scope === "public")
      .map(({ path }) => path),
  ).toEqual(["/health", "/in/health"]);
});

describe("who gets in", () => {
  for (const { method, path } of CALL_ROUTES) {
    const at = pathOf(path);
    const title = `${method} ${at}`;

    test(`${title}: the right secret, under whatever name`, async () => {
      for (const host of ["localhost", "127.0.0.1", "bot.example.com", "evil.example.com:8443"])
        expect([host, rawStatus(await send(method, at, [right], host))]).toEqual([host, 200]);
    });

    test(`${title}: no secret and every wrong one`, async () => {
      const before = gateway.requests.length;
      for (const headers of WRONG) {
        const answer = await send(method, at, headers);
        expect([headers, rawStatus(answer)]).toEqual([headers, 401]);
        expect(answer).toContain("application/problem+json");
        expect(answer).toContain("This call does not prove that it comes from the platform.");
        for (const leak of LEAKS) expect(answer).not.toContain(leak);
      }
      expect(gateway.requests.length).toBe(before);
    });

    test(`${title}: nobody is locked out, however often somebody else was wrong`, async () => {
      for (let n = 0; n < 20; n++) expect(rawStatus(await send(method, at, ["X-Secret: wrong"]))).toBe(401);
      expect(rawStatus(await send(method, at, [right]))).toBe(200);
    });

    test(`${title}: another spelling of the path`, async () => {
      const before = gateway.requests.length;
      for (const spelling of spellings(at)) {
        // What is no route is served under the names of the listener only.
        const status = rawStatus(await send(method, spelling, [right], "localhost"));
        // What could be the name of a route takes events by POST only; there is none.
        const isName = method === "GET" && /^\/webhook\/[A-Za-z]+$/.test(spelling);
        expect([spelling, status]).toEqual([spelling, status === 400 ? 400 : isName ? 405 : 404]);
      }
      expect(gateway.requests.length).toBe(before);
    });

    test(`${title}: a page may not call, not even one of the same name`, async () => {
      for (const origin of [
        "https://evil.example.com",
        "http://bot.example.com",
        "https://bot.example.com",
        "null",
      ]) {
        const answer = await send(method, at, [right, `Origin: ${origin}`]);
        expect([origin, rawStatus(answer)]).toEqual([origin, 403]);
        expect(answer.toLowerCase()).not.toContain("access-control-allow");
      }
    });

    test(`${title}: no key belongs into the address`, async () => {
      for (const query of ["token=a", "access_token=a", "api%5Fkey=a"])
        expect(rawStatus(await send(method, `${at}?${query}`, [right]))).toBe(400);
      expect(rawStatus(await send(method, `${at}?timestamp=1&nonce=2`, [right]))).toBe(200);
    });
  }

  test("an account that is not there, of a platform that is", async () => {
    for (const id of PLATFORM_IDS)
      for (const name of ["home", "Work", "a".repeat(64), "health"]) {
        const answer = await send("POST", `/webhook/${id}/${name}`, [right]);
        expect([id, name, rawStatus(answer)]).toEqual([id, name, 404]);
        expect(answer).toContain("application/problem+json");
      }
  });

  test("other methods, and preflights of pages", async () => {
    for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const answer = await send(method, "/webhook/telegram", [right], "localhost");
      expect([method, rawStatus(answer)]).toEqual([method, 405]);
      expect(answer.toLowerCase()).toContain("allow: get, head, post");
    }
    const preflight = ["Origin: https://evil.example.com", "Access-Control-Request-Method: POST"];
    expect(rawStatus(await send("OPTIONS", "/webhook/telegram", preflight, "localhost"))).toBe(403);
  });
});

describe("beside the platforms", () => {
  test("anybody may ask for health, and only under a name that is served", async () => {
    for (const path of ["/health", `/webhook${HEALTH.path}`]) {
      const answer = await send("GET", path, [], "localhost");
      expect([path, rawStatus(answer)]).toEqual([path, 200]);
      expect(answer).toContain('{"status":"ok","version":"0.0.0-test"}');
      expect(rawStatus(await send("GET", path, []))).toBe(421);
      expect(rawStatus(await send("GET", path, ["Origin: https://evil.example.com"], "localhost"))).toBe(403);
    }
  });

  test("a name that is configured is served", async () => {
    server.config.change((config) => {
      config.gateway.webhook.allowed_hosts = ["bot.example.com"];
    });
    expect(rawStatus(await send("GET", "/webhook/health", []))).toBe(200);
    server.config.change((config) => {
      config.gateway.webhook.allowed_hosts = [];
    });
  });

  test("events of anybody else are not taken where nobody asked for them, and no other surface is served here", async () => {
    for (const path of [
      "/webhook",
      "/webhook/",
      "/webhook/deploy",
      "/webhook/nobody",
      "/",
      "/api/v1/status",
      "/swagger",
      "/mcp",
    ])
      for (const headers of [[], [right], [`Authorization: Bearer ${TOKENS.owner}`]])
        expect([path, rawStatus(await send("POST", path, headers, "localhost"))]).toEqual([path, 404]);
  });

  test("the REST API knows nothing of the webhooks", async () => {
    expect((await server.call("//webhook/telegram", { method: "POST", body: "{}" })).status).toBe(404);
    expect((await server.call("//webhook/telegram", { method: "POST", body: "{}", as: null })).status).toBe(
      401,
    );
  });
});
