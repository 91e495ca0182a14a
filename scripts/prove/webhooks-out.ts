// Proves that what others are told by webhook gets there: on a virtual clock against receivers that refuse, reset, stall,
// redirect, answer anything and never end, with restarts in between, and over real SIGKILLs.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { BEHAVIOURS, startWebhookReceiver } from "../../tests/fakes/webhook-receiver.ts";
import { openOutbound } from "../../tests/support/outbound.ts";
import { detailsOf, everyEndpoint, wrongWith } from "../../tests/support/outbound-judge.ts";
import { newRun, openTempStore } from "../../tests/support/store.ts";
import { createVerdict, readCount } from "./verdict.ts";

const { values: options } = parseArgs({
  options: {
    deliveries: { type: "string", default: "1000" },
    events: { type: "string", default: "5000" },
    kills: { type: "string", default: "50" },
  },
});
const wanted = readCount(options.deliveries, "deliveries");
const events = readCount(options.events, "events");
const kills = readCount(options.kills, "kills");
const HOUR_MS = 3_600_000;
const SENDER = join(import.meta.dir, "../../tests/support/outbound-sender.ts");
/** As many as the configuration has under way at one endpoint. */
const IN_FLIGHT = 5;

const verdict = createVerdict(
  "every event is sent on schedule until it is delivered or dead, and none is forgotten",
);
await proveSchedule();
await proveKills();
process.exit(verdict.exitCode());

/** Every event goes to an endpoint for each thing that a receiver can do wrong. */
async function proveSchedule(): Promise<void> {
  await using bench = await openOutbound({ endpoints: everyEndpoint });
  const names = everyEndpoint("").length;
  const told = Math.ceil(wanted / names);
  for (let i = 0; i < told; i++) {
    await bench.happen();
    // Some hours later each, so that retries of many events mix, and a restart at any moment of them.
    await bench.run(bench.clock.now() + HOUR_MS * Math.random());
    if (i % 2 === 1) await bench.restart();
  }
  await bench.run();
  const deliveries = await detailsOf(bench);
  let tries = 0;
  for (const delivery of deliveries) {
    tries += delivery.tries.length;
    for (const wrong of wrongWith(delivery, bench.receiver.received, { isPaused: true }))
      verdict.violation(wrong);
  }
  if (deliveries.length !== told * names)
    verdict.violation(`${deliveries.length} deliveries of ${told * names}`);
  verdict.figure("deliveries", deliveries.length);
  verdict.figure("things that receivers do", names);
  verdict.figure("tries", tries);
  verdict.figure("requests that came", bench.receiver.received.length);
  verdict.figure("restarts in between", Math.floor(told / 2));
  verdict.figure("dead in the end", deliveries.filter(({ status }) => status === "dead").length);
}

/** A process that sends is killed again and again, and begun anew. */
async function proveKills(): Promise<void> {
  await using temp = await openTempStore();
  using receiver = await startWebhookReceiver();
  receiver.set("hook", (socket, request) => void setTimeout(() => BEHAVIOURS.ok(socket, request), 2));
  const ids = Array.from({ length: events }, (_, i) => `evt_${i}`);
  for (const id of ids)
    await temp.store.runs.accept(
      newRun({ told: { id, type: "message.received", body: `{"id":"${id}"}`, endpoints: ["main"] } }),
    );
  const open = async () => (await temp.store.webhooks.backlog("main")).due;
  for (let kill = 1; kill <= kills; kill++) {
    const sender = Bun.spawn([process.execPath, SENDER, temp.path, `${receiver.origin}/hook`], {
      stdin: "pipe",
    });
    const until = (events * (kill - Math.random())) / kills;
    while (receiver.received.length < until && (await open()) > 0) await Bun.sleep(2);
    sender.kill("SIGKILL");
    await sender.exited;
  }
  const last = Bun.spawn([process.execPath, SENDER, temp.path, `${receiver.origin}/hook`], { stdin: "pipe" });
  while ((await open()) > 0) await Bun.sleep(10);
  last.kill("SIGKILL");
  await last.exited;
  const received = receiver.received.map(({ headers }) => headers["webhook-id"] ?? "");
  const lost = ids.filter((id) => !received.includes(id)).length;
  const twice = received.length - new Set(received).size;
  if (lost > 0) verdict.violation(`${lost} events are lost`);
  if (twice > kills * IN_FLIGHT) verdict.violation(`${twice} were sent twice`);
  for (const problem of await temp.store.check()) verdict.violation(problem);
  verdict.figure("events over SIGKILLs", `${events} over ${kills}`);
  verdict.figure("lost", lost);
  verdict.figure("sent twice, under the same id", `${twice} (at most ${kills * IN_FLIGHT} were under way)`);
}
