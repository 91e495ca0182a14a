import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type HookServer, openHookServer } from "../support/hooks.ts";
import {
  curl,
  fetchThrough,
  INSTALLED,
  NAME,
  type ReverseProxy,
  rawThrough,
  startProxy,
} from "../support/reverse-proxy.ts";
import { MCP_TOKENS, rawStatus, spellings, TOKENS } from "../support/server.ts";

setDefaultTimeout(60_000);

const KEY = `Authorization: Bearer ${TOKENS.owner}`;
const request = (target: string, lines: readonly string[] = [], method = "GET") =>
  `${[`${method} ${target} HTTP/1.1`, `Host: ${NAME}`, "Connection: close", ...lines].join("\r\n")}\r\n\r\n`;

/** Other ways to ask for a path, also from within one that is open. */
const waysTo = (path: string) => [
  ...spellings(path),
  ...["/api/v1/", "/health/", "/webhook/", "/webhook/x/"].flatMap((open) => [
    `${open}..${path}`,
    `${open}../..${path}`,
    `${open}%2e%2e${path}`,
    `${open}%2e%2e/%2e%2e${path}`,
    `${open}..%2f..${path.replace("/", "%2f")}`,
    `${open}..;${path}`,
    `${open}..\\..${path}`,
    `${open}.%00.${path}`,
    `${open}#/..${path}`,
    `${open}?/..${path}`,
  ]),
  `https://${NAME}/api/v1/..${path}`,
  `http://127.0.0.1${path}/`,
];

/** Whether anything was given. Caddy has an empty 200 for names that it does not serve. */
const isGiven = (answer: string) => rawStatus(answer) < 300 && !answer.endsWith("\r\n\r\n");

for (const site of INSTALLED)
  describe(site, () => {
    let server: HookServer;
    let proxy: ReverseProxy;
    beforeAll(async () => {
      server = await openHookServer(
        {},
        { mcp: { public_url: `https://${NAME}/mcp` }, api: { allowed_hosts: [NAME] } },
      );
      const { port: api, mcpPort: mcp, webhookPort: webhook } = server;
      proxy = await startProxy(site, { api, mcp, webhook });
    });
    afterAll(async () => {
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    });

    test("no spelling of a path gets past the key", async () => {
      const path = "/api/v1/status";
      expect(rawStatus(await rawThrough(proxy, request(path, [KEY])))).toBe(200);
      const targets = [
        path,
        `https://${NAME}${path}`,
        `http://127.0.0.1:${server.port}${path}`,
        ...waysTo(path),
      ];
      const told = await Promise.all(targets.map((target) => rawThrough(proxy, request(target))));
      expect(targets.filter((_, i) => isGiven(told[i] ?? ""))).toEqual([]);
      expect(told.join("")).not.toContain("0.0.0-test");
    });

    test("a key in a header with another name is none", async () => {
      const lines = [`X_Api_Key: ${MCP_TOKENS.owner}`, `Authorization_: Bearer ${TOKENS.owner}`];
      for (const path of ["/api/v1/status", "/mcp"])
        expect(rawStatus(await rawThrough(proxy, request(path, lines)))).toBeOneOf([401, 404]);
    });

    if (site !== "hermes.conf") {
      test("what is closed is closed in every spelling, also with a key", async () => {
        for (const [path, words] of [
          ["/swagger", "swagger-ui"],
          ["/swagger/json", "openapi"],
          ["/ready", "platforms"],
          ["/tools", "memory_read"],
        ] as const) {
          const targets = [path, `https://${NAME}${path}`, ...waysTo(path)];
          const lines = [KEY, `X-Api-Key: ${MCP_TOKENS.owner}`];
          const told = await Promise.all(targets.map((target) => rawThrough(proxy, request(target, lines))));
          expect(targets.filter((_, i) => isGiven(told[i] ?? ""))).toEqual([]);
          expect(told.join("")).not.toContain(words);
        }
        expect((await curl(proxy, "/swagger")).json()).toMatchObject({ status: 404, code: "not_found" });
      });

      test("what callers need is open, with TLS from now on", async () => {
        for (const [path, status] of [
          ["/health", 200],
          ["/api/v1/status", 200],
          ["/webhook/health", 421],
          ["/mcp", 405],
        ] as const) {
          const headers = { authorization: `Bearer ${TOKENS.owner}`, "x-api-key": MCP_TOKENS.owner };
          const keys =
            path === "/mcp"
              ? { "x-api-key": headers["x-api-key"] }
              : { authorization: headers.authorization };
          const got = await curl(proxy, path, { headers: keys, http: "2" });
          expect([path, got.version, got.status]).toEqual([path, "2", status]);
          expect(got.headers.get("strict-transport-security")).toBe("max-age=31536000");
        }
      });
    }

    test("a connection is kept, and an upgrade that is asked for is not made", async () => {
      const upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
      const head = [`GET /api/v1/status HTTP/1.1`, `Host: ${NAME}`, KEY];
      const first = [...head, ...upgrade, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="].join("\r\n");
      const told = await rawThrough(proxy, `${first}\r\n\r\n${request("/api/v1/models", [KEY])}`);
      expect([...told.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(["200", "200"]);
    });

    test("a second request cannot be hidden in a body", async () => {
      const hidden = request("/api/v1/status", [KEY]);
      for (const lines of [
        [`Content-Length: ${hidden.length}`, "Transfer-Encoding: chunked"],
        ["Content-Length: 5", `Content-Length: ${hidden.length}`],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
        ["Transfer-Encoding : chunked"],
        ["Transfer-Encoding: xchunked"],
      ]) {
        const body = lines[0]?.startsWith("Content") ? `0\r\n\r\n${hidden}` : hidden;
        const told = await rawThrough(proxy, request("/api/v1/chat", lines, "POST") + body);
        expect([lines, [...told.matchAll(/HTTP\/1\.1 200/g)].length]).toEqual([lines, 0]);
        expect(rawStatus(told)).toBeGreaterThanOrEqual(400);
      }
    });

    if (site === "hermes-safer.conf") {
      test("one address may call so often, and is told so as by Hermes", async () => {
        const call = fetchThrough(proxy);
        const answers = await Promise.all(Array.from({ length: 300 }, () => call(`https://${NAME}/health`)));
        const refused = answers.filter(({ status }) => status === 429);
        expect(refused.length).toBeWithin(1, 300);
        expect(refused[0]?.headers.get("retry-after")).toBe("5");
        expect(await refused[0]?.json()).toMatchObject({ status: 429, code: "rate_limited" });
        expect((await curl(proxy, "/health", { from: "127.0.0.4" })).status).toBe(200);
      });

      test("HTTP leads to HTTPS", async () => {
        const url = `http://127.0.0.1:${proxy.plainPort}/api/v1/status?a=b`;
        const { status, headers } = await fetch(url, { redirect: "manual", headers: { host: NAME } });
        expect([status, headers.get("location")]).toEqual([301, `https://${NAME}/api/v1/status?a=b`]);
      });
    }
  });
