import { describe, expect, test } from "bun:test";
import { createSseParser } from "../../../src/lib/sse.ts";
import { openTestServer } from "../../support/server.ts";

const events = async (answer: Response) =>
  createSseParser({ maxEventChars: 1_000_000 }).push(new Uint8Array(await answer.arrayBuffer()));

describe("POST /chat", () => {
  test("answers with everything that is needed to go on", async () => {
    await using server = await openTestServer({ model: "echo" });
    const answer = await server.post("/chat", { message: "你好" });
    const body = await answer.json();
    expect(answer.status).toBe(200);
    expect(body).toEqual({
      response: "你好",
      session_id: expect.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
      run_id: answer.headers.get("x-run-id"),
      model: "fake/echo",
      finish_reason: "stop",
      usage: expect.objectContaining({
        input_tokens: expect.any(Number),
        output_tokens: expect.any(Number),
        total_tokens: expect.any(Number),
      }),
    });
    expect(answer.headers.get("location")).toBe(`/api/v1/runs/${body.run_id}`);
  });

  test("a null for an optional member counts as none", async () => {
    await using server = await openTestServer({ model: "echo" });
    const answer = await server.post("/chat", { message: "hi", session_id: null, model: null });
    expect([answer.status, (await answer.json()).response]).toEqual([200, "hi"]);
  });

  test("goes on with a session that is named, and makes it when it is new", async () => {
    await using server = await openTestServer({ model: "recall" });
    const first = await (await server.post("/chat", { message: "one", session_id: "my-session" })).json();
    const second = await (await server.post("/chat", { message: "two", session_id: "my-session" })).json();
    expect([first.session_id, second.session_id]).toEqual(["my-session", "my-session"]);
    const page = await (await server.call("/sessions/my-session/messages")).json();
    expect(page.messages.map(({ role }: { role: string }) => role)).toEqual([
      "user",
      "assistant",
      "user",
      "assistant",
    ]);
  });

  test("uses the model that is named, and refuses one that is not there", async () => {
    await using server = await openTestServer();
    expect((await (await server.post("/chat", { message: "hi", model: "fake/echo" })).json()).response).toBe(
      "hi",
    );
    const answer = await server.post("/chat", { message: "hi", model: "faik/echo" });
    expect([answer.status, (await answer.json()).code]).toEqual([422, "unknown_model"]);
    expect((await server.store.counts()).runs).toMatchObject({
      queued: 0,
      running: 0,
      completed: 1,
      failed: 0,
    });
  });

  for (const [how, body, headers] of [
    ["by the body", { stream: true }, {}],
    ["by Accept", {}, { accept: "text/event-stream" }],
    ["by Accept among others", { stream: false }, { accept: "application/json, text/event-stream;q=0.9" }],
  ] as const)
    test(`streams when asked ${how}, byte for byte what is stored`, async () => {
      await using server = await openTestServer({ model: "text-5-every-2" });
      const answer = await server.post("/chat", { message: "hi", ...body }, { headers: { ...headers } });
      expect(answer.headers.get("content-type")).toBe("text/event-stream");
      const runId = answer.headers.get("x-run-id") ?? "";
      const seen = await events(answer);
      const stored = await server.store.runs.events(runId, 0, 1000);
      expect(seen).toEqual(stored.map(({ seq, type, data }) => ({ id: String(seq), event: type, data })));
      expect(seen.at(0)?.event).toBe("run.started");
      expect(seen.at(-1)?.event).toBe("run.completed");
      const said = seen
        .filter(({ event }) => event === "message.delta")
        .map(({ data }) => JSON.parse(data).delta);
      expect(JSON.parse(seen.at(-1)?.data ?? "{}").response).toBe(said.join(""));
    });

  test("an error before the stream is a problem, one inside it an event", async () => {
    await using server = await openTestServer();
    const refused = await server.post("/chat", { message: "hi", stream: true, model: "nobody/x" });
    expect([refused.status, refused.headers.get("content-type")]).toEqual([422, "application/problem+json"]);
    const failing = await events(
      await server.post("/chat", { message: "hi", stream: true, model: "fake/500" }),
    );
    expect(failing.at(-1)?.event).toBe("run.failed");
  });

  for (const [model, status] of [
    ["500", 502],
    ["429", 503],
    ["401", 502],
    ["truncated-3", 502],
    ["badjson", 502],
  ] as const)
    test(`a model that does ${model} gives ${status} with the run, never half an answer`, async () => {
      await using server = await openTestServer({ model });
      const answer = await server.post("/chat", { message: "hi" });
      const body = await answer.json();
      expect([answer.status, body.status]).toEqual([status, status]);
      expect(body.run_id).toBe(answer.headers.get("x-run-id"));
      expect(body.code).toStartWith("model_");
      expect(body).not.toHaveProperty("response");
      expect((await (await server.call(`/runs/${body.run_id}`)).json()).status).toBe("failed");
    });

  test("is taken on at once when the client prefers that", async () => {
    await using server = await openTestServer({ model: "stall" });
    const answer = await server.post(
      "/chat",
      { message: "hi" },
      { headers: { prefer: "wait=5, respond-async" } },
    );
    const body = await answer.json();
    expect(answer.status).toBe(202);
    expect(answer.headers.get("preference-applied")).toBe("respond-async");
    expect(answer.headers.get("location")).toBe(`/api/v1/runs/${body.run_id}`);
    expect((await server.store.runs.get(body.run_id))?.id).toBe(body.run_id);
  });

  test("a client that goes away leaves its run alone", async () => {
    await using server = await openTestServer({ model: "text-20-every-5" });
    const answer = await server.post("/chat", { message: "hi", stream: true });
    const runId = answer.headers.get("x-run-id") ?? "";
    await answer.body?.cancel();
    const run = await server.agent.finished(runId, AbortSignal.timeout(4000));
    expect(run.status).toBe("completed");
  });
});
