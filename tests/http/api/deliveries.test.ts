import { describe, expect, test } from "bun:test";
import type { WebhookAttempt } from "../../../src/store/webhook-records.ts";
import { openTestServer, type TestServer } from "../../support/server.ts";
import { newRun } from "../../support/store.ts";

const ERROR = { code: "endpoint_refused", message: "It answered 500." };
const ATTEMPT: WebhookAttempt = {
  startedAt: Date.parse("2026-11-22T08:00:00Z"),
  durationMs: 20,
  request: { url: "https://example.com/hook", headers: { "webhook-id": "evt_1" } },
  response: { status: 500, headers: { server: "x" }, body: "oops" },
  error: ERROR,
};
const OUTBOUND = { enabled: true, url: "https://example.com/hook", secret: "a secret of the tests" };
const open = () => openTestServer({ config: { gateway: { webhook: { outbound: OUTBOUND } } } });

/** Events that others are told of; those named after a status have it. */
async function tell({ store }: TestServer, ...ids: string[]): Promise<void> {
  for (const id of ids)
    await store.runs.accept(
      newRun({ told: { id, type: "task.completed", body: `{"id":"${id}"}`, endpoints: ["default"] } }),
    );
  const { items } = await store.webhooks.list({ limit: 100, status: "due" });
  for (const { id, eventId } of items)
    if (eventId.startsWith("sent"))
      await store.webhooks.record(id, { ...ATTEMPT, error: null }, { status: "sent" });
    else if (eventId.startsWith("dead")) await store.webhooks.record(id, ATTEMPT, { status: "dead" });
}

const list = async (server: TestServer, query = "") => {
  const { deliveries } = await (await server.call(`/deliveries${query}`)).json();
  return deliveries.map((one: { event_id: string }) => one.event_id);
};

describe("/deliveries", () => {
  test("lists page by page, newest first, and by filter", async () => {
    await using server = await open();
    await tell(server, "sent1", "dead1", "due1");
    expect(await list(server)).toEqual(["due1", "dead1", "sent1"]);
    const first = await (await server.call("/deliveries?limit=2")).json();
    expect(await list(server, `?limit=2&cursor=${first.next_cursor}`)).toEqual(["sent1"]);
    expect(await list(server, "?status=dead")).toEqual(["dead1"]);
    expect(await list(server, "?endpoint=other")).toEqual([]);
    expect(await list(server, "?type=task.completed&endpoint=default")).toHaveLength(3);
    expect(await list(server, "?type=agent.error")).toEqual([]);
    expect(await list(server, "?since=2100-01-01T00:00Z")).toEqual([]);
    expect(
      await list(server, "?until=2100-01-01T00:00:00.5%2B02:00&since=2000-01-01T00:00:00Z"),
    ).toHaveLength(3);
  });

  test("what is no status, no event and no time is 422", async () => {
    await using server = await open();
    for (const query of [
      "status=lost",
      "type=x",
      "since=yesterday",
      "since=2026-13-45T00:00:00Z",
      "endpoint=a%20b",
    ])
      expect([query, (await server.call(`/deliveries?${query}`)).status]).toEqual([query, 422]);
    expect((await server.post("/deliveries", {})).status).toBe(422);
  });

  test("shows one with its payload, and each try with request and answer", async () => {
    await using server = await open();
    await tell(server, "dead1");
    const { deliveries } = await (await server.call("/deliveries")).json();
    const shown = await (await server.call(`/deliveries/${deliveries[0].id}`)).json();
    expect(shown).toEqual({
      ...deliveries[0],
      payload: { id: "dead1" },
      tries: [
        {
          started_at: "2026-11-22T08:00:00.000Z",
          duration_ms: 20,
          request: ATTEMPT.request,
          response: ATTEMPT.response,
          error: ERROR,
        },
      ],
    });
    expect(shown).toMatchObject({ status: "dead", attempts: 1, error: ERROR, next_attempt_at: null });
  });

  test("one is replayed, and all of a time", async () => {
    await using server = await open();
    await tell(server, "sent1", "dead1", "due1");
    const { deliveries } = await (await server.call("/deliveries?status=dead")).json();
    const replayed = await server.post(`/deliveries/${deliveries[0].id}/replay`, undefined);
    expect(await replayed.json()).toMatchObject({
      id: deliveries[0].id,
      status: "due",
      attempts: 0,
      error: null,
    });
    const replay = async (body: object) => (await server.post("/deliveries", body)).json();
    expect(await replay({ since: "2100-01-01T00:00:00Z" })).toEqual({ replayed: 0 });
    expect(await replay({ since: "2000-01-01T00:00:00Z", status: "dead" })).toEqual({ replayed: 0 });
    expect(await replay({ since: "2000-01-01T00:00:00Z" })).toEqual({ replayed: 1 });
    expect(await list(server, "?status=due")).toHaveLength(3);
    expect((await server.post("/deliveries/whd_none/replay", undefined)).status).toBe(404);
  });

  test("is for the operator only: other keys are refused, whatever they may else", async () => {
    await using server = await open();
    await tell(server, "dead1");
    for (const as of ["read", "chat", "tools", "alice"] as const)
      expect((await server.call("/deliveries", { as })).status).toBe(403);
    expect((await server.call("/deliveries", { as: "admin" })).status).toBe(200);
  });
});

test("/status tells how the endpoints are, and what to do about one that is disabled", async () => {
  await using server = await open();
  const endpoints = async () => (await (await server.call("/status")).json()).webhook_endpoints;
  const nothing = { endpoint: "default", due: 0, dead: 0, last_success_at: null, failing_since: null };
  expect(await endpoints()).toEqual([{ ...nothing, state: "ok" }]);
  await tell(server, "dead1", "due1");
  expect(await endpoints()).toMatchObject([{ state: "failing", due: 1, dead: 1 }]);
  const { hash } = await import("node:crypto");
  await server.store.webhooks.disable("default", { urlDigest: hash("sha256", OUTBOUND.url), error: ERROR });
  expect(await endpoints()).toMatchObject([
    {
      state: "disabled",
      due: 0,
      dead: 2,
      notice: {
        message: expect.stringMatching(/^Disabled at .*Z: It answered 500\.$/),
        hint: "hermes webhook endpoints enable default",
      },
    },
  ]);
});
