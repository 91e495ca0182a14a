import { describe, expect, test } from "bun:test";
import type { AdmittedRequest, McpEndpoint } from "../../../src/mcp/contract.ts";
import { INITIALIZE, MCP_ACCEPT, messageOf, modern, rpc, sendMcp } from "../../support/mcp-requests.ts";
import { MCP_TOKENS, openTestServer, rawExchange, rawStatus, type TestServer } from "../../support/server.ts";
import { probeTool } from "../../support/tools.ts";

const OWNER = { "x-api-key": MCP_TOKENS.owner };
const SECOND = { "x-api-key": MCP_TOKENS.second };
const ADDRESSES = ["/", "/mcp"];

/** Opens a session and returns its id. */
async function openSession({ mcpUrl }: TestServer, headers: Record<string, string> = OWNER) {
  const answer = await sendMcp(`${mcpUrl}/mcp`, { headers, body: INITIALIZE });
  await answer.text();
  return answer.headers.get("mcp-session-id") ?? "";
}

/** An MCP server whose answers the test makes. */
function endpointOf(handle: (admitted: AdmittedRequest) => Response | Promise<Response>): McpEndpoint {
  return {
    handle: async (admitted) => handle(admitted),
    dropKeys() {},
    sessions: 0,
    close: () => Promise.resolve(),
  };
}

/** A stream that says one thing and then nothing; tells when nobody reads it any more. */
function openStream() {
  const { promise: cancelled, resolve } = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode("data: {}\n\n")),
    cancel: () => resolve(),
  });
  return { answer: new Response(body, { headers: { "content-type": "text/event-stream" } }), cancelled };
}

describe("MCP", () => {
  for (const path of ADDRESSES)
    test(`speaks both eras at ${path}`, async () => {
      await using server = await openTestServer({ mcp: {} });
      const url = server.mcpUrl + path;
      const opened = await sendMcp(url, { headers: OWNER, body: INITIALIZE });
      const session = { ...OWNER, "mcp-session-id": opened.headers.get("mcp-session-id") ?? "" };
      expect((await messageOf(opened)).result.serverInfo.name).toBe("hermes");
      const list = await messageOf(await sendMcp(url, { headers: session, body: rpc("tools/list") }));
      const { headers, body } = modern("tools/list");
      const modernList = await messageOf(await sendMcp(url, { headers: { ...OWNER, ...headers }, body }));
      const plain = await (await fetch(`${server.mcpUrl}/tools`, { headers: OWNER })).json();
      expect(list.result.tools.length).toBeGreaterThan(5);
      expect(modernList.result.tools).toEqual(list.result.tools);
      expect(plain.tools).toEqual(list.result.tools);
    });

  test("a browser gets a page that needs no key and nothing from elsewhere; a client does not", async () => {
    await using server = await openTestServer({ mcp: { public_url: "https://hermes.example.com" } });
    for (const path of ADDRESSES) {
      const page = await fetch(server.mcpUrl + path, { headers: { accept: "text/html,*/*;q=0.8" } });
      const text = await page.text();
      expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
      expect(page.headers.get("content-security-policy")).toStartWith("default-src 'none'");
      expect(text).toContain("https://hermes.example.com/mcp");
      expect(text).toContain("连接方法");
      expect(text).not.toMatch(/<script|src=|<link/);
      for (const token of Object.values(MCP_TOKENS)) expect(text).not.toContain(token);
      for (const accept of ["text/event-stream", "text/event-stream, text/html", "*/*", "application/json"]) {
        const headers = { accept };
        expect((await fetch(server.mcpUrl + path, { headers })).status).toBe(401);
        const asOwner = await fetch(server.mcpUrl + path, { headers: { ...headers, ...OWNER } });
        expect([accept, asOwner.status >= 405]).toEqual([accept, true]);
      }
    }
  });

  test("the page shows no address that is not one", async () => {
    await using server = await openTestServer({ mcp: {} });
    const lines = ["GET / HTTP/1.1", 'Host: localhost"><script>', "Accept: text/html", "Connection: close"];
    expect(rawStatus(await rawExchange(server.mcpPort, `${lines.join("\r\n")}\r\n\r\n`))).toBeGreaterThan(
      399,
    );
  });

  test("a method that is not served is 405 with what is", async () => {
    await using server = await openTestServer({ mcp: {} });
    for (const path of ADDRESSES) {
      const put = await fetch(server.mcpUrl + path, { method: "PUT", headers: OWNER });
      expect([put.status, put.headers.get("allow")]).toEqual([405, "POST, GET, HEAD, DELETE"]);
      const get = await sendMcp(server.mcpUrl + path, { headers: OWNER });
      expect([get.status, get.headers.get("allow")]).toEqual([405, "POST"]);
    }
  });
});

describe("bodies", () => {
  const post = (length: string, body: string) =>
    [
      "POST /mcp HTTP/1.1",
      "Host: localhost",
      `X-Api-Key: ${MCP_TOKENS.owner}`,
      "Content-Type: application/json",
      `Accept: ${MCP_ACCEPT}`,
      length,
      "",
      body,
    ].join("\r\n");

  for (const [what, body, status, code] of [
    ["no JSON", "{", 400, -32700],
    ["nothing", "", 400, -32700],
    ["too deep a nesting", `{"a":${"[".repeat(100)}`, 400, -32700],
    ["bad UTF-8", "\u00ff", 400, -32700],
  ] as const)
    test(`${what} is ${status}, as JSON-RPC`, async () => {
      await using server = await openTestServer({ mcp: {} });
      for (const path of ADDRESSES) {
        const answer = await fetch(server.mcpUrl + path, {
          method: "POST",
          headers: { ...OWNER, accept: MCP_ACCEPT, "content-type": "application/json" },
          body: Buffer.from(body, "latin1"),
        });
        const message = await answer.json();
        expect([answer.status, message.id, message.error.code]).toEqual([status, null, code]);
      }
    });

  test("names of the prototype are data like any other", async () => {
    await using server = await openTestServer({ mcp: {} });
    const value = '{"__proto__":{"isError":true},"constructor":{"prototype":{"polluted":1}}}';
    const body = `{"tool":"memory_write","arguments":{"key":"a","value":${value}}}`;
    const answer = await sendMcp(`${server.mcpUrl}/execute`, { headers: OWNER, body });
    expect((await answer.json()).isError).toBeUndefined();
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    const entry = await server.store.memory.get("owner", "a");
    expect(JSON.stringify(entry?.value)).toBe(value);
    const call = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{},"__proto__":{"method":"ping"}}`;
    const id = await openSession(server);
    const headers = { ...OWNER, "mcp-session-id": id };
    const listed = await sendMcp(`${server.mcpUrl}/mcp`, { headers, body: call });
    expect([200, 400]).toContain(listed.status);
  });

  test("more than the limit is 413, said before and found on the way", async () => {
    await using server = await openTestServer({ mcp: { max_body_bytes: 2000 } });
    const said = await rawExchange(server.mcpPort, post("Content-Length: 100000000", '{"jsonrpc":"'));
    const chunk = `400\r\n${"a".repeat(1024)}\r\n`;
    const found = await rawExchange(server.mcpPort, post("Transfer-Encoding: chunked", chunk.repeat(3)));
    for (const answer of [said, found]) {
      expect(rawStatus(answer)).toBe(413);
      expect(answer).toContain('"code":-32000');
      expect(answer).toContain("raise mcp.max_body_bytes");
    }
  });

  test("4 MiB are let in by default, and no byte more", async () => {
    await using server = await openTestServer({ mcp: {}, endpoint: endpointOf(() => new Response("ok")) });
    const pad = (bytes: number) => `{"a":"${"x".repeat(bytes - 8)}"}`;
    const sized = (bytes: number) => sendMcp(`${server.mcpUrl}/mcp`, { headers: OWNER, body: pad(bytes) });
    expect((await sized(4_194_304)).status).toBe(200);
    expect((await sized(4_194_305)).status).toBe(413);
  });

  test("one that comes too slowly is 408", async () => {
    await using server = await openTestServer({ mcp: {} });
    const answer = await rawExchange(server.mcpPort, post("Content-Length: 1000", '{"jsonrpc":'));
    expect(rawStatus(answer)).toBe(408);
    expect(answer).toContain('"jsonrpc":"2.0","id":null');
  }, 20_000);

  test("another type of content is 415, another Accept 406", async () => {
    await using server = await openTestServer({ mcp: {} });
    const body = JSON.stringify(INITIALIZE);
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=gbk"]) {
      const headers = { ...OWNER, accept: MCP_ACCEPT, "content-type": type };
      const answer = await fetch(`${server.mcpUrl}/mcp`, { method: "POST", headers, body });
      expect([type, answer.status, (await answer.json()).jsonrpc]).toEqual([type, 415, "2.0"]);
    }
    const headers = { ...OWNER, accept: "text/plain", "content-type": "application/json" };
    const answer = await fetch(`${server.mcpUrl}/mcp`, { method: "POST", headers, body });
    expect([answer.status, (await answer.json()).jsonrpc]).toEqual([406, "2.0"]);
  });
});

describe("names and pages", () => {
  const request = (path: string, lines: string[]) =>
    `POST ${path} HTTP/1.1\r\n${[...lines, `X-Api-Key: ${MCP_TOKENS.owner}`, "Content-Length: 0", "Connection: close"].join("\r\n")}\r\n\r\n`;

  test("a foreign Host is refused, the configured ones and that of the public address are not", async () => {
    await using server = await openTestServer({
      mcp: { allowed_hosts: ["mcp.example.com"], public_url: "https://public.example.com/mcp" },
    });
    const statusOf = async (host: string, path: string) =>
      rawStatus(await rawExchange(server.mcpPort, request(path, [`Host: ${host}`])));
    for (const path of [...ADDRESSES, "/tools", "/health"]) {
      for (const host of [
        "evil.example",
        "evil.example:18790",
        "localhost.evil.example",
        "mcp.example.org",
        "",
      ])
        expect([path, host, await statusOf(host, path)]).toEqual([path, host, 421]);
      for (const host of [
        "localhost",
        "127.0.0.1:18790",
        "[::1]",
        "MCP.example.com",
        "public.example.com:443",
      ])
        expect([path, host, await statusOf(host, path)]).not.toEqual([path, host, 421]);
    }
  });

  test("an Origin is compared as it stands", async () => {
    const app = "https://app.example.com";
    await using server = await openTestServer({ mcp: { allowed_origins: [app] } });
    for (const [origin, allowed] of [
      [app, true],
      [server.mcpUrl, true],
      ["https://app.example.com:8443", false],
      ["http://app.example.com", false],
      ["https://app.example.com.evil.example", false],
      ["https://evil.example", false],
      ["http://localhost:3000", false],
      ["null", false],
    ] as const)
      for (const path of [...ADDRESSES, "/tools"]) {
        const method = path === "/tools" ? "GET" : "POST";
        const answer = await sendMcp(server.mcpUrl + path, {
          method,
          headers: { ...OWNER, origin },
          ...(method === "POST" ? { body: INITIALIZE } : {}),
        });
        await answer.text();
        expect([origin, path, answer.status]).toEqual([origin, path, allowed ? 200 : 403]);
        expect(answer.headers.get("access-control-allow-origin")).toBe(allowed ? origin : null);
      }
    expect((await fetch(`${server.url}/health`, { headers: { origin: app } })).status).toBe(403);
  });

  test("a preflight allows what MCP clients send, and lets pages read what they need", async () => {
    const origin = "https://app.example.com";
    await using server = await openTestServer({ mcp: { allowed_origins: [origin] } });
    for (const path of [...ADDRESSES, "/tools", "/execute"]) {
      const answer = await fetch(server.mcpUrl + path, {
        method: "OPTIONS",
        headers: {
          origin,
          "access-control-request-method": "POST",
          "access-control-request-headers": "content-type, Mcp-Param-Key, x-evil, mcp-param-\u00e9",
        },
      });
      expect(answer.status).toBe(204);
      const allowed = answer.headers.get("access-control-allow-headers")?.split(", ") ?? [];
      for (const name of [
        "content-type",
        "authorization",
        "x-api-key",
        "mcp-session-id",
        "mcp-protocol-version",
        "mcp-method",
        "mcp-name",
        "last-event-id",
        "Mcp-Param-Key",
      ])
        expect(allowed).toContain(name);
      expect(allowed).not.toContain("x-evil");
      expect(answer.headers.get("access-control-expose-headers")).toContain(
        "mcp-session-id, www-authenticate",
      );
    }
    const refused = await fetch(`${server.mcpUrl}/mcp`, { headers: { origin } });
    expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([401, origin]);
  });
});

describe("limits", () => {
  test("the rate limit counts every message of a batch", async () => {
    await using server = await openTestServer({ mcp: { rate_limit: { requests_per_minute: 10 } } });
    const session = { ...OWNER, "mcp-session-id": await openSession(server) }; // one of the ten
    const batch = (size: number) => {
      const messages = Array.from({ length: size }, (_, id) => ({
        jsonrpc: "2.0",
        id,
        method: "tools/list",
      }));
      const headers = { ...session, "mcp-protocol-version": "2025-03-26" };
      return sendMcp(server.mcpUrl, { headers, body: JSON.stringify(messages) });
    };
    const whole = await batch(9);
    expect([whole.status, (await whole.text()).match(/^data: \{/gm)?.length]).toEqual([200, 9]);
    const more = await batch(2);
    expect([more.status, (await messageOf(more)).error.data.code]).toEqual([429, "rate_limited"]);
    const other = await sendMcp(server.mcpUrl, { headers: SECOND, body: INITIALIZE });
    expect(other.status).toBe(200);
    const large = await sendMcp(server.mcpUrl, {
      headers: { ...SECOND, "mcp-session-id": other.headers.get("mcp-session-id") ?? "" },
      body: JSON.stringify(Array.from({ length: 10 }, (_, id) => ({ jsonrpc: "2.0", id, method: "ping" }))),
    });
    expect([large.status, large.headers.has("retry-after")]).toEqual([429, true]);
  });

  test("past the rate limit a key gets 429, exactly, also with 16 requests at once", async () => {
    await using server = await openTestServer({ mcp: { rate_limit: { requests_per_minute: 60 } } });
    const statuses: number[] = [];
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        for (let n = 0; n < 6; n++) {
          const answer = await fetch(`${server.mcpUrl}/tools`, { headers: OWNER });
          statuses.push(answer.status);
          await answer.arrayBuffer();
        }
      }),
    );
    // One flows back in a second: the requests take less.
    expect(statuses.filter((status) => status === 200).length).toBeWithin(60, 62);
    expect(statuses.filter((status) => status === 429).length).toBeWithin(35, 37);
    const refused = await sendMcp(`${server.mcpUrl}/mcp`, { headers: OWNER, body: INITIALIZE });
    const message = await refused.json();
    expect([refused.status, message.error.data.code]).toEqual([429, "rate_limited"]);
    expect(Number(refused.headers.get("retry-after"))).toBeWithin(1, 3);
    expect((await fetch(`${server.mcpUrl}/tools`, { headers: SECOND })).status).toBe(200);
    expect((await server.call("/status")).status).toBe(200);
  });

  test("ten wrong keys lock an address out of MCP, not out of the REST API", async () => {
    await using server = await openTestServer({ mcp: {} });
    for (let n = 0; n < 10; n++) {
      const headers = n % 2 ? { "x-api-key": `wrong-${n}` } : { authorization: `Bearer wrong-${n}` };
      expect((await sendMcp(`${server.mcpUrl}/mcp`, { headers, body: INITIALIZE })).status).toBe(401);
    }
    const locked = await sendMcp(`${server.mcpUrl}/mcp`, { headers: OWNER, body: INITIALIZE });
    expect([locked.status, (await locked.json()).error.data.code]).toEqual([429, "locked_out"]);
    expect((await server.call("/status")).status).toBe(200);
    expect(server.log.join("")).not.toContain("wrong-");
  });
});

describe("keys", () => {
  test("a session answers only to the key that opened it, also among the owner's own", async () => {
    await using server = await openTestServer({ mcp: {} });
    const id = await openSession(server);
    const asking = async (key: Record<string, string>, method = "POST") => {
      const headers = { ...key, "mcp-session-id": id };
      const body = method === "POST" ? rpc("tools/list") : undefined;
      const answer = await sendMcp(`${server.mcpUrl}/mcp`, { method, headers, body });
      return answer.status;
    };
    expect(await asking(OWNER)).toBe(200);
    for (const key of [SECOND, { "x-api-key": MCP_TOKENS.admin }])
      for (const method of ["POST", "GET", "DELETE"])
        expect([method, await asking(key, method)]).toEqual([method, 404]);
    expect(await asking(OWNER)).toBe(200);
  });

  test("a rotated key counts at once, and what the old one opened ends", async () => {
    await using server = await openTestServer({ mcp: {} });
    const id = await openSession(server);
    const headers = { ...OWNER, "mcp-session-id": id };
    const stream = await sendMcp(`${server.mcpUrl}/mcp`, { headers });
    expect([stream.status, stream.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    const ended = stream.text();
    server.config.change((config) => {
      config.mcp.auth.api_keys = ["the-next-key-of-the-owner", MCP_TOKENS.second];
    });
    await ended;
    expect((await sendMcp(`${server.mcpUrl}/mcp`, { headers, body: rpc("tools/list") })).status).toBe(401);
    const next = { "x-api-key": "the-next-key-of-the-owner" };
    expect((await fetch(`${server.mcpUrl}/tools`, { headers: next })).status).toBe(200);
    const stolen = { ...next, "mcp-session-id": id };
    expect((await sendMcp(`${server.mcpUrl}/mcp`, { headers: stolen, body: rpc("tools/list") })).status).toBe(
      404,
    );
    expect((await fetch(`${server.mcpUrl}/tools`, { headers: SECOND })).status).toBe(200);
  });

  test("without authentication everybody is the owner, and a key is nothing", async () => {
    await using server = await openTestServer({ mcp: { auth: { type: "none" } } });
    for (const headers of [{}, { "x-api-key": "whatever" }])
      expect((await fetch(`${server.mcpUrl}/tools`, { headers })).status).toBe(200);
    expect((await server.call("/status", { as: null })).status).toBe(401);
  });

  test("a key in the address is 400", async () => {
    await using server = await openTestServer({ mcp: {} });
    for (const name of ["api_key", "token", "access_token", "x-api-key"]) {
      const answer = await fetch(`${server.mcpUrl}/tools?${name}=${MCP_TOKENS.owner}`);
      expect([name, answer.status]).toEqual([name, name === "x-api-key" ? 401 : 400]);
    }
  });
});

describe("calls and streams", () => {
  test("what stands in MCP is what /execute says", async () => {
    await using server = await openTestServer({ mcp: {} });
    const calls = [
      { name: "memory_write", arguments: { key: "a", value: { b: [1, "二"] } } },
      { name: "memory_read", arguments: { key: "a" } },
      { name: "memory_read", arguments: { key: "absent" } },
      { name: "memory_read", arguments: { kye: "a" } },
      { name: "todolist_list", arguments: {} },
    ];
    for (const call of calls) {
      const { headers, body } = modern("tools/call", call);
      const byMcp = await messageOf(
        await sendMcp(`${server.mcpUrl}/mcp`, { headers: { ...OWNER, ...headers }, body }),
      );
      const plain = await sendMcp(`${server.mcpUrl}/execute`, {
        headers: OWNER,
        body: { tool: call.name, arguments: call.arguments },
      });
      const { resultType, _meta, ...result } = byMcp.result;
      const later = (text: unknown) => JSON.stringify(text).replace(/\d{13}/g, "T");
      expect(later(await plain.json())).toBe(later(result));
    }
  });

  test("/execute names a tool that there is not, and what does not fit", async () => {
    await using server = await openTestServer({ mcp: {} });
    for (const [body, status] of [
      [{ tool: "memory_raed" }, 422],
      [{ tool: "" }, 422],
      [{}, 422],
      [{ tool: "memory_read", arguments: [] }, 422],
      [{ tool: "memory_read", args: {} }, 422],
      [[], 422],
    ] as const) {
      const answer = await sendMcp(`${server.mcpUrl}/execute`, { headers: OWNER, body });
      expect([body, answer.status]).toEqual([body, status]);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
    }
    const hintFor = async (tool: string) => {
      const answer = await sendMcp(`${server.mcpUrl}/execute`, { headers: OWNER, body: { tool } });
      return (await answer.json()).hint;
    };
    expect(await hintFor("memory_raed")).toBe("Did you mean memory_read?");
    expect(await hintFor("something_else")).toBe("The list of tools has every name.");
  });

  test("a client that goes away takes its call with it", async () => {
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    const { promise: aborted, resolve: abort } = Promise.withResolvers<void>();
    const run = async (_input: unknown, { signal }: { signal: AbortSignal }) => {
      signal.addEventListener("abort", () => abort());
      start();
      await aborted;
      signal.throwIfAborted();
      return "not cancelled";
    };
    for (const path of ["/execute", "/mcp"]) {
      await using server = await openTestServer({ mcp: {}, tools: [probeTool([], { run })] });
      const leaving = new AbortController();
      const { headers, body } = modern("tools/call", { name: "skill_probe", arguments: {} });
      const gone = sendMcp(server.mcpUrl + path, {
        headers: { ...OWNER, ...(path === "/mcp" ? headers : {}) },
        body: path === "/mcp" ? body : { tool: "skill_probe" },
        signal: leaving.signal,
      }).catch(() => null);
      await started;
      leaving.abort();
      await gone;
      await aborted;
      expect((await fetch(`${server.mcpUrl}/tools`, { headers: OWNER })).status).toBe(200);
      expect(server.log.filter((line) => line.includes("request failed"))).toEqual([]);
    }
  });

  test("a silent call outlives the timeout of idle connections", async () => {
    const run = async () => {
      const { hostname, port } = new URL(server.mcpUrl);
      const closed = Promise.withResolvers<void>();
      const socket = { data() {}, close: () => closed.resolve() };
      await Bun.connect({ hostname, port: Number(port), socket }); // an idle connection, for comparison
      await closed.promise;
      return "late";
    };
    await using server = await openTestServer({ mcp: {}, tools: [probeTool([], { run })] });
    const answer = await sendMcp(`${server.mcpUrl}/execute`, {
      headers: OWNER,
      body: { tool: "skill_probe" },
    });
    expect((await answer.json()).content[0].text).toBe("late");
  }, 20_000);

  test("a stop tells streams to come back, and lets a call end", async () => {
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    const { promise: go, resolve: finish } = Promise.withResolvers<void>();
    const run = async () => {
      start();
      await go;
      return "done";
    };
    await using server = await openTestServer({ mcp: {}, tools: [probeTool([], { run })] });
    const id = await openSession(server);
    const stream = await sendMcp(`${server.mcpUrl}/mcp`, { headers: { ...OWNER, "mcp-session-id": id } });
    const call = sendMcp(`${server.mcpUrl}/execute`, { headers: OWNER, body: { tool: "skill_probe" } });
    await started;
    const stopped = server.http.stop({ turnsEnded: Promise.resolve() });
    expect(await stream.text()).toContain("retry: 1000");
    finish();
    expect((await (await call).json()).content[0].text).toBe("done");
    await stopped;
  });

  test("a stop cuts what does not end in time", async () => {
    const { answer, cancelled } = openStream();
    await using server = await openTestServer({ mcp: {}, endpoint: endpointOf(() => answer) });
    const stream = await sendMcp(`${server.mcpUrl}/mcp`, { headers: OWNER, body: rpc("tools/call") });
    await server.http.stop({ graceMs: 50 });
    expect(await stream.text()).toContain("retry: 1000");
    await cancelled;
  });

  test("a stream that the client leaves ends on the other side, too", async () => {
    const { answer, cancelled } = openStream();
    await using server = await openTestServer({ mcp: {}, endpoint: endpointOf(() => answer) });
    const leaving = new AbortController();
    const stream = await sendMcp(`${server.mcpUrl}/mcp`, { headers: OWNER, signal: leaving.signal });
    await stream.body?.getReader().read();
    leaving.abort();
    await cancelled;
  });
});
