// Proves that a gateway does not grow with what it has answered: many messages over several platforms, each in a chat of its
// own, and the memory afterwards beside that of the idle process.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { ChatServer } from "../../tests/contract/server.ts";
import { CHAT_SERVERS } from "../../tests/contract/servers/all.ts";
import { startHermes, testConfig } from "../../tests/support/hermes.ts";
import { promptFor, startRecordingModel } from "./recording-model.ts";
import { createVerdict, readCount } from "./verdict.ts";

/** Messages a second that each platform lets a bot send, with some room. */
const PER_SECOND: Readonly<Record<string, number>> = { telegram: 25, discord: 34, slack: 17 };
/** Long enough for a process that is quiet to have given back what it does not need; see src/app/shrink.ts. */
const SETTLE_MS = 30_000;
const MAX_GROWTH_MB = 20;
const DRAIN_TIMEOUT_MS = 120_000;

const { values: options } = parseArgs({
  options: {
    messages: { type: "string", default: "10000" },
    platforms: { type: "string", default: "telegram,discord,slack" },
  },
});
const wanted = readCount(options.messages, "messages");

const verdict = createVerdict(`memory grows by ${MAX_GROWTH_MB} MB at most`);
const model = startRecordingModel();
const servers = await Promise.all(
  options.platforms.split(",").flatMap((name) => CHAT_SERVERS[name]?.() ?? []),
);
const platforms = Object.fromEntries(
  servers.map(({ platform, settings }) => [platform, { ...settings, allowed_users: ["*"] }]),
);
const hermes = await startHermes({
  config: { ...testConfig(model.url, "prove"), platforms },
  args: ["gateway"],
  ready: /connects/,
});

function residentMb(): number {
  const status = readFileSync(`/proc/${hermes.service.pid}/status`, "utf8");
  return (Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024) / 1e6;
}

async function write(server: ChatServer, count: number): Promise<void> {
  const everyMs = 1000 / (PER_SECOND[server.platform] ?? 1);
  const beganMs = performance.now();
  for (let n = 0; n < count; n++) {
    server.write(n, promptFor({ name: `${server.platform}-${n}`, chunks: 4, everyMs: 0 }));
    await Bun.sleep(Math.max(0, beganMs + n * everyMs - performance.now()));
  }
  const last = performance.now() + DRAIN_TIMEOUT_MS;
  for (let n = 0; n < count; n++)
    while (!server.shown(n).some((text) => text.includes(`Answer to ${server.platform}-${n}:`))) {
      if (performance.now() > last) return verdict.violation(`${server.platform}-${n} was not answered`);
      await Bun.sleep(50);
    }
}

try {
  while (servers.some((server) => server.connections === 0)) await Bun.sleep(20);
  await Bun.sleep(SETTLE_MS);
  const idleMb = residentMb();
  const whole = servers.reduce((sum, { platform }) => sum + (PER_SECOND[platform] ?? 0), 0);
  const beganMs = performance.now();
  await Promise.all(
    servers.map((server) => write(server, Math.round((wanted * (PER_SECOND[server.platform] ?? 0)) / whole))),
  );
  verdict.figure("messages, seconds", `${wanted}, ${Math.round((performance.now() - beganMs) / 1000)}`);
  const busyMb = residentMb();
  await Bun.sleep(SETTLE_MS);
  const afterMb = residentMb();
  verdict.figure(
    "memory idle, right after, and settled, MB",
    [idleMb, busyMb, afterMb].map((mb) => mb.toFixed(1)).join(", "),
  );
  if (afterMb > idleMb + MAX_GROWTH_MB)
    verdict.violation(`memory grew by ${(afterMb - idleMb).toFixed(1)} MB`);
} finally {
  await hermes.remove();
  for (const server of servers) await server[Symbol.asyncDispose]();
  await model.stop();
}
process.exit(verdict.exitCode());
