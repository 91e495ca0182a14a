// Proves that `hermes gateway` answers every message of every platform, each by exactly one run, while the platforms deliver
// messages up to ten times and the process is killed with SIGKILL at random moments and started again on the same home. A life
// begins to count when every platform is connected; some end before that.
//
//   bun run prove:gateway -- [--messages 1000] [--kills 50] [--modes connections,webhooks] [--short]
import { parseArgs } from "node:util";
import { CALLING_SERVERS, CHAT_SERVERS, type StartServer } from "../../tests/contract/servers/all.ts";
import { readRuns } from "./gateway-checks.ts";
import { type Crew, isAnswered, type Post, startCrew } from "./gateway-crew.ts";
import type { Question } from "./gateway-writers.ts";
import { startRecordingModel } from "./recording-model.ts";
import { createVerdict, readCount } from "./verdict.ts";

const DRAIN_TIMEOUT_MS = 180_000;
/** Nothing was answered for so long, and the platforms deliver nothing more. */
const NOTHING_COMES_MS = 15_000;
const ASK_AGAIN_MS = 6_000;
const PEOPLE = 40;
/** One life in so many ends while it still connects. */
const EARLY_DEATHS = 10;
const EARLY_MS = 300;
/** Every other life lasts for so many times what the start before it took, and somewhat longer. */
const LIVES_PER_START = 2;
/** Some messages are written while nobody is there to take them. */
const WRITING_GOES_ON = 1.2;
/** Of the messages of one platform in one mode. */
const MAX_GIVEN_UP = 0.01;

const { values: options } = parseArgs({
  options: {
    messages: { type: "string", default: "1000" },
    kills: { type: "string", default: "50" },
    modes: { type: "string", default: "connections,webhooks" },
    short: { type: "boolean", default: false },
  },
});
const perMode = options.short ? 20 : readCount(options.messages, "messages");
const kills = options.short ? 2 : readCount(options.kills, "kills");
const life = options.short ? { leastMs: 300, moreMs: 700 } : { leastMs: 1_500, moreMs: 3_000 };

const verdict = createVerdict("every message of a chat is answered, each by exactly one run");
const model = startRecordingModel({ otherwise: "There is no more." });
const wanted = options.modes.split(",");

/** What of these servers is asked for: all of them under the name of their group, or each under its own. */
function chosen(group: string, servers: Readonly<Record<string, StartServer>>) {
  return Object.fromEntries(
    Object.entries(servers).filter(([mode]) => wanted.includes(group) || wanted.includes(mode)),
  );
}

const groups = [
  { name: "connections", servers: chosen("connections", CHAT_SERVERS) },
  {
    name: "webhooks",
    servers: chosen("webhooks", CALLING_SERVERS),
    callsAt: (_mode: string, url: string) => url,
  },
].filter(({ servers }) => Object.keys(servers).length > 0);
for (const name of wanted)
  if (!["connections", "webhooks"].includes(name) && !groups.some(({ servers }) => name in servers))
    throw new Error(`there is no mode ${name}`);

/** One life after another, and what people write meanwhile. */
async function live(crew: Crew): Promise<void> {
  let awaySinceMs = performance.now();
  for (let n = 0; n <= kills; n++) {
    const isEarly = n > 0 && Math.random() < 1 / EARLY_DEATHS;
    if (!isEarly) await crew.connected();
    const leastMs = Math.max(life.leastMs, LIVES_PER_START * (performance.now() - awaySinceMs));
    const lifeMs = isEarly ? Math.random() * EARLY_MS : leastMs + Math.random() * life.moreMs;
    const upTo = Math.ceil((perMode * (n + 1)) / (kills + 1));
    const writing = crew.posts.map(({ writers }) => writers.writeUpTo(upTo, lifeMs * WRITING_GOES_ON));
    await Bun.sleep(lifeMs);
    if (!isEarly) awaySinceMs = performance.now();
    if (n < kills) await dieOnce(crew, 20);
    await Promise.all(writing);
  }
  await crew.connected();
}

async function dieOnce(crew: Crew, redelivered: number, without?: ReadonlySet<Question>): Promise<void> {
  await crew.kill();
  // While nobody is there to take them.
  for (const { writers } of crew.posts) writers.redeliverSome(redelivered, without);
  await crew.restart();
}

function unanswered({ server, writers }: Post): Question[] {
  return writers.questions.filter((question) => !isAnswered(server, question));
}

/** Waits until everything is answered, or nothing comes any more. */
async function drain(crew: Crew): Promise<void> {
  const endMs = performance.now() + DRAIN_TIMEOUT_MS;
  let before = { count: Number.POSITIVE_INFINITY, sinceMs: 0, askedMs: performance.now() };
  while (performance.now() < endMs) {
    const nowMs = performance.now();
    const open = crew.posts.map((post) => ({ post, questions: unanswered(post) }));
    const all = open.flatMap(({ questions }) => questions);
    if (all.length === 0) return;
    if (all.length < before.count) before = { ...before, count: all.length, sinceMs: nowMs };
    const areGivenUp = all.every(({ written }) => written.fate() === "given up");
    if (areGivenUp && nowMs - before.sinceMs > NOTHING_COMES_MS) return;
    if (nowMs - before.askedMs > ASK_AGAIN_MS) {
      before.askedMs = nowMs;
      for (const { post, questions } of open)
        for (const person of new Set(questions.map((one) => one.person))) post.server.askForMore?.(person);
    }
    await Bun.sleep(200);
  }
}

/** Answers that people see more than once. */
function seenTwice({ server, writers }: Post): number {
  return writers.questions.reduce((sum, { person, name }) => {
    const seen = server.shown(person).filter((text) => text.includes(`Answer to ${name}:`)).length;
    return sum + Math.max(0, seen - 1);
  }, 0);
}

/** `left`: what was given up by its platform when nothing more came. */
function judge(post: Post, runs: ReadonlyMap<string, number>, left: ReadonlySet<Question>): void {
  const { mode, server, writers } = post;
  const open = new Set(unanswered(post));
  let givenUp = 0;
  for (const question of writers.questions) {
    const { name, person, written } = question;
    const count = runs.get(name) ?? 0;
    if (left.has(question) && count === 0) givenUp += 1;
    else if (count !== 1) verdict.violation(`${name} has ${count} runs, and is ${written.fate()}`);
    else if (open.has(question)) verdict.violation(`${name} of person ${person} was never answered`);
  }
  const twice = seenTwice(post);
  if (server.isIdempotent && twice > 0)
    verdict.violation(`${mode} shows ${twice} answers twice, though it knows an id for each`);
  if (twice > kills * PEOPLE) verdict.violation(`${mode}: more sent twice than were under way`);
  if (givenUp > writers.questions.length * MAX_GIVEN_UP)
    verdict.violation(`${mode} gave up ${givenUp} messages: Hermes was away for too long`);
  const ways = Object.entries(server.ways ?? {}).map(([way, count]) => `; ${count} ${way}`);
  verdict.figure(
    `${mode}: answered, seen twice, given up by the platform`,
    `${writers.questions.length - open.size}, ${twice}, ${givenUp}${ways.join("")}`,
  );
}

async function prove(group: (typeof groups)[number]): Promise<void> {
  await using crew = await startCrew({ ...group, people: PEOPLE, modelUrl: model.url });
  await live(crew);
  const livedMs = performance.now() - startedAt;
  await drain(crew);
  const drainedMs = performance.now() - startedAt - livedMs;
  const left = new Set(crew.posts.flatMap(unanswered).filter(({ written }) => written.fate() === "given up"));
  // What is answered stays answered: whatever comes again, and one more start, must wake nothing up.
  await dieOnce(crew, options.short ? 20 : 100, left);
  await crew.connected();
  await Bun.sleep(options.short ? 1_000 : 3_000);
  await crew.stop();
  const runs = readRuns(crew.databasePath, verdict);
  const questions = crew.posts.flatMap(({ writers }) => writers.questions);
  verdict.figure(
    `${group.name}: messages, deliveries of them, runs`,
    `${questions.length}, ${questions.reduce((sum, one) => sum + one.deliveries, 0)}, ${runs.values().reduce((sum, n) => sum + n, 0)}`,
  );
  verdict.figure(
    `${group.name}: seconds of all lives, and until the last answer`,
    `${Math.round(livedMs / 1000)}, ${Math.round(drainedMs / 1000)}`,
  );
  for (const post of crew.posts) judge(post, runs, left);
}

const startedAt = performance.now();
await Promise.all(groups.map(prove));
verdict.figure("kills of each gateway, and one more at the end", kills);
verdict.figure("time", `${Math.round((performance.now() - startedAt) / 1000)} s`);
await model.stop();
process.exit(verdict.exitCode());
