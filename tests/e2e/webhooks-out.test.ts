import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync } from "node:fs";
import {
  HERMES_COMMAND,
  type Hermes,
  makeHome,
  runHermes,
  type Service,
  startFakeLlm,
  startHermes,
  startService,
  testConfig,
} from "../support/hermes.ts";

setDefaultTimeout(60_000);

const SECRET = "outbound-secret-of-the-tests";
let fake: Service;
let listener: Service;
let hermes: Hermes;
let home: string;

beforeAll(async () => {
  fake = await startFakeLlm();
  home = makeHome();
  listener = await startService(
    [...HERMES_COMMAND, "webhook", "listen", "--port", "0", "--secret-env", "THE_SECRET", "--json"],
    { cwd: home, env: { HOME: home, HERMES_HOME: home, THE_SECRET: SECRET } },
  );
  const outbound = { enabled: true, url: `${listener.url}/hook`, secret: SECRET, events: ["*"] };
  hermes = await startHermes({
    config: {
      ...testConfig(fake.url, "hello"),
      network: { allow_cidrs: ["127.0.0.1/32"] },
      gateway: { webhook: { outbound } },
    },
  });
});
afterAll(async () => {
  await hermes.remove();
  await listener.kill();
  await fake.kill();
  rmSync(home, { recursive: true, force: true });
});

/** What the listener has printed, once it has had so many events. One may come twice. */
async function received(count: number) {
  for (;;) {
    const lines = listener.output().split("\n");
    const all = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
    if (idsOf(all).size >= count) return all;
    await Bun.sleep(20);
  }
}

function idsOf(requests: readonly { headers: Record<string, string> }[]): Set<string> {
  return new Set(requests.map(({ headers }) => headers["webhook-id"] ?? ""));
}

test("Hermes tells of a message, its start and its answer; the listener verifies both signatures", async () => {
  const answer = await fetch(hermes.api("/chat"), {
    method: "POST",
    headers: hermes.headers,
    body: JSON.stringify({ message: "hi", session_id: "s1" }),
  });
  const { run_id: runId, response } = await answer.json();
  const events = await received(3);
  expect(events.map(({ method, path, status }) => `${method} ${path} ${status}`)).toEqual(
    Array(3).fill("POST /hook 200"),
  );
  for (const { signatures } of events)
    expect(signatures).toEqual([
      { scheme: "hermes", ok: true },
      { scheme: "standard", ok: true },
    ]);
  const payloads = events.map(({ body }) => JSON.parse(body));
  expect(new Set(payloads.map(({ type }) => type))).toEqual(
    new Set(["message.received", "task.started", "task.completed"]),
  );
  const whose = { run_id: runId, session_id: "s1", owner: "api:owner", kind: "chat" };
  for (const payload of payloads) expect(payload.data).toMatchObject(whose);
  expect(payloads.find(({ type }) => type === "task.completed").data.response).toBe(response);

  const { stdout } = await runHermes(["webhook", "deliveries", "list", "--json"], hermes.home);
  const { deliveries } = JSON.parse(stdout);
  expect(
    deliveries.map(({ status, attempts }: { status: string; attempts: number }) => [status, attempts]),
  ).toEqual(Array(3).fill(["sent", 1]));
});

test("what happened while nobody took it is sent after a SIGKILL and a restart, under the id that it had", async () => {
  await listener.kill();
  await fetch(hermes.api("/chat"), { method: "POST", headers: hermes.headers, body: '{"message":"again"}' });
  await hermes.service.kill();
  const { port } = new URL(listener.url);
  listener = await startService(
    [...HERMES_COMMAND, "webhook", "listen", "--port", port, "--secret-env", "THE_SECRET", "--json"],
    { cwd: home, env: { HOME: home, HERMES_HOME: home, THE_SECRET: SECRET } },
  );
  await hermes.restart();
  const replayed = await runHermes(["webhook", "replay", "--since", "1h"], hermes.home);
  expect(replayed.code).toBe(0);
  const { stdout } = await runHermes(["webhook", "deliveries", "list", "--json"], hermes.home);
  const ids: string[] = JSON.parse(stdout).deliveries.map((one: { event_id: string }) => one.event_id);
  expect(ids).toHaveLength(6);
  expect(idsOf(await received(6))).toEqual(new Set(ids));
});

test("what nobody has signed gets 401 from the listener", async () => {
  const answer = await fetch(listener.url, {
    method: "POST",
    body: "{}",
    headers: { "x-hermes-signature": "sha256=00" },
  });
  expect(answer.status).toBe(401);
  expect((await fetch(listener.url, { method: "POST", body: "{}" })).status).toBe(401);
});
