import { describe, expect, test } from "bun:test";
import { API_SURFACE } from "../../src/http/api/surface.ts";
import { createHttpServer } from "../../src/http/server.ts";
import { AppError } from "../../src/lib/errors.ts";
import { keepKeys, openTestServer, rawExchange, rawRequest, rawStatus, TOKENS } from "../support/server.ts";

const right = `Authorization: Bearer ${TOKENS.owner}`;

describe("listening", () => {
  test("a port in use is refused with what to do", async () => {
    await using server = await openTestServer();
    const { config, agent, store } = server;
    config.change((next) => {
      next.api.port = server.port;
    });
    const parts = { config, agent, store } as unknown as Parameters<typeof createHttpServer>[0];
    const log = { debug() {}, info() {}, warn() {}, error() {}, with: () => log };
    const second = createHttpServer({ ...parts, log, version: "0" }, [API_SURFACE]);
    const refused = await second.listen().then(
      () => null,
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(AppError);
    expect((refused as AppError).message).toContain(`Port ${server.port}`);
    expect((refused as AppError).hint).toContain("--port");
  });

  test("the address is the one it listens on", async () => {
    await using server = await openTestServer();
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
  });
});

describe("bodies", () => {
  const post = (lines: string[], body: string) =>
    `${[
      "POST /api/v1/memory HTTP/1.1",
      "Host: localhost",
      right,
      "Content-Type: application/json",
      ...lines,
    ].join("\r\n")}\r\n\r\n${body}`;

  test("a chunked body counts as it comes", async () => {
    await using server = await openTestServer({ api: { max_body_bytes: 2000 } });
    const chunk = `400\r\n${"a".repeat(1024)}\r\n`;
    const answer = await rawExchange(server.port, post(["Transfer-Encoding: chunked"], chunk.repeat(3)));
    expect(rawStatus(answer)).toBe(413);
    const small = '{"key":"a","value":1}';
    const ok = post(
      ["Transfer-Encoding: chunked", "Connection: close"],
      `${small.length.toString(16)}\r\n${small}\r\n0\r\n\r\n`,
    );
    expect(rawStatus(await rawExchange(server.port, ok))).toBe(200);
  });

  test("a body that comes too slowly is 408, and its connection closed", async () => {
    await using server = await openTestServer();
    const slow = post(["Content-Length: 1000"], '{"key":');
    const stalled = rawExchange(server.port, slow);
    const chunked = rawExchange(server.port, post(["Transfer-Encoding: chunked"], "1\r\n{\r\n"));
    for (const answer of await Promise.all([stalled, chunked])) {
      expect(rawStatus(answer)).toBe(408);
      expect(answer).toContain("request_timeout");
    }
  }, 20_000);

  for (const [what, body, status, code] of [
    ["no JSON", "{", 400, "malformed_json"],
    ["nothing", "", 400, "malformed_json"],
    ["too deep", "[".repeat(100), 400, "malformed_json"],
    ["bad UTF-8", "\u00ff", 400, "malformed_json"],
    ["no object", "[]", 422, "invalid_request"],
    ["null", "null", 422, "invalid_request"],
  ] as const)
    test(`a body with ${what} is ${status}`, async () => {
      await using server = await openTestServer();
      const bytes = Buffer.from(body, "latin1");
      const answer = await server.call("/memory", {
        method: "POST",
        body: bytes,
        headers: { "content-type": "application/json" },
      });
      expect([answer.status, (await answer.json()).code]).toEqual([status, code]);
    });
});

describe("errors", () => {
  test("every one is a problem document without inner life", async () => {
    await using server = await openTestServer();
    for (const answer of [
      await server.call("/status", { as: null }),
      await server.call("/nothing"),
      await server.call("/memory?key=absent"),
      await server.post("/chat", {}),
      await server.call("/sessions?limit=x"),
    ]) {
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      const body = await answer.json();
      expect(body).toMatchObject({
        type: `urn:hermes:problem:${body.code}`,
        title: expect.any(String),
        status: answer.status,
        detail: expect.any(String),
        hint: expect.any(String),
        request_id: answer.headers.get("x-request-id") ?? "",
      });
    }
  });

  test("an inner failure is 500, logged with its cause, and shows none of it", async () => {
    await using server = await openTestServer();
    server.store.memory.get = () => Promise.reject(new Error("canary: /home/me/secret.db is locked"));
    const answer = await server.call("/memory?key=a");
    const body = await answer.text();
    expect(answer.status).toBe(500);
    expect(body).not.toContain("canary");
    expect(body).not.toContain(".ts");
    const line = server.log.join("");
    expect(line).toContain("canary");
    expect(line).toContain(answer.headers.get("x-request-id") ?? "no id");
  });

  test("storage that fails is 503 with Retry-After, and no run is lost to a false answer", async () => {
    await using server = await openTestServer();
    const fault = new AppError("store_unavailable", "The disk is full.", { hint: "Free space on /var/lib." });
    server.store.memory.set = () => Promise.reject(fault);
    const answer = await server.post("/memory", { key: "a", value: 1 });
    const problem = await answer.json();
    expect(problem).toMatchObject({ status: 503, code: "store_unavailable", detail: "The disk is full." });
    expect(problem.hint).not.toContain("/var/lib"); // that is for the operator
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  });

  test("what does not fit is named, with the nearest right name", async () => {
    await using server = await openTestServer();
    const answer = await server.post("/chat", { message: "hi", sesion_id: "a", stream: "yes", model: "" });
    const body = await answer.json();
    expect(answer.status).toBe(422);
    expect(body.hint).toBe('Did you mean "session_id"?');
    expect(body.errors.map(({ field }: { field: string }) => field).sort()).toEqual([
      "/model",
      "/sesion_id",
      "/stream",
    ]);
    for (const session_id of ["../a", "a/b", "a".repeat(65), "", "é", "a b"])
      expect((await server.post("/chat", { message: "hi", session_id })).status).toBe(422);
  });
});

describe("stopping", () => {
  test("announces itself to streams, answers who waits with 503, and lets the run be", async () => {
    await using server = await openTestServer({ model: "stall" });
    const stream = await server.post("/chat", { message: "hi", stream: true });
    const waits = server.post("/chat", { message: "hi" });
    const reader = stream.body?.getReader();
    await reader?.read();
    await runsOf(server, 2);
    const stopped = server.http.stop({ graceMs: 50 });
    const answer = await waits;
    const body = await answer.json();
    expect([answer.status, body.code]).toEqual([503, "shutting_down"]);
    expect(answer.headers.get("location")).toMatch(/^\/api\/v1\/runs\/run_/);
    let rest = "";
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read())
      rest += new TextDecoder().decode(part.value);
    expect(rest).toContain("retry: 1000");
    await stopped;
    const { runs } = await server.store.counts();
    expect([runs.failed, runs.cancelled]).toEqual([0, 0]);
    expect(fetch(`${server.url}/health`)).rejects.toThrow();
  });

  test("lets a run that ends in time have its answer", async () => {
    await using server = await openTestServer({ model: "text-10-every-20" });
    const waits = server.post("/chat", { message: "hi" });
    await runsOf(server, 1);
    const stopped = server.http.stop();
    expect((await waits).status).toBe(200);
    await stopped;
  });

  test("does not wait for what no turn will answer before the next start", async () => {
    await using server = await openTestServer({
      model: "stall",
      config: { agent: { max_concurrent_turns: 1 } },
    });
    const waits = [1, 2].map(() => server.post("/chat", { message: "hi" }));
    await runsOf(server, 2);
    const stopped = server.http.stop({ graceMs: 3_600_000, turnsEnded: server.agent.stop(0) });
    for (const answer of await Promise.all(waits)) expect(answer.status).toBe(503);
    await stopped;
  });

  test("the stream of a key that is taken away ends", async () => {
    await using server = await openTestServer({ model: "stall" });
    const stream = await server.post("/chat", { message: "hi", stream: true }, { as: "alice" });
    server.config.change((config) => keepKeys(config, ["bob"]));
    expect(await stream.text()).toContain(": hermes");
  });
});

describe("connections", () => {
  test("an idle one and a header without end are dropped", async () => {
    await using server = await openTestServer();
    const idle = await Promise.all([
      rawExchange(server.port, "GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: "),
      rawExchange(server.port, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"),
      rawExchange(server.port, rawRequest({ method: "GET", path: "/health" }, []).slice(0, 10)),
    ]);
    expect(idle.map(rawStatus)).toEqual([0, 200, 0]);
  }, 20_000);

  test("one that is silent after a turn, a stream or a body is dropped too", async () => {
    await using server = await openTestServer();
    const post = (path: string, body: unknown) =>
      rawRequest({ method: "POST", path: `/api/v1${path}`, body }, [right]).replace(
        "Connection: close\r\n",
        "",
      );
    const idle = await Promise.all([
      rawExchange(server.port, post("/chat", { message: "hi" })),
      rawExchange(server.port, post("/chat", { message: "hi", stream: true })),
      rawExchange(server.port, post("/memory", { key: "a", value: 1 })),
    ]);
    expect(idle.map(rawStatus)).toEqual([200, 200, 200]);
  }, 20_000);
});

/** Resolves once so many runs have been accepted. */
async function runsOf(
  { store }: { store: { counts(): Promise<{ runs: Record<string, number> }> } },
  count: number,
) {
  for (;;) {
    const { runs } = await store.counts();
    if ((runs["running"] ?? 0) + (runs["queued"] ?? 0) >= count) return;
    await Bun.sleep(1);
  }
}
