import {
  answerTo,
  promptFor,
  type RecordingModel,
  startRecordingModel,
} from "../../scripts/prove/recording-model.ts";
import { CHAT_SERVERS } from "../../tests/contract/servers/all.ts";
import { startFakeTelegram } from "../../tests/fakes/telegram/server.ts";
import { type Hermes, startHermes, testConfig } from "../../tests/support/hermes.ts";
import {
  cpuMs,
  type Effort,
  type Figure,
  interleave,
  median,
  type Row,
  residentMb,
  summarise,
} from "../rig.ts";

const IDLE_PLATFORMS = ["telegram", "discord", "slack"] as const;
const SETTLE_MS = 8_000;
const IDLE_MS = 20_000;
/** Below what Telegram takes in all, so that nothing waits for the pace. */
const EVERY_MS = 45;
/** Until then most of what is measured is the compiler of the runtime. */
const WARM_UP = 150;
const MIN_COUNT = 60;

/** A gateway of three platforms with nothing to do; and what a message costs and waits beyond its turn. */
export const gateway: Figure = {
  name: "gateway",
  async measure(effort) {
    return [...(await idle(effort)), ...(await messages(effort))];
  },
};

async function idle({ rounds }: Effort): Promise<Row[]> {
  const servers = await Promise.all(IDLE_PLATFORMS.flatMap((name) => CHAT_SERVERS[name]?.() ?? []));
  const platforms = Object.fromEntries(
    servers.map(({ platform, settings }) => [
      platform,
      { ...settings, allowed_users: ["*"], ...(platform === "telegram" ? { polling_timeout: 30 } : {}) },
    ]),
  );
  const hermes = await startGateway("http://127.0.0.1:9", platforms);
  try {
    await Bun.sleep(SETTLE_MS);
    const shares: number[] = [];
    for (let round = 0; round < Math.min(rounds, 3); round++) {
      const before = cpuMs(hermes.service.pid);
      await Bun.sleep(IDLE_MS);
      shares.push(((cpuMs(hermes.service.pid) - before) / IDLE_MS) * 100);
    }
    const share = median(shares);
    const memoryMb = residentMb(hermes.service.pid);
    return [
      plain("gateway of 3 platforms, idle, of a core", "%", share, "< 0.5 %", share < 0.5),
      plain("gateway of 3 platforms, idle, memory", "MB", memoryMb, "<= 90 MB", memoryMb <= 90),
    ];
  } finally {
    await hermes.remove();
    await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
  }
}

/** What came of one message, in milliseconds. */
interface Timed {
  text: string;
  chat: number;
  wroteAtMs: number;
}

/** What the model does: it answers at once, or so slowly that the bot is shown as typing meanwhile. */
const PACES = [
  { words: "", everyMs: 0 },
  { words: ", an answer of 0.6 s", everyMs: 150 },
] as const;

async function messages({ rounds, count }: Effort): Promise<Row[]> {
  const model = startRecordingModel();
  await using fake = await startFakeTelegram();
  const telegram = { bot_token: fake.token, api_base: fake.url, allowed_users: ["*"], reactions: false };
  const hermes = await startGateway(model.url, { telegram });
  const api = await startHermes({ config: testConfig(model.url, "prove") });
  const many = Math.max(count / rounds, MIN_COUNT);
  try {
    await fake.until("the first poll", () => fake.pollers > 0);
    await ask(fake, model, WARM_UP, "warm", 0); // neither side is measured cold
    await askApi(api, WARM_UP, "warm-api", 0);
    const rows: Row[] = [];
    for (const [index, { words, everyMs }] of PACES.entries()) {
      const asked: Timed[] = [];
      let round = 0;
      const pairs = await interleave(rounds, {
        hermes: async () => {
          const before = cpuMs(hermes.service.pid);
          asked.push(...(await ask(fake, model, many, `chat${index}-${round++}-`, everyMs)));
          return (cpuMs(hermes.service.pid) - before) / many;
        },
        floor: async () => {
          const before = cpuMs(api.service.pid);
          await askApi(api, many, `api${index}-${round++}-`, everyMs);
          return (cpuMs(api.service.pid) - before) / many;
        },
      });
      if (everyMs === 0) rows.push(...waits(asked, fake, model));
      const cost = summarise(pairs, (ms) => ms);
      rows.push({
        name: `a message of a chat beside a turn by the API, processor time${words}`,
        unit: "ms",
        ...cost,
        aim: "<= turn + 2 ms",
        met: cost.hermes - cost.floor <= 2,
      });
    }
    return rows;
  } finally {
    await hermes.remove();
    await api.remove();
    await model.stop();
  }
}

/** How long the messages waited for what is not the model. */
function waits(asked: readonly Timed[], fake: Fake, model: RecordingModel): Row[] {
  const started = asked.map((one) => (model.calls(one.text)[0]?.startedAt ?? Number.NaN) - one.wroteAtMs);
  const sentAt = new Map(
    fake.calls("sendMessage").map((call) => [String(call.params["chat_id"]), call.atMs]),
  );
  const offset = Date.now() - performance.now(); // the fake notes the time of day
  const sent = asked.map(
    ({ text, chat }) =>
      (sentAt.get(String(chat)) ?? Number.NaN) - offset - (model.calls(text)[0]?.completedAt ?? Number.NaN),
  );
  return [
    plain("update received to the call of the model, p50", "ms", quantile(started, 0.5), "", true),
    plain("update received to the call of the model, p99", "ms", quantile(started, 0.99), "", true),
    plain("answer ready to the request that sends it, p50", "ms", quantile(sent, 0.5), "", true),
    plain("answer ready to the request that sends it, p99", "ms", quantile(sent, 0.99), "", true),
  ];
}

type Fake = Awaited<ReturnType<typeof startFakeTelegram>>;

/** So many people write one message each; resolves once each has its answer. */
async function ask(
  fake: Fake,
  model: RecordingModel,
  count: number,
  name: string,
  everyMs: number,
): Promise<Timed[]> {
  const asked: Timed[] = [];
  for (let n = 0; n < count; n++) {
    const chat = 10_000 + Math.floor(Math.random() * 1e9);
    const text = promptFor({ name: `${name}${n}`, chunks: 3, everyMs });
    asked.push({ text, chat, wroteAtMs: performance.now() });
    fake.write(text, { from: { id: chat, first_name: "Ann" } });
    await Bun.sleep(EVERY_MS);
  }
  const isDone = ({ text, chat }: Timed) => fake.messages(chat).some((one) => one.text === answerTo(text));
  await fake.until("every answer", () => asked.every(isDone), 60_000);
  if (asked.some(({ text }) => model.calls(text).length !== 1))
    throw new Error("a message was asked about twice");
  return asked;
}

/** The same turns at the same pace, asked for over the API. */
async function askApi(api: Hermes, count: number, name: string, everyMs: number): Promise<void> {
  const askOne = async (n: number) => {
    const message = promptFor({ name: `${name}${n}`, chunks: 3, everyMs });
    const body = JSON.stringify({ message });
    const answer = await fetch(api.api("/chat"), { method: "POST", headers: api.headers, body });
    if (!answer.ok) throw new Error(`the API answered ${answer.status}`);
    await answer.arrayBuffer();
  };
  const asked: Promise<void>[] = [];
  for (let n = 0; n < count; n++) {
    asked.push(askOne(n));
    await Bun.sleep(EVERY_MS);
  }
  await Promise.all(asked);
}

function startGateway(modelUrl: string, platforms: Record<string, unknown>): Promise<Hermes> {
  const config = { ...testConfig(modelUrl, "prove"), platforms };
  return startHermes({ config, args: ["gateway"], ready: /connects/ });
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

function plain(name: string, unit: string, hermes: number, aim: string, met: boolean): Row {
  return { name, unit, hermes, floor: null, ratio: null, aim, met };
}
