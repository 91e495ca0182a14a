import { describe, expect, test } from "bun:test";
import { openSession, openTestMcp, postLegacy, testTool } from "../support/mcp.ts";

const LIST = { id: 1, method: "tools/list" };

/** Resolves once the condition holds; the sweep of sessions is the only thing in between. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await Bun.sleep(10);
}

describe("sessions", () => {
  test("a session answers only to the key that opened it", async () => {
    await using mcp = await openTestMcp();
    const session = await openSession(mcp.url, "alice");
    expect((await postLegacy(mcp.url, LIST, { session, key: "alice" })).status).toBe(200);
    expect((await postLegacy(mcp.url, LIST, { session, key: "bob" })).status).toBe(404);
    expect((await postLegacy(mcp.url, LIST, { session: "mcp_none", key: "alice" })).status).toBe(404);
    expect((await postLegacy(mcp.url, LIST, { key: "alice" })).status).toBe(400);
    const headers = { "mcp-session-id": session, "x-api-key": "bob" };
    expect((await fetch(mcp.url, { method: "DELETE", headers })).status).toBe(404);
    expect(mcp.endpoint.sessions).toBe(1);
  });

  test("a session is over after DELETE, and when its key is dropped", async () => {
    await using mcp = await openTestMcp();
    const [first, second] = [await openSession(mcp.url, "alice"), await openSession(mcp.url, "bob")];
    const headers = { "mcp-session-id": first, "x-api-key": "alice" };
    expect((await fetch(mcp.url, { method: "DELETE", headers })).status).toBe(200);
    expect((await postLegacy(mcp.url, LIST, { session: first, key: "alice" })).status).toBe(404);
    expect((await postLegacy(mcp.url, LIST, { session: second, key: "bob" })).status).toBe(200);
    mcp.endpoint.dropKeys((keyId) => keyId !== "bob");
    expect((await postLegacy(mcp.url, LIST, { session: second, key: "bob" })).status).toBe(404);
    expect(mcp.endpoint.sessions).toBe(0);
  });

  test("the one that was silent for longest gives way, and never one that is in use", async () => {
    const started = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const wait = testTool("terminal_wait", async () => {
      started.resolve();
      await released.promise;
      return "done";
    });
    await using mcp = await openTestMcp({ tools: [wait], mcp: { max_sessions: 3 } });
    const busy = await openSession(mcp.url);
    const call = { id: 2, method: "tools/call", params: { name: "terminal_wait", arguments: {} } };
    const answer = postLegacy(mcp.url, call, { session: busy }).then((response) => response.text());
    await started.promise;
    const [oldest, newer] = [await openSession(mcp.url), await openSession(mcp.url)];
    await openSession(mcp.url);
    expect(mcp.endpoint.sessions).toBe(3);
    expect((await postLegacy(mcp.url, LIST, { session: oldest })).status).toBe(404);
    expect((await postLegacy(mcp.url, LIST, { session: newer })).status).toBe(200);
    released.resolve();
    expect(await answer).toContain("done");
  });

  test("who opens many sessions drives out his own, not those of others", async () => {
    await using mcp = await openTestMcp({ mcp: { max_sessions: 4 } });
    const open = (key: string) => openSession(mcp.url, key);
    const statusOf = async (session: string, key: string) =>
      (await postLegacy(mcp.url, LIST, { session, key })).status;
    const quiet = await open("quiet");
    const many: string[] = [];
    for (let n = 0; n < 9; n++) many.push(await open("greedy"));
    expect(mcp.endpoint.sessions).toBe(4);
    expect(await statusOf(quiet, "quiet")).toBe(200);
    expect(await Promise.all(many.slice(-4).map((id) => statusOf(id, "greedy")))).toEqual([
      404, 200, 200, 200,
    ]);
  });

  test("a silent session ends, one whose client listens does not", async () => {
    await using mcp = await openTestMcp({ mcp: { session_ttl_ms: 1000 } });
    mcp.config.change((config) => {
      config.mcp.session_ttl_ms = 100;
    });
    const silent = await openSession(mcp.url);
    const listening = await openSession(mcp.url);
    const leaving = new AbortController();
    const stream = await fetch(mcp.url, {
      headers: { accept: "text/event-stream", "mcp-session-id": listening, "x-api-key": "none" },
      signal: leaving.signal,
    });
    expect(stream.status).toBe(200);
    await until(() => mcp.endpoint.sessions === 1);
    expect((await postLegacy(mcp.url, LIST, { session: silent })).status).toBe(404);
    expect((await postLegacy(mcp.url, LIST, { session: listening })).status).toBe(200);
    leaving.abort();
    await until(() => mcp.endpoint.sessions === 0);
  });

  test("two requests of one session cannot share an id while both run", async () => {
    const released = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    const wait = testTool("terminal_wait", async () => {
      started.resolve();
      await released.promise;
      return "done";
    });
    await using mcp = await openTestMcp({ tools: [wait] });
    const session = await openSession(mcp.url);
    const call = { id: 2, method: "tools/call", params: { name: "terminal_wait", arguments: {} } };
    const answer = postLegacy(mcp.url, call, { session });
    await started.promise;
    expect((await postLegacy(mcp.url, call, { session })).status).toBe(400);
    released.resolve();
    expect(await (await answer).text()).toContain("done");
  });

  test("a change of the configuration is told to those who listen", async () => {
    await using mcp = await openTestMcp();
    const session = await openSession(mcp.url);
    const stream = await fetch(mcp.url, {
      headers: { accept: "text/event-stream", "mcp-session-id": session, "x-api-key": "none" },
    });
    mcp.config.change((config) => {
      config.tools.groups = ["memory"];
    });
    const reader = (stream.body as ReadableStream<Uint8Array>).getReader();
    let seen = "";
    while (!seen.includes("prompts/list_changed"))
      seen += new TextDecoder().decode((await reader.read()).value);
    expect(seen).toContain("notifications/tools/list_changed");
    await reader.cancel();
  });
});
