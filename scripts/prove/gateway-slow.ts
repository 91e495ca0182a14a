// Proves that an agent which takes half a minute keeps nobody waiting: what platforms bring, by a call or over a connection, is
// acknowledged and /stop is answered in time while such turns run, and the bot is seen to type all the time.
import { parseArgs } from "node:util";
import { CALLING_SERVERS, CHAT_SERVERS } from "../../tests/contract/servers/all.ts";
import { startFakeDiscord } from "../../tests/fakes/discord/index.ts";
import { startFakeTelegram } from "../../tests/fakes/telegram/server.ts";
import { startHermes, testConfig } from "../../tests/support/hermes.ts";
import { type Post, startCrew } from "./gateway-crew.ts";
import { promptFor, startRecordingModel } from "./recording-model.ts";
import { createVerdict, readCount } from "./verdict.ts";

/** An account of WeChat may answer in the call, and holds it for that; WeChat hangs up after five seconds. */
const WECHAT = { mostMs: 5_000, medianMs: 5_000 };
/** What Telegram shows of one call of sendChatAction. */
const TYPING_LASTS_MS = 5_000;
/** Of these, nothing is acknowledged: Discord replays what was missed, and a poll of Telegram's brings the one before. */
const WITHOUT_ACKS = ["telegram", "discord"];

const { values: options } = parseArgs({
  options: { count: { type: "string", default: "40" }, short: { type: "boolean", default: false } },
});
const count = options.short ? 8 : readCount(options.count, "count");
/** The most that one may take, and half of them; the short form asks for what platforms wait for, on a machine that does much else. */
const LIMITS = options.short ? { mostMs: 3_000, medianMs: 1_000 } : { mostMs: 1_000, medianMs: 100 };
const turn = options.short ? { chunks: 40, everyMs: 300 } : { chunks: 100, everyMs: 300 };

const verdict = createVerdict("an agent that takes half a minute keeps nobody waiting");
const model = startRecordingModel();
const agent = { max_concurrent_turns: 10 * count };
const config = { ...testConfig(model.url, "prove"), agent };
const slow = (name: string) => promptFor({ name, ...turn });

function judge(what: string, tookMs: readonly number[], limits: typeof LIMITS = LIMITS): void {
  const sorted = tookMs.toSorted((a, b) => a - b);
  const at = (part: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0);
  verdict.figure(`${what}: ms, median / most of ${sorted.length}`, `${at(0.5)} / ${at(1)}`);
  if (at(1) >= limits.mostMs) verdict.violation(`${what} took ${at(1)} ms`);
  if (at(0.5) > limits.medianMs) verdict.violation(`half of ${what} took ${at(0.5)} ms or more`);
}

/** Passes calls on, and notes how long their answers take. */
function startMeter(target: string) {
  const tookMs: number[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const { search } = new URL(request.url);
      const body = request.method === "GET" ? null : await request.arrayBuffer();
      const beganMs = performance.now();
      const { method, headers } = request;
      const answer = await fetch(target + search, { method, headers, body });
      const bytes = await answer.arrayBuffer();
      tookMs.push(performance.now() - beganMs);
      if (answer.status !== 200) verdict.violation(`a callback was answered with ${answer.status}`);
      return new Response(bytes, { status: answer.status, headers: answer.headers });
    },
  });
  return { url: server.url.href, tookMs, stop: () => server.stop(true) };
}

/** One message after another, each acknowledged while the turns of those before still run. */
async function writeAll({ mode, server }: Post, untilNext: (n: number) => Promise<void>): Promise<void> {
  for (let n = 0; n < count; n++) {
    server.write(100 + n, slow(`${mode}-${n}`));
    await untilNext(n);
  }
}

/** Every platform in each mode in which it calls. */
async function callbacks(): Promise<void> {
  const meters = new Map<string, ReturnType<typeof startMeter>>();
  const through = (mode: string, url: string) => {
    const meter = startMeter(url);
    meters.set(mode, meter);
    return meter.url;
  };
  // Of an account that may not push, the silence until the third call is what people wait for.
  const { "wechat-unverified": _, ...servers } = CALLING_SERVERS;
  await using crew = await startCrew({ servers, callsAt: through, modelUrl: model.url, agent });
  const answered = async (mode: string, n: number) => {
    while ((meters.get(mode)?.tookMs.length ?? 0) < n) await Bun.sleep(1);
  };
  const isHeld = ({ mode }: Post) => mode === "wechat";
  await Promise.all(
    crew.posts.map((post) => writeAll(post, (n) => answered(post.mode, isHeld(post) ? 0 : n + 1))),
  );
  for (const post of crew.posts) {
    await answered(post.mode, count);
    const meter = meters.get(post.mode);
    judge(`${post.mode}: a callback acknowledged`, meter?.tookMs ?? [], isHeld(post) ? WECHAT : LIMITS);
    await meter?.stop();
  }
}

/** Every platform to which Hermes connects. */
async function connections(): Promise<void> {
  const servers = Object.fromEntries(
    Object.entries(CHAT_SERVERS).filter(([mode]) => !WITHOUT_ACKS.includes(mode)),
  );
  await using crew = await startCrew({ servers, modelUrl: model.url, agent });
  await Promise.all(
    crew.posts.map(async ({ mode, server }) => {
      const tookMs: number[] = [];
      for (let n = 0; n < count; n++) {
        const beganMs = performance.now();
        const written = server.write(100 + n, slow(`${mode}-${n}`));
        while (written.fate() === "open") await Bun.sleep(1);
        tookMs.push(performance.now() - beganMs);
      }
      // To the bot of WeCom nothing is acknowledged: people see that it works.
      const limits = mode === "wecom" ? { ...LIMITS, medianMs: LIMITS.mostMs } : LIMITS;
      judge(`${mode}: an event acknowledged over the connection`, tookMs, limits);
    }),
  );
}

/** Commands of Discord, which come by calls. */
async function interactions(): Promise<void> {
  await using discord = startFakeDiscord();
  const account = {
    bot_token: discord.token,
    application_public_key: discord.publicKey,
    api_base: discord.apiBase,
    mode: "webhook",
    allowed_users: ["*"],
  };
  const hermes = await startHermes({
    config: { ...config, platforms: { discord: account } },
    args: ["gateway", "--webhook", "--port", "0"],
  });
  const meter = startMeter(`${hermes.service.url}/webhook/discord`);
  try {
    for (let n = 0; n < count; n++) {
      const text = slow(`discord-${n}`);
      const command = { channel: discord.direct, user: discord.person, command: "ask", options: { text } };
      const { headers, body } = discord.signed(discord.interact(command, "webhook").payload);
      await fetch(meter.url, { method: "POST", headers, body: new Uint8Array(body) });
    }
    judge("discord: an interaction acknowledged", meter.tookMs);
  } finally {
    await meter.stop();
    await hermes.remove();
  }
}

async function polling(): Promise<void> {
  await using telegram = await startFakeTelegram();
  const account = { bot_token: telegram.token, api_base: telegram.url, allowed_users: ["*"] };
  const hermes = await startHermes({
    config: { ...config, platforms: { telegram: account } },
    args: ["gateway"],
    ready: /connects/,
  });
  try {
    await telegram.until("the first poll", () => telegram.pollers > 0);
    const people = Array.from({ length: Math.min(count, 10) }, (_, n) => 500 + n);
    const from = (id: number) => ({ from: { id, first_name: "Ann" } });
    const beganMs = Date.now();
    for (const id of people) telegram.write(slow(`stop-${id}`), from(id));
    for (const id of people)
      await telegram.until("a growing answer", () => telegram.messages(id).length > 0, 30_000);
    await Bun.sleep(2 * TYPING_LASTS_MS + 1_000);
    const typings = telegram.calls("sendChatAction");
    for (const id of people) {
      const moments = typings
        .filter((call) => Number(call.params["chat_id"]) === id)
        .map((call) => call.atMs);
      const gaps = [beganMs + LIMITS.mostMs, ...moments, Date.now()].map(
        (at, i, all) => at - (all[i - 1] ?? at),
      );
      if (moments.length === 0 || Math.max(...gaps.slice(1)) > TYPING_LASTS_MS)
        verdict.violation(`typing stopped for ${Math.max(...gaps)} ms in chat ${id}`);
    }
    verdict.figure("times that the bot was seen to type", typings.length);
    const took: number[] = [];
    for (const id of people) {
      const at = performance.now();
      telegram.write("/stop", from(id));
      await telegram.until(
        "the stop",
        () => telegram.messages(id).some(({ text }) => text === "Stopped."),
        10_000,
      );
      took.push(performance.now() - at);
    }
    judge("/stop answered, by long poll", took);
  } finally {
    await hermes.remove();
  }
}

await callbacks();
await connections();
await interactions();
await polling();
await model.stop();
process.exit(verdict.exitCode());
