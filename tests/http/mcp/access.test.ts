import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { MCP_ROUTES } from "../../../src/http/mcp/routes.ts";
import type { Route } from "../../../src/http/routes.ts";
import { MCP_ACCEPT, MCP_SAMPLES, type McpRouteName } from "../../support/mcp-requests.ts";
import {
  MCP_TOKENS,
  openTestServer,
  rawExchange,
  rawRequest,
  rawStatus,
  spellings,
  type TestServer,
  TOKENS,
  wrongAuthorizations,
} from "../../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  // Ten wrong keys lock an address out, so that every wrong one here comes from an address of its own.
  server = await openTestServer({ mcp: {}, config: { network: { trusted_proxies: ["127.0.0.1/32"] } } });
});
afterAll(() => server[Symbol.asyncDispose]());

const NAMES = Object.keys(MCP_ROUTES) as McpRouteName[];
const send = (name: McpRouteName, headers: readonly string[], path: string = MCP_ROUTES[name].path) => {
  const { method } = MCP_ROUTES[name];
  const { body } = MCP_SAMPLES[name];
  const request = { method, path, ...(body === undefined ? {} : { body }) };
  return rawExchange(server.mcpPort, rawRequest(request, [`Accept: ${MCP_ACCEPT}`, ...headers]));
};

const plain = (token: string) => `X-Api-Key: ${token}`;
const bearer = (token: string) => `Authorization: Bearer ${token}`;

/** Headers that are not the key, in either carrier. */
function wrongKeys(token: string): string[][] {
  const inAuthorization = wrongAuthorizations(token).filter((lines) => !lines[0]?.startsWith("X-Api-Key"));
  return [
    ...inAuthorization,
    ["X-Api-Key:"],
    ["X-Api-Key: "],
    [plain("wrong")],
    [plain(`${token}x`)],
    [plain(token.slice(0, -1))],
    [plain(token.toUpperCase())],
    [plain(`"${token}"`)],
    [plain(`Bearer ${token}`)],
    [plain(`${token},${MCP_TOKENS.second}`)],
    [plain(token), plain(token)],
    [plain(token), plain("wrong")],
    // Two that are not the same: nobody could say which one counts.
    [plain(token), bearer("wrong")],
    [plain("wrong"), bearer(token)],
    [plain(token), bearer(MCP_TOKENS.second)],
    [plain(token), "Authorization: Basic abcd"],
    [plain(token), "Authorization:"],
    // The keys of the other surface.
    [plain(TOKENS.owner)],
    [bearer(TOKENS.owner)],
    [bearer(TOKENS.admin)],
  ];
}

/** What stands in an answer to somebody without a key, beyond the refusal itself: nothing. */
const LEAKS = [
  ...Object.values(MCP_TOKENS),
  ...Object.values(TOKENS),
  "resource_metadata",
  "inputSchema",
  "mcp_",
  "at /",
  ".ts:",
];

describe("who gets in", () => {
  for (const name of NAMES) {
    const route: Route = MCP_ROUTES[name];
    const { status } = MCP_SAMPLES[name];
    const isPublic = route.scope === "public";
    const title = `${route.method} ${route.path}`;

    test(`${title}: the right keys, in either header and in both`, async () => {
      const { owner, second } = MCP_TOKENS;
      for (const headers of [
        [plain(owner)],
        [bearer(owner)],
        [plain(owner), bearer(owner)],
        [bearer(second)],
      ])
        expect([headers, rawStatus(await send(name, headers))]).toEqual([headers, status]);
    });

    test(`${title}: a guest and every wrong key`, async () => {
      for (const headers of wrongKeys(MCP_TOKENS.owner)) {
        const answer = await send(name, [...headers, strangerHeader()]);
        expect([headers, rawStatus(answer)]).toEqual([headers, isPublic ? status : 401]);
        if (isPublic) continue;
        expect(answer.toLowerCase()).toContain('www-authenticate: bearer realm="hermes"\r\n');
        expect(answer).toContain(route.errors === "json-rpc" ? '"jsonrpc":"2.0","id":null' : "urn:hermes:");
        for (const leak of LEAKS) expect(answer).not.toContain(leak);
      }
    });

    test(`${title}: each scope; what it may do is decided tool by tool`, async () => {
      for (const scope of ["read", "chat", "tools", "admin", "alice"] as const)
        expect([scope, rawStatus(await send(name, [plain(MCP_TOKENS[scope])]))]).toEqual([scope, status]);
    });

    if (route.path === "/") continue; // every other spelling of it is another path
    test(`${title}: another spelling of the path`, async () => {
      for (const path of spellings(route.path)) {
        const guest = rawStatus(await send(name, [], path));
        const owner = rawStatus(await send(name, [plain(MCP_TOKENS.owner)], path));
        // Whoever looks for an authorization server learns that there is none.
        const closed = /\/\.well-known[/\\]/.test(path) ? 404 : 401;
        expect([path, guest]).toEqual([path, guest === 400 ? 400 : closed]);
        expect([path, owner]).toEqual([path, owner === 400 ? 400 : 404]);
      }
    });
  }

  test("the keys of MCP open nothing of the REST API", async () => {
    for (const token of Object.values(MCP_TOKENS)) {
      const headers = { authorization: `Bearer ${token}`, "x-forwarded-for": stranger() };
      expect((await server.call("/status", { as: null, headers })).status).toBe(401);
    }
  });

  test("each scope sees its own tools, and calls no other", async () => {
    const toolsOf = async (token: string): Promise<string[]> => {
      const answer = await fetch(`${server.mcpUrl}/tools`, { headers: { "x-api-key": token } });
      return ((await answer.json()) as { tools: { name: string }[] }).tools.map(({ name }) => name);
    };
    const all = await toolsOf(MCP_TOKENS.admin);
    expect(await toolsOf(MCP_TOKENS.owner)).toEqual(all);
    for (const scope of ["read", "chat", "tools", "alice"] as const) {
      const own = await toolsOf(MCP_TOKENS[scope]);
      expect(own.length).toBeLessThan(all.length);
      const foreign = all.filter((name) => !own.includes(name));
      for (const tool of foreign) {
        const answer = await fetch(`${server.mcpUrl}/execute`, {
          method: "POST",
          headers: { "x-api-key": MCP_TOKENS[scope], "content-type": "application/json" },
          body: JSON.stringify({ tool, arguments: {} }),
        });
        const result = await answer.json();
        expect([scope, tool, result.isError]).toEqual([scope, tool, true]);
        expect(result.content[0].text).toMatch(/needs the scope|not among the tools/);
      }
    }
    expect(await toolsOf(MCP_TOKENS.alice)).toEqual(all.filter((name) => name.startsWith("memory_")));
  });

  test("no header and no field of the body adds rights", async () => {
    const headers = { "x-api-key": MCP_TOKENS.read, "x-scopes": "admin", "content-type": "application/json" };
    const answer = await fetch(`${server.mcpUrl}/execute`, {
      method: "POST",
      headers,
      body: JSON.stringify({ tool: "memory_write", arguments: { key: "a", value: 1 }, scopes: ["admin"] }),
    });
    expect(answer.status).toBe(422);
  });
});

describe("clients that look for an authorization server", () => {
  const places = [
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
  ];
  for (const place of places)
    for (const path of [place, `${place}/mcp`, `/mcp${place}`])
      test(`find nothing at ${path}`, async () => {
        for (const method of ["GET", "HEAD", "POST", "PUT"])
          for (const headers of [[], [plain(MCP_TOKENS.owner)], [plain("wrong"), strangerHeader()]]) {
            const answer = await rawExchange(server.mcpPort, rawRequest({ method, path }, headers));
            expect([method, headers, rawStatus(answer)]).toEqual([method, headers, 404]);
            expect(answer.toLowerCase()).not.toContain("\r\nlocation:");
            expect(answer.toLowerCase()).not.toContain("www-authenticate");
          }
      });
});

let strangers = 0;
function stranger(): string {
  strangers += 1;
  return `203.0.${strangers >> 8}.${strangers & 255}`;
}
function strangerHeader(): string {
  return `X-Forwarded-For: ${stranger()}`;
}
