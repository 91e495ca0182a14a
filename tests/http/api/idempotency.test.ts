import { describe, expect, test } from "bun:test";
import { idempotencyKey } from "../../../src/http/api/idempotency.ts";
import { openTestServer } from "../../support/server.ts";

describe("Idempotency-Key", () => {
  for (const [header, key] of [
    ["abc", "abc"],
    ['"abc"', "abc"],
    ['"a b"', "a b"],
    ['"a\\"b\\\\"', 'a"b\\'],
    ["8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"],
    ["a".repeat(255), "a".repeat(255)],
  ] as const)
    test(`${header.slice(0, 40)} is a key`, () => {
      expect(idempotencyKey(header)).toBe(key);
    });
  for (const header of ["", '""', '"abc', 'a"b', "a b", "a, b", "é", "a".repeat(256), '"a\nb"', '"\\a"'])
    test(`${JSON.stringify(header).slice(0, 40)} is none`, () => {
      expect(() => idempotencyKey(header)).toThrow("Idempotency-Key is not a key.");
    });

  const withKey = (key: string, more: Record<string, string> = {}) => ({
    headers: { "idempotency-key": key, ...more },
  });

  test("a repeat gets the same bytes and runs nothing again, in any order of its fields", async () => {
    await using server = await openTestServer();
    const first = await server.post("/chat", { message: "hi", session_id: "s" }, withKey("k"));
    const second = await server.post("/chat", { session_id: "s", message: "hi" }, withKey('"k"'));
    expect([second.status, await second.text()]).toEqual([200, await first.text()]);
    expect(second.headers.get("x-run-id")).toBe(first.headers.get("x-run-id"));
    expect(server.llm.requests.length).toBe(1);
  });

  test("another body or another endpoint under the same key is 422", async () => {
    await using server = await openTestServer();
    await server.post("/chat", { message: "hi" }, withKey("k"));
    for (const [path, body] of [
      ["/chat", { message: "ho" }],
      ["/chat", { message: "hi", session_id: "s" }],
      ["/execute", { task: "hi" }],
    ] as const) {
      const answer = await server.post(path, body, withKey("k"));
      expect([answer.status, (await answer.json()).code]).toEqual([422, "idempotency_mismatch"]);
    }
  });

  test("while the first request is open a repeat is 409 and says where to look", async () => {
    await using server = await openTestServer({ model: "stall" });
    const first = await server.post("/chat", { message: "hi", stream: true }, withKey("k"));
    const answer = await server.post("/chat", { message: "hi", stream: true }, withKey("k"));
    expect([answer.status, (await answer.json()).code]).toEqual([409, "request_in_flight"]);
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(answer.headers.get("location")).toBe(`/api/v1/runs/${first.headers.get("x-run-id")}`);
    await first.body?.cancel();
  });

  test("a repeated stream that has ended is the same stream", async () => {
    await using server = await openTestServer({ model: "text-5" });
    const first = await server.post("/chat", { message: "hi", stream: true }, withKey("k"));
    const text = await first.text();
    expect(await (await server.post("/chat", { message: "hi", stream: true }, withKey("k"))).text()).toBe(
      text,
    );
  });

  test("a repeated asynchronous request is answered as the first was, open or not", async () => {
    await using server = await openTestServer({ model: "text-5-every-2" });
    const send = () => server.post("/execute", { task: "hi" }, withKey("k", { prefer: "respond-async" }));
    const first = await send();
    const body = await first.text();
    const repeat = await send();
    expect([first.status, repeat.status, await repeat.text()]).toEqual([202, 202, body]);
    await server.agent.finished(JSON.parse(body).run_id, AbortSignal.timeout(4000));
    expect(await (await send()).text()).toBe(body);
    expect((await server.store.counts()).runs.completed).toBe(1);
  });

  test("five at once are one run", async () => {
    await using server = await openTestServer();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => server.post("/chat", { message: "hi" }, withKey("k"))),
    );
    const runs = new Set(answers.map((answer) => answer.headers.get("x-run-id")));
    expect(runs.size).toBe(1);
    for (const { status } of answers) expect([200, 409]).toContain(status);
    expect(server.llm.requests.length).toBe(1);
  });

  test("the same key of two callers is two keys", async () => {
    await using server = await openTestServer();
    const alice = await server.post("/chat", { message: "hi" }, { as: "alice", ...withKey("k") });
    const bob = await server.post("/chat", { message: "ho" }, { as: "bob", ...withKey("k") });
    expect([alice.status, bob.status]).toEqual([200, 200]);
    expect(bob.headers.get("x-run-id")).not.toBe(alice.headers.get("x-run-id"));
  });

  test("a header that is no key is 400 and runs nothing", async () => {
    await using server = await openTestServer();
    expect((await server.post("/chat", { message: "hi" }, withKey("a b"))).status).toBe(400);
    expect(server.llm.requests).toEqual([]);
  });
});
