import { describe, expect, test } from "bun:test";
import { openTestServer } from "../../support/server.ts";

const withoutComments = (text: string) => text.replace(/^: .*\n\n/gm, "");

describe("/runs", () => {
  test("shows a run from its acceptance to its end", async () => {
    await using server = await openTestServer({ model: "text-5-every-2" });
    const prefer = { headers: { prefer: "respond-async" } };
    const { run_id, session_id } = await (await server.post("/execute", { task: "hi" }, prefer)).json();
    const open = await (await server.call(`/runs/${run_id}`)).json();
    expect(["queued", "running"]).toContain(open.status);
    expect(open).toMatchObject({ run_id, session_id, kind: "execute", response: null, error: null });
    await server.agent.finished(run_id, AbortSignal.timeout(4000));
    const ended = await (await server.call(`/runs/${run_id}`)).json();
    expect(ended).toMatchObject({ status: "completed", model: "fake/text-5-every-2", finish_reason: "stop" });
    expect(ended.response).toBeString();
    expect(Date.parse(ended.finished_at)).toBeGreaterThanOrEqual(Date.parse(ended.created_at));
  });

  test("events go on after Last-Event-ID, byte for byte, cut anywhere", async () => {
    await using server = await openTestServer({ model: "text-30-every-1" });
    const stream = await server.post("/chat", { message: "hi", stream: true });
    const path = `/runs/${stream.headers.get("x-run-id")}/events`;
    const whole = withoutComments(await stream.text());
    const parts = whole.split(/(?<=\n\n)/);
    for (let cut = 0; cut <= parts.length; cut++) {
      const id = /^id: (\d+)$/m.exec(parts[cut - 1] ?? "")?.[1] ?? "0";
      const rest = await server.call(path, { headers: { "last-event-id": id } });
      expect(parts.slice(0, cut).join("") + withoutComments(await rest.text())).toBe(whole);
    }
    expect((await server.call(path, { headers: { "last-event-id": "x" } })).status).toBe(400);
  });

  test("a second client may follow a run that is still open", async () => {
    await using server = await openTestServer({ model: "text-20-every-5" });
    const first = await server.post("/chat", { message: "hi", stream: true });
    const second = await server.call(`/runs/${first.headers.get("x-run-id")}/events`);
    const [a, b] = await Promise.all([first.text(), second.text()]);
    expect(withoutComments(b)).toBe(withoutComments(a));
  });

  test("a cancelled run ends, says so to whoever waits, and cannot be cancelled twice", async () => {
    await using server = await openTestServer({ model: "stall" });
    const prefer = { headers: { prefer: "respond-async" } };
    const { run_id } = await (await server.post("/chat", { message: "hi", session_id: "s" }, prefer)).json();
    const events = server.call(`/runs/${run_id}/events`);
    const cancel = () => server.call(`/runs/${run_id}/cancel`, { method: "POST" });
    expect(await (await cancel()).json()).toMatchObject({ run_id, cancelled: true });
    const run = await server.agent.finished(run_id, AbortSignal.timeout(4000));
    expect(run.status).toBe("cancelled");
    expect(await (await events).text()).toContain('"status":"cancelled"');
    expect(await (await cancel()).json()).toMatchObject({ status: "cancelled", cancelled: false });
  });

  test("a waiting request whose run is cancelled gets 409", async () => {
    await using server = await openTestServer({ model: "stall" });
    const waiting = server.post("/chat", { message: "hi" });
    let runId: string | undefined;
    while (runId === undefined) {
      runId = (await server.store.runs.list({ limit: 1 })).items[0]?.id;
      await Bun.sleep(1);
    }
    await server.call(`/runs/${runId}/cancel`, { method: "POST" });
    const answer = await waiting;
    expect([answer.status, (await answer.json()).code]).toEqual([409, "run_cancelled"]);
  });

  test("what belongs to somebody else is not there", async () => {
    await using server = await openTestServer();
    const mine = await server.post(
      "/chat",
      { message: "my secret plan", session_id: "mine" },
      { as: "alice" },
    );
    const runId = mine.headers.get("x-run-id");
    await server.post("/memory", { key: "mine", value: "my secret" }, { as: "alice" });
    const requests = [
      ["GET", `/runs/${runId}`],
      ["GET", `/runs/${runId}/events`],
      ["POST", `/runs/${runId}/cancel`],
      ["GET", "/sessions/mine/messages"],
      ["DELETE", "/sessions/mine"],
      ["GET", "/memory?key=mine"],
      ["DELETE", "/memory?key=mine"],
    ] as const;
    for (const [method, path] of requests) {
      const answer = await server.call(path, { method, as: "bob" });
      expect([method, path, answer.status]).toEqual([method, path, 404]);
      expect(await answer.text()).not.toContain("secret");
    }
    for (const path of ["/sessions", "/sessions?q=secret", "/memory", "/memory?q=secret"])
      expect(await (await server.call(path, { as: "bob" })).text()).not.toContain("secret");
    for (const path of ["/sessions?owner=api:alice", "/sessions/mine/messages?owner=api:alice"])
      expect((await server.call(path, { as: "bob" })).status).toBe(403);
    await server.post("/chat", { message: "hi", session_id: "mine" }, { as: "bob" });
    expect(
      (await (await server.call("/sessions/mine/messages", { as: "alice" })).json()).messages.length,
    ).toBe(2);
  });

  test("an admin reaches everybody's", async () => {
    await using server = await openTestServer();
    const mine = await server.post("/chat", { message: "hi", session_id: "mine" }, { as: "alice" });
    const as = { as: "admin" } as const;
    expect((await server.call(`/runs/${mine.headers.get("x-run-id")}`, as)).status).toBe(200);
    expect((await (await server.call("/sessions?owner=api:alice", as)).json()).sessions.length).toBe(1);
    expect((await server.call("/sessions/mine/messages", as)).status).toBe(404);
    expect((await server.call("/sessions/mine/messages?owner=api:alice", as)).status).toBe(200);
  });
});
