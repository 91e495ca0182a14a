import { describe, expect, test } from "bun:test";
import { openTestServer } from "../../support/server.ts";

describe("/sessions", () => {
  test("lists newest first, page by page", async () => {
    await using server = await openTestServer();
    for (const n of [1, 2, 3]) await server.post("/chat", { message: `message ${n}`, session_id: `s${n}` });
    const first = await (await server.call("/sessions?limit=2")).json();
    expect(first.sessions.map(({ session_id }: { session_id: string }) => session_id)).toEqual(["s3", "s2"]);
    expect(first.sessions[0]).toMatchObject({ owner: "api:owner", title: "message 3", message_count: 2 });
    const rest = await (
      await server.call(`/sessions?limit=2&cursor=${encodeURIComponent(first.next_cursor)}`)
    ).json();
    expect(rest.sessions.map(({ session_id }: { session_id: string }) => session_id)).toEqual(["s1"]);
    expect(rest.next_cursor).toBeNull();
    expect((await server.call("/sessions?cursor=nonsense")).status).toBeWithin(400, 500);
  });

  test("finds a Chinese word of two characters, and takes any text", async () => {
    await using server = await openTestServer();
    await server.post("/chat", { message: "今天天气怎么样", session_id: "weather" });
    const { results } = await (await server.call(`/sessions?q=${encodeURIComponent("天气")}`)).json();
    expect(results[0]).toMatchObject({ session_id: "weather", role: "user" });
    for (const q of ['"', "a AND", "*", "NEAR(", "%", "'; DROP", "\u0000", "x".repeat(1000)])
      expect([q, (await server.call(`/sessions?q=${encodeURIComponent(q)}`)).status]).toEqual([q, 200]);
  });

  test("shows the messages with their tools, oldest first", async () => {
    await using server = await openTestServer({ model: "script" });
    const task = 'call memory_write {"key":"a","value":1}\nsay Done.';
    await server.post("/execute", { task, session_id: "s" });
    const { messages } = await (await server.call("/sessions/s/messages")).json();
    expect(messages).toMatchObject([
      { role: "user", content: task },
      { role: "assistant", tool_calls: [{ name: "memory_write" }] },
      { role: "tool", tool: "memory_write", is_error: false },
      { role: "assistant", content: "Done." },
    ]);
    const page = await (await server.call("/sessions/s/messages?limit=3")).json();
    const rest = await (await server.call(`/sessions/s/messages?cursor=${page.next_cursor}`)).json();
    expect([...page.messages, ...rest.messages]).toEqual(messages);
  });

  test("a deleted session is gone with its runs; one with an open run is kept", async () => {
    await using server = await openTestServer();
    const chat = await server.post("/chat", { message: "hi", session_id: "s" });
    const remove = () => server.call("/sessions/s", { method: "DELETE" });
    expect((await remove()).status).toBe(204);
    expect((await remove()).status).toBe(404);
    expect((await server.call(`/runs/${chat.headers.get("x-run-id")}`)).status).toBe(404);
    const headers = { prefer: "respond-async" };
    await server.post("/chat", { message: "hi", session_id: "s", model: "fake/stall" }, { headers });
    expect((await remove()).status).toBe(409);
  });
});
