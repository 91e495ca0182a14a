// Proves that an event which a webhook has acknowledged is done, by exactly one run, however often it is delivered and whatever
// happens to the process: signed events are sent while `hermes gateway --webhook` is killed with SIGKILL at random moments and
// started again on the same home. Some events are delivered ten times, some under one id to two routes.
import { Database } from "bun:sqlite";
import { parseArgs } from "node:util";
import { startHermes, testConfig } from "../../tests/support/hermes.ts";
import { startRecordingModel } from "./recording-model.ts";
import { createVerdict, readCount } from "./verdict.ts";
import { deliver, eventOf, ROUTES, SECRET, type SentEvent, type Target } from "./webhooks-senders.ts";

const DRAIN_TIMEOUT_MS = 300_000;
/** Deliveries of an event that comes more than once: half of them at once, the others spread over the run. */
const TIMES = 10;

const { values: options } = parseArgs({
  options: {
    events: { type: "string", default: "20000" },
    repeated: { type: "string", default: "1000" },
    kills: { type: "string", default: "200" },
    senders: { type: "string", default: "48" },
    short: { type: "boolean", default: false },
  },
});
const total = options.short ? 2000 : readCount(options.events, "events");
const repeated = options.short ? 100 : readCount(options.repeated, "repeated");
const kills = options.short ? 20 : readCount(options.kills, "kills");
const senders = readCount(options.senders, "senders");

const verdict = createVerdict("every acknowledged event is done, by exactly one run for each route and id");
const model = startRecordingModel();
const route = { scheme: "standard", prompt: "{{payload.prompt}}", session: "customer-{{payload.customer}}" };
const hermes = await startHermes({
  config: {
    ...testConfig(model.url, "prove"),
    agent: { max_queued_turns: 1_000_000 },
    gateway: {
      webhook: {
        secret: SECRET,
        rate_limit: { requests_per_minute: 10_000_000 },
        routes: Object.fromEntries(ROUTES.map((name) => [name, route])),
      },
    },
  },
  args: ["gateway", "--webhook", "--port", "0"],
});
const startedAt = performance.now();

let accepted = 0;
let up = Promise.resolve();
const target: Target = { hermes, up: () => up, accepted: () => void accepted++ };
const everyNth = Math.max(1, Math.floor(total / Math.max(1, repeated)));
const events = Array.from({ length: total }, (_, n) => eventOf(n, n % everyNth === 0 ? TIMES : 1));
/** Deliveries of events that were taken already, which come later. */
const late: SentEvent[] = [];
let next = 0;

/** Sends one event after the other; those that come more than once first half at once, then among later ones. */
async function sender(): Promise<void> {
  for (let event = events[next++]; event; event = events[next++]) {
    const atOnce = Math.ceil(event.wanted / 2);
    const one = event;
    await Promise.all(Array.from({ length: atOnce }, () => deliver(one, target, verdict)));
    for (let n = atOnce; n < event.wanted; n++) late.push(event);
    const again = Math.random() < 0.5 ? late.shift() : undefined;
    if (again) await deliver(again, target, verdict);
  }
  for (let again = late.shift(); again; again = late.shift()) await deliver(again, target, verdict);
}

async function killAndRestart(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  up = promise;
  await hermes.service.kill();
  model.nextLife();
  await hermes.restart();
  resolve();
}

async function killer(): Promise<void> {
  const moments = Array.from({ length: kills }, () => Math.random() * total * 0.95).sort((a, b) => a - b);
  for (const moment of moments) {
    while (accepted < moment) await Bun.sleep(5);
    await Bun.sleep(Math.random() * 40);
    await killAndRestart();
  }
}

/** The runs of the database by the name of their event, and how they ended. */
function readRuns(): Map<string, { route: string; status: string }[]> {
  const database = new Database(hermes.databasePath, { readonly: true });
  try {
    const rows = database
      .query<{ text: string; owner: string; status: string }, []>(
        `SELECT (SELECT body FROM messages WHERE run_id = runs.id ORDER BY messages.id LIMIT 1) AS text, owner, status FROM runs`,
      )
      .all();
    const runs = new Map<string, { route: string; status: string }[]>();
    for (const { text, owner, status } of rows) {
      const name = /prove (\S+) /.exec(text)?.[1] ?? text;
      const known = runs.get(name) ?? [];
      known.push({ route: owner.slice("webhook:hook.".length), status });
      runs.set(name, known);
    }
    return runs;
  } finally {
    database.close();
  }
}

const isOver = (status: string) => status !== "queued" && status !== "running";

async function drained(): Promise<void> {
  const deadline = performance.now() + DRAIN_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if ([...readRuns().values()].flat().every(({ status }) => isOver(status))) return;
    await Bun.sleep(200);
  }
}

function checkRuns(): number {
  const runs = readRuns();
  for (const { name, route: to } of events) {
    const [first, ...more] = runs.get(name) ?? [];
    if (first === undefined) verdict.violation(`${name}: lost`);
    else if (more.length > 0) verdict.violation(`${name}: ${more.length + 1} runs`);
    else if (first.status !== "completed" || first.route !== to)
      verdict.violation(`${name}: its run on ${first.route} is ${first.status}`);
  }
  return [...runs.values()].flat().length;
}

function checkDatabase(): void {
  const database = new Database(hermes.databasePath, { readonly: true });
  const findings = database.query("PRAGMA integrity_check").values().flat();
  if (findings.join() !== "ok") verdict.violation(`integrity_check: ${findings.slice(0, 3).join("; ")}`);
  database.close();
}

try {
  await Promise.all([killer(), ...Array.from({ length: senders }, sender)]);
  await drained();
  // What is done stays done: whatever comes again after one more kill must wake nothing up.
  await killAndRestart();
  const again = events.filter((_, n) => n % 20 === 0);
  await Promise.all(again.slice(0, 200).map((event) => deliver(event, target, verdict)));
  await drained();
  await hermes.service.stop();
  const runs = checkRuns();
  checkDatabase();
  const deliveries = events.reduce((sum, event) => sum + event.deliveries, 0);
  const both = events.filter(({ id }) => id.startsWith("msg_both_")).length;
  if (runs !== total) verdict.violation(`${runs} runs for ${total} events`);
  for (const { name, wanted, deliveries: made } of events)
    if (made < wanted) verdict.violation(`${name}: delivered ${made} times of ${wanted}`);

  verdict.figure("events, kills", `${total}, ${kills + 1}`);
  verdict.figure("deliveries of them", deliveries);
  verdict.figure(
    "  told that they came before",
    events.reduce((sum, event) => sum + event.duplicates, 0),
  );
  verdict.figure(`events that came ${TIMES} times`, events.filter(({ wanted }) => wanted > 1).length);
  verdict.figure("events under one id on two routes", both);
  verdict.figure("runs", runs);
  verdict.figure("time", `${Math.round((performance.now() - startedAt) / 1000)} s`);
} finally {
  await hermes.remove();
  await model.stop();
}
process.exit(verdict.exitCode());
