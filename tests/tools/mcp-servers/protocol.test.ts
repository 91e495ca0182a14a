import { describe, expect, test } from "bun:test";
import { startMcpHttp } from "../../fakes/mcp-http.ts";
import { fakeServer, type McpBench, OWNER, openMcpBench } from "../../support/mcp-servers.ts";

/** The same toolset over both SDKs and both transports. */
const SERVERS = [
  { what: "SDK v1 over stdio", transport: "stdio", version: "v1", protocol: "2025-11-25" },
  { what: "SDK v2 over stdio", transport: "stdio", version: "v2", protocol: "2026-07-28" },
  { what: "SDK v1 over HTTP", transport: "http", version: "v1", protocol: "2025-11-25" },
  { what: "SDK v2 over HTTP", transport: "http", version: "v2", protocol: "2026-07-28" },
] as const;

type Served = McpBench & { cancelled(): Promise<unknown> };

async function open(server: (typeof SERVERS)[number], more: object = {}): Promise<Served> {
  if (server.transport === "stdio") {
    const bench = await openMcpBench({ fake: { ...fakeServer("mcp-stdio.ts", server.version), ...more } });
    return Object.assign(bench, { cancelled: () => bench.logged(/line=cancelled/) });
  }
  const http = startMcpHttp(server.version);
  const bench = await openMcpBench({ fake: { url: http.url, ...more } });
  const dispose = bench[Symbol.asyncDispose];
  return Object.assign(bench, {
    cancelled: async () => http.notes.includes("cancelled") || http.noted(),
    async [Symbol.asyncDispose]() {
      await dispose();
      await http.stop();
    },
  });
}

for (const server of SERVERS)
  describe(server.what, () => {
    test("greets in its era and lists every page", async () => {
      await using bench = await open(server);
      expect(bench.servers.status()).toEqual([
        {
          name: "fake",
          transport: server.transport,
          state: "ready",
          tools: 10,
          leftOut: 0,
          protocol: server.protocol,
        },
      ]);
      expect(bench.names()).toEqual(
        ["echo", "add", "picture", "environment", "fail", "steps", "wait", "ask", "grow", "flood"].map(
          (name) => `mcp_fake_${name}`,
        ),
      );
      const tools = bench.registry.list(OWNER);
      const echo = tools.find((tool) => tool.name === "mcp_fake_echo");
      expect(echo).toMatchObject({
        group: "mcp",
        title: "echo (fake)",
        effect: "read",
        destructive: false,
        idempotent: true,
        openWorld: false,
        description: "Of the outside MCP server fake: Says it again.",
      });
      expect(JSON.parse(JSON.stringify(echo?.input))).toEqual({
        type: "object",
        properties: { text: { type: "string", pattern: "^(a+)+$" } },
        required: ["text"],
      });
      expect(tools.find((tool) => tool.name === "mcp_fake_add")).toMatchObject({
        effect: "send",
        destructive: true,
      });
    });

    test("results: text, data that fits, images, errors", async () => {
      await using bench = await open(server);
      const echo = await bench.call("mcp_fake_echo", { text: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!" });
      expect(echo.text).toMatch(/^<<<untrusted \w+ source="mcp:fake">>>\na+!\n<<<end untrusted \w+>>>$/);
      expect(echo.isError).toBeUndefined();
      expect((await bench.call("mcp_fake_add", { a: 1, b: 2 })).structured).toEqual({ sum: 3 });
      const wrong = await bench.call("mcp_fake_add", { a: 1 });
      expect(wrong.structured).toBeUndefined();
      expect(wrong.text).toContain("not a number");
      const picture = await bench.call("mcp_fake_picture");
      expect(picture.images).toEqual([{ mediaType: "image/png", data: expect.stringMatching(/^iVBOR/) }]);
      expect(picture.text).toContain("[image image/png, 70 bytes: image 1]");
      const failed = await bench.call("mcp_fake_fail");
      expect(failed.isError).toBe(true);
      expect(failed.text).toContain("no such thing [removed]system");
      const flood = await bench.call("mcp_fake_flood");
      expect(flood.text.length).toBeLessThan(50_000);
      expect(flood.text).toMatch(/\[cut here: 10000000 characters in all\]\n<<<end untrusted \w+>>>$/);
    });

    test("progress is passed on", async () => {
      await using bench = await open(server);
      const steps: unknown[] = [];
      const { text } = await bench.call("mcp_fake_steps", {}, { progress: (step) => void steps.push(step) });
      expect(text).toContain("stepped");
      expect(steps[0]).toEqual({ message: "step 1", done: 1, total: 3 });
    });

    test("a cancelled call is cancelled at the server", async () => {
      await using bench = await open(server);
      const control = new AbortController();
      const call = bench.call(
        "mcp_fake_wait",
        {},
        { signal: control.signal, progress: () => control.abort(new Error("enough")) },
      );
      await expect(call).rejects.toThrow("enough");
      expect(await bench.cancelled()).toBeTruthy();
      expect((await bench.call("mcp_fake_echo", { text: "still" })).text).toContain("still");
    });

    test("a call past its time limit says so, and is cancelled at the server", async () => {
      await using bench = await open(server, { timeout_ms: 300 });
      const { text, isError } = await bench.call("mcp_fake_wait");
      expect(isError).toBe(true);
      expect(text).toBe(
        "The MCP server fake did not answer within 300 ms. Ask for less, or let the operator raise its timeout_ms.",
      );
      await bench.cancelled();
    });

    test("a server that asks for input is refused", async () => {
      await using bench = await open(server);
      const { text } = await bench.call("mcp_fake_ask");
      expect(text).toMatch(/not support|not found|asks somebody for more input|capabilit/i);
      expect(text).not.toContain("asked:");
    });

    test("a changed list is followed", async () => {
      await using bench = await open(server);
      const before = bench.servers.tools();
      expect(bench.servers.tools()).toBe(before);
      await bench.call("mcp_fake_grow");
      await bench.logged(/tools of an MCP server have changed/);
      expect(bench.names()).toContain("mcp_fake_grown");
      expect((await bench.call("mcp_fake_grown")).text).toContain("no tool grown");
    });

    test("only the tools that the operator names are there", async () => {
      await using bench = await open(server, { tools: ["echo", "ecko"] });
      expect(bench.names()).toEqual(["mcp_fake_echo"]);
      expect(await bench.logged(/left out/)).toContain("ecko: the server has no such tool");
      expect((await bench.call("mcp_fake_environment")).text).toContain("There is no tool");
    });
  });

describe("HTTP", () => {
  test("headers are sent, and are not in the log", async () => {
    const http = startMcpHttp("v1");
    await using bench = await openMcpBench({
      fake: { url: http.url, headers: { Authorization: "Bearer canary-1234567890" } },
    });
    await bench.call("mcp_fake_fail");
    expect(http.requests.length).toBeGreaterThan(3);
    for (const { headers } of http.requests)
      expect(headers.get("authorization")).toBe("Bearer canary-1234567890");
    expect(bench.lines.join("")).not.toContain("canary-1234567890");
    await http.stop();
  });

  test("a server that keeps a session is told when it is over", async () => {
    const http = startMcpHttp("v1");
    await using bench = await openMcpBench({ fake: { url: http.url } });
    await bench.servers.stop();
    expect(http.requests.at(-1)?.method).toBe("DELETE");
    await http.stop();
  });

  test("a session that the server forgot is made anew, and the call is made again", async () => {
    const http = startMcpHttp("v1");
    await using bench = await openMcpBench({ fake: { url: http.url } });
    http.forget();
    expect((await bench.call("mcp_fake_echo", { text: "again" })).text).toContain("again");
    await http.stop();
  });

  test("a server that goes away is noticed without a call, where it keeps a subscription open", async () => {
    const http = startMcpHttp("v2");
    await using bench = await openMcpBench({ fake: { url: http.url } });
    await http.stop();
    await bench.logged(/is lost/);
    await bench.logged(/not connected.*its address could not be reached/);
    expect((await bench.call("mcp_fake_echo", { text: "x" })).text).toMatch(/is not connected|was lost/);
  });

  test("a redirect to another origin gets neither request nor headers", async () => {
    const reached: string[] = [];
    const elsewhere = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) => {
        reached.push(request.headers.get("x-key") ?? "nothing");
        return new Response();
      },
    });
    for (const status of [301, 302, 303, 307, 308]) {
      using redirecting = Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        fetch: () => Response.redirect(`http://127.0.0.1:${elsewhere.port}/mcp`, status),
      });
      await using bench = await openMcpBench({
        fake: { url: `http://127.0.0.1:${redirecting.port}/`, headers: { "x-key": "canary-key" } },
      });
      expect(bench.servers.status()[0]).toMatchObject({ state: "failed" });
    }
    expect(reached).toEqual([]);
    await elsewhere.stop(true);
  });

  const refusals: [string, (request: Request) => Response, RegExp][] = [
    ["401", () => new Response("wrong canary-key", { status: 401 }), /it answered 401: check its headers/],
    ["500", () => new Response("oops", { status: 500 }), /it answered 500/],
    ["a page", () => new Response("<h1>Hi</h1>", { headers: { "content-type": "text/html" } }), /debug log/],
    ["redirect", () => Response.redirect("http://127.0.0.1:9/", 302), /redirects to another place/],
  ];
  for (const [what, fetch, says] of refusals)
    test(`a server that answers ${what} has failed with a reason`, async () => {
      using server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch });
      await using bench = await openMcpBench({ fake: { url: `http://127.0.0.1:${server.port}/` } });
      const [status] = bench.servers.status();
      expect(status?.reason ?? "").toMatch(says);
      expect(status?.reason ?? "").not.toContain("canary-key");
    });

  test("an endless answer is not read to its end", async () => {
    using server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () =>
        new Response(
          new ReadableStream({
            pull: (controller) => controller.enqueue(new Uint8Array(1_048_576).fill(32)),
          }),
          { headers: { "content-type": "application/json" } },
        ),
    });
    await using bench = await openMcpBench({ fake: { url: `http://127.0.0.1:${server.port}/` } });
    expect(bench.servers.status()[0]).toMatchObject({ state: "failed" });
  });
});
