import { describe, expect, test } from "bun:test";
import { checkConfig } from "../../src/config/check.ts";
import { API_SURFACE } from "../../src/http/api/surface.ts";
import { MCP_ROUTES } from "../../src/http/mcp/routes.ts";
import { mcpSurface } from "../../src/http/mcp/surface.ts";
import { createRouteTable } from "../../src/http/route-table.ts";
import { ROUTES, servedRoutes } from "../../src/http/routes.ts";
import { createHttpServer } from "../../src/http/server.ts";
import type { McpEndpoint } from "../../src/mcp/contract.ts";
import { liveConfig } from "../support/agent.ts";
import { hasSecret, standInGateway, WEBHOOK_SECRET } from "../support/gateway.ts";
import { INITIALIZE, messageOf, sendMcp } from "../support/mcp-requests.ts";
import { MCP_TOKENS, openTestServer, TOKENS } from "../support/server.ts";

const OWNER = { "x-api-key": MCP_TOKENS.owner };

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const probe = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const { port = 0 } = probe;
  await probe.stop(true);
  return port;
}

describe("one port for both surfaces", () => {
  test("each answers at its own paths, by its own keys", async () => {
    const port = await freePort();
    await using server = await openTestServer({
      api: { port, auth: { token: TOKENS.owner } },
      mcp: { port },
    });
    expect([server.port, server.mcpPort]).toEqual([port, port]);
    expect((await server.call("/status")).status).toBe(200);
    const opened = await sendMcp(`${server.url}/mcp`, { headers: OWNER, body: INITIALIZE });
    expect((await messageOf(opened)).result.serverInfo.name).toBe("hermes");
    expect((await fetch(`${server.url}/tools`, { headers: OWNER })).status).toBe(200);
    expect((await server.call("//health", { as: null })).status).toBe(200);
    expect((await server.call("//ready", { as: null })).status).toBe(200);
    // The key of one is nothing at the other.
    expect(
      (await server.call("/status", { as: null, headers: { authorization: `Bearer ${MCP_TOKENS.owner}` } }))
        .status,
    ).toBe(401);
    expect((await server.call("//tools")).status).toBe(401);
    expect((await server.call("//mcp", { method: "PUT", as: null, headers: OWNER })).status).toBe(405);
  });

  test("each has its own limit, origins and errors", async () => {
    const port = await freePort();
    await using server = await openTestServer({
      api: { port, auth: { token: TOKENS.owner }, allowed_origins: ["https://api.example.com"] },
      mcp: { port, rate_limit: { requests_per_minute: 1 }, allowed_origins: ["https://mcp.example.com"] },
    });
    expect((await fetch(`${server.url}/tools`, { headers: OWNER })).status).toBe(200);
    const limited = await fetch(`${server.url}/tools`, { headers: OWNER });
    expect([limited.status, (await limited.json()).hint]).toEqual([
      429,
      expect.stringContaining("mcp.rate_limit"),
    ]);
    expect((await server.call("/status")).status).toBe(200);
    const origin = "https://api.example.com";
    expect((await server.call("/status", { headers: { origin } })).status).toBe(200);
    const refused = await fetch(`${server.url}/tools`, { headers: { ...OWNER, origin } });
    expect([refused.status, (await refused.json()).hint]).toEqual([
      403,
      expect.stringContaining("mcp.allowed_origins"),
    ]);
  });

  test("is refused by the configuration for exactly the base paths where two routes clash", () => {
    for (const base_path of [
      "",
      "/api/v1",
      "/mcp",
      "/tools",
      "/execute",
      "/health",
      "/.well-known",
      "/x/mcp",
    ]) {
      const clashes = () => {
        try {
          createRouteTable([
            { owner: "api", routes: servedRoutes(ROUTES, base_path) },
            { owner: "mcp", routes: servedRoutes(MCP_ROUTES, "") },
          ]);
          return false;
        } catch {
          return true;
        }
      };
      const faultsOf = (change: Record<string, unknown>) =>
        checkConfig(
          liveConfig({ api: { base_path, port: 9 }, mcp: { enabled: true, port: 9, ...change } }).current,
        ).faults.map(({ message }) => message);
      expect([base_path, faultsOf({}).length > 0]).toEqual([base_path, clashes()]);
      for (const apart of [{ port: 10 }, { host: "::1" }, { enabled: false }])
        expect([base_path, apart, faultsOf(apart)]).toEqual([base_path, apart, []]);
    }
  });
});

describe("webhooks on the port of the REST API", () => {
  test("need no key, and keys do not need what platforms have", async () => {
    const port = await freePort();
    const gateway = standInGateway({ webhooks: [["telegram", ""]], admits: hasSecret });
    await using server = await openTestServer({
      api: { port, auth: { token: TOKENS.owner } },
      gateway,
      webhook: true,
      config: { gateway: { webhook: { port } } },
    });
    expect([server.port, server.webhookPort]).toEqual([port, port]);
    const call = (headers: Record<string, string>) =>
      server.call("//webhook/telegram", { method: "POST", as: null, body: "{}", headers });
    const secret = { "x-secret": WEBHOOK_SECRET };
    expect((await call({ ...secret, host: "bot.example.com" })).status).toBe(200);
    expect((await server.call("/status", { headers: { host: "bot.example.com" } })).status).toBe(421);
    expect((await server.call("/status", { as: null, headers: secret })).status).toBe(401);
    // Wrong keys lock an address out of what has keys, and wrong secrets out of nothing.
    for (let n = 0; n < 20; n++) expect((await call({ "x-secret": "wrong" })).status).toBe(401);
    expect((await server.call("/status")).status).toBe(200);
    const headers = { authorization: "Bearer wrong" };
    for (let n = 0; n < 10; n++) await server.call("/status", { as: null, headers });
    expect((await server.call("/status")).status).toBe(429);
    expect((await call(secret)).status).toBe(200);
    const status = await server.call("//webhook/nothing/here", { as: null });
    expect(status.status).toBe(429); // the REST API judges what nobody serves
  });

  test("are told of in /status", async () => {
    const config = { gateway: { webhook: { port: 0, path: "/in" } } };
    await using server = await openTestServer({ gateway: standInGateway(), webhook: true, config });
    const { webhook } = await (await server.call("/status")).json();
    const address = { host: "127.0.0.1", port: server.webhookPort, base_path: "/in" };
    expect(webhook).toEqual({ ...address, calls: 0, events: 0 });
  });
});

describe("a port for each surface", () => {
  test("serves there what belongs there, and nothing of the other", async () => {
    await using server = await openTestServer({ mcp: {} });
    expect(server.port).not.toBe(server.mcpPort);
    expect((await server.call("//tools", { as: null, headers: OWNER })).status).toBe(401);
    expect((await server.call("//mcp")).status).toBe(404);
    const headers = { ...OWNER };
    expect((await fetch(`${server.mcpUrl}/api/v1/status`, { headers })).status).toBe(404);
    expect((await fetch(`${server.mcpUrl}/swagger`, { headers })).status).toBe(404);
    for (const url of [server.url, server.mcpUrl]) expect((await fetch(`${url}/health`)).status).toBe(200);
  });

  test("status and readiness tell of every surface", async () => {
    await using server = await openTestServer({ mcp: { public_url: "https://hermes.example.com" } });
    const opened = await sendMcp(`${server.mcpUrl}/mcp`, { headers: OWNER, body: INITIALIZE });
    await opened.text();
    const status = await (await server.call("/status")).json();
    expect(status.api).toEqual({ host: "127.0.0.1", port: server.port, base_path: "/api/v1" });
    expect(status.mcp).toEqual({
      host: "127.0.0.1",
      port: server.mcpPort,
      base_path: "",
      url: "https://hermes.example.com",
      sessions: 1,
      event_streams: 0,
    });
    const ready = await (await server.call("//ready", { as: null })).json();
    expect(ready.checks.map(({ name }: { name: string }) => name)).toEqual(["store", "model", "api", "mcp"]);
  });

  test("all listen or none does, and the one that could not is named", async () => {
    await using taken = await openTestServer();
    const port = await freePort();
    const config = liveConfig({ api: { port }, mcp: { port: taken.port } });
    const endpoint: McpEndpoint = {
      handle: () => Promise.reject(new Error("nothing is served")),
      dropKeys() {},
      sessions: 0,
      close: () => Promise.resolve(),
    };
    const parts = { ...taken, config, tools: { list: () => [] }, log: undefined };
    const log = { debug() {}, info() {}, warn() {}, error() {}, with: () => log };
    const server = createHttpServer(
      { ...parts, log, version: "0" } as unknown as Parameters<typeof createHttpServer>[0],
      [API_SURFACE, mcpSurface(() => endpoint)],
    );
    await expect(server.listen()).rejects.toMatchObject({
      code: "address_in_use",
      message: `Port ${taken.port} on 127.0.0.1 is in use.`,
      hint: expect.stringContaining("mcp.port"),
    });
    await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow();
  });
});
