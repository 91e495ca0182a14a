import { describe, expect, test } from "bun:test";
import { openTestServer, type TestServer, type TokenName } from "../../support/server.ts";
import { probeTool } from "../../support/tools.ts";

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

describe("/runs/{run_id}/approvals", () => {
  /** A run of this key that waits for an approval. */
  async function waiting(server: TestServer, as: TokenName) {
    const task = 'call todolist_probe {"word": "rm"}';
    const prefer = { headers: { prefer: "respond-async" }, as };
    const { run_id } = await (await server.post("/execute", { task }, prefer)).json();
    for (;;) {
      const run = await (await server.call(`/runs/${run_id}`, { as })).json();
      if (run.approvals.length > 0)
        return { run, path: `/runs/${run_id}/approvals/${run.approvals[0].approval_id}` };
      await Bun.sleep(1);
    }
  }
  const open = (ran: string[]) =>
    openTestServer({
      model: "script",
      tools: [probeTool(ran, { name: "todolist_probe", group: "todolist", asks: true })],
    });

  test("a run shows what it asks, and goes on with the answer", async () => {
    const ran: string[] = [];
    await using server = await open(ran);
    const { run, path } = await waiting(server, "owner");
    expect(run).toMatchObject({
      status: "running",
      approvals: [{ tool: "todolist_probe", question: "May todolist_probe go on?", details: "rm" }],
    });
    const bad = await server.post(path, { decision: "approve", approved: true });
    expect([bad.status, ran]).toEqual([422, []]);
    for (const [body, detail] of [
      [{ decision: "yes" }, 'decision: must be "approve" or "deny".'],
      [{ decision: "deny", reason: 1 }, "reason: must be text of 0 to 1000 characters."],
    ] as const) {
      const wrong = await server.post(path, body);
      expect([wrong.status, (await wrong.json()).detail]).toEqual([422, detail]);
    }
    const answer = await server.post(path, { decision: "approve" });
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { run_id: run.run_id, approval_id: run.approvals[0].approval_id, decision: "approve" },
    ]);
    await server.agent.finished(run.run_id, AbortSignal.timeout(4000));
    expect(ran).toEqual(["rm"]);
    const ended = await (await server.call(`/runs/${run.run_id}`)).json();
    expect(ended).toMatchObject({ status: "completed", approvals: [] });
    const again = await server.post(path, { decision: "deny" });
    expect([again.status, (await again.json()).code]).toEqual([409, "conflict"]);
  });

  test("a denial with its reason reaches the model, and the events tell it, byte for byte again", async () => {
    const ran: string[] = [];
    await using server = await open(ran);
    const { run, path } = await waiting(server, "owner");
    const events = `/runs/${run.run_id}/events`;
    const live = server.call(events);
    await server.post(path, { decision: "deny", reason: "not on a Friday" });
    const ended = await server.agent.finished(run.run_id, AbortSignal.timeout(4000));
    expect(ended.response).toContain("it was denied: not on a Friday. Do not try");
    expect(ran).toEqual([]);
    const whole = withoutComments(await (await live).text());
    expect(whole).toContain("event: approval.requested");
    expect(whole).toContain('"approved":false,"reason":"not on a Friday"');
    const parts = whole.split(/(?<=\n\n)/);
    for (let cut = 0; cut <= parts.length; cut++) {
      const id = /^id: (\d+)$/m.exec(parts[cut - 1] ?? "")?.[1] ?? "0";
      const rest = await server.call(events, { headers: { "last-event-id": id } });
      expect(parts.slice(0, cut).join("") + withoutComments(await rest.text())).toBe(whole);
    }
  });

  test("nobody but its owner decides, and a key that only reads does not", async () => {
    const ran: string[] = [];
    await using server = await open(ran);
    const { run, path } = await waiting(server, "alice");
    const refusals: [TokenName | null, number][] = [
      ["bob", 404],
      ["chat", 404],
      ["read", 403],
      [null, 401],
    ];
    for (const [as, status] of refusals)
      expect([as, (await server.post(path, { decision: "approve" }, { as })).status]).toEqual([as, status]);
    const other = await waiting(server, "bob");
    const foreign = path.replace(run.run_id, other.run.run_id);
    expect((await server.post(foreign, { decision: "approve" }, { as: "bob" })).status).toBe(404);
    expect(ran).toEqual([]);
    expect((await server.post(path, { decision: "approve" }, { as: "alice" })).status).toBe(200);
    await server.agent.finished(run.run_id, AbortSignal.timeout(4000));
    expect(ran).toEqual(["rm"]);
  });
});
