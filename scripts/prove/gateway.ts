// Proves that `hermes gateway` answers every message of every platform, each by exactly one run, while the platforms deliver
// messages up to ten times and the process is killed with SIGKILL at random moments and started again on the same home.
import { parseArgs } from "node:util";
import type { ChatServer } from "../../tests/contract/server.ts";
import { CHAT_SERVERS } from "../../tests/contract/servers/all.ts";
import { startHermes, testConfig } from "../../tests/support/hermes.ts";
import { checkRuns } from "./gateway-checks.ts";
import { createWriters, type Question } from "./gateway-writers.ts";
import { startRecordingModel } from "./recording-model.ts";
import { createVerdict, readCount } from "./verdict.ts";

const DRAIN_TIMEOUT_MS = 180_000;
const PEOPLE = 40;
const LIFE_MS = { least: 200, more: 800 };

const { values: options } = parseArgs({
  options: {
    messages: { type: "string", default: "1000" },
    kills: { type: "string", default: "50" },
    platforms: { type: "string", default: Object.keys(CHAT_SERVERS).join(",") },
    short: { type: "boolean", default: false },
  },
});
const perPlatform = options.short ? 60 : readCount(options.messages, "messages");
const kills = options.short ? 5 : readCount(options.kills, "kills");

const verdict = createVerdict("every message of a chat is answered, each by exactly one run");
const model = startRecordingModel();
const servers = await Promise.all(
  options.platforms.split(",").map((name) => {
    const start = CHAT_SERVERS[name];
    if (start === undefined) throw new Error(`there is no server for ${name}`);
    return start();
  }),
);
const config = {
  ...testConfig(model.url, "prove"),
  platforms: Object.fromEntries(
    servers.map((server) => [server.platform, { ...server.settings, allowed_users: ["*"] }]),
  ),
};
const startedAt = performance.now();
const hermes = await startHermes({ config, args: ["gateway"], ready: /connects/ });
// What is written before a bot was connected for the first time is not its own: Discord would never deliver it.
while (servers.some((server) => server.connections === 0)) await Bun.sleep(10);
const writers = servers.map((server) => createWriters({ server, messages: perPlatform, people: PEOPLE }));
const questions = () => writers.flatMap((writer) => writer.questions);

async function killer(): Promise<void> {
  const total = perPlatform * servers.length;
  const moments = Array.from({ length: kills }, () => Math.random() * total).sort((a, b) => a - b);
  for (const moment of moments) {
    while (questions().length < Math.min(moment, total - 1)) await Bun.sleep(5);
    // Long enough for some turns to end: one that is begun 50 times and never ends is given up.
    await Bun.sleep(LIFE_MS.least + Math.random() * LIFE_MS.more);
    await hermes.service.kill();
    model.nextLife();
    for (const writer of writers) writer.redeliverSome(20); // while nobody is there to take them
    await hermes.restart();
  }
}

function isAnswered(server: ChatServer, { person, name }: Question): boolean {
  return server.shown(person).some((text) => text.includes(`Answer to ${name}:`));
}

function open(): Question[] {
  return servers.flatMap((server, index) =>
    (writers[index]?.questions ?? []).filter((question) => !isAnswered(server, question)),
  );
}

/** What people see more than once. */
function visibleTwice(server: ChatServer, asked: readonly Question[]): number {
  return asked.reduce((sum, { person, name }) => {
    const seen = server.shown(person).filter((text) => text.includes(`Answer to ${name}:`)).length;
    return sum + Math.max(0, seen - 1);
  }, 0);
}

try {
  await Promise.all([killer(), ...writers.map((writer) => writer.write())]);
  const deadline = performance.now() + DRAIN_TIMEOUT_MS;
  while (open().length > 0 && performance.now() < deadline) await Bun.sleep(100);
  for (const { name, person } of open()) verdict.violation(`${name} of person ${person} was never answered`);
  // What is answered stays answered: whatever comes again, and one more start, must wake nothing up.
  await hermes.service.kill();
  for (const writer of writers) writer.redeliverSome(100);
  await hermes.restart();
  await Bun.sleep(3_000);
  await hermes.service.stop();
  const runs = checkRuns(hermes.databasePath, questions(), verdict);

  verdict.figure("platforms", servers.map((server) => server.platform).join(", "));
  verdict.figure("messages, kills", `${questions().length}, ${kills}`);
  verdict.figure(
    "deliveries of them",
    questions().reduce((sum, one) => sum + one.deliveries, 0),
  );
  verdict.figure("runs", runs);
  for (const [index, server] of servers.entries()) {
    const twice = visibleTwice(server, writers[index]?.questions ?? []);
    verdict.figure(`${server.platform}: answers that people see twice`, twice);
    if (server.isIdempotent && twice > 0)
      verdict.violation(`${server.platform} shows ${twice} answers twice, though it knows an id for each`);
    if (twice > kills * PEOPLE) verdict.violation(`${server.platform}: more sent twice than were under way`);
    verdict.figure(`${server.platform}: connections at the end`, server.connections);
  }
  verdict.figure("time", `${Math.round((performance.now() - startedAt) / 1000)} s`);
} finally {
  await hermes.remove();
  for (const server of servers) await server[Symbol.asyncDispose]();
  await model.stop();
}
process.exit(verdict.exitCode());
