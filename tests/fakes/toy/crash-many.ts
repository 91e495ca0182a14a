/**
 * `bun crash-many.ts COUNT`: four accounts whose workers crash so often together. Writes, as JSON, the memory after a fifth of
 * them and at the end, and how many calls of another account were answered meanwhile. A process of its own, so that only this
 * is measured.
 */
import { startToys, toy, until } from "../../support/supervision.ts";

const count = Number(process.argv[2]);
const crashing = ["a", "b", "c", "d"].map((name) => ({ name, ...toy(`crash:${count / 4}`) }));
const platforms = { telegram: { enabled: true, accounts: crashing }, discord: toy() };
const timings = { breakerCrashes: count + 1, settledMs: 60_000 };
const toys = await startToys({ platforms, timings });
const crashes = () => toys.texts.length;
await until(() => toys.ready.includes("discord"));

let answered = 0;
const otherAccount = (async () => {
  while (crashes() < count) {
    await toys.tell("are you there?", "discord");
    answered += 1;
    await Bun.sleep(4);
  }
})();
const rssBytes: number[] = [];
for (const share of [0.2, 1]) {
  await until(() => crashes() >= count * share, 120_000);
  Bun.gc(true);
  rssBytes.push(process.memoryUsage.rss());
}
await otherAccount;
const states = () => toys.supervisor.health().map(({ state }) => state);
await until(() => states().every((state) => state === "connected"));
await toys.supervisor.stop();
console.log(JSON.stringify({ crashes: crashes(), answered, rssBytes }));
process.exit(0);
