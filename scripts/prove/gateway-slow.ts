// Proves that an agent which takes half a minute keeps nobody waiting: callbacks of platforms are acknowledged and /stop is
// answered within a second while such turns run, and the bot is seen to type all the time.
import { parseArgs } from "node:util";
import { startFakeDiscord } from "../../tests/fakes/discord/index.ts";
import { signatureOf, startFakeSlack } from "../../tests/fakes/slack/index.ts";
import { startFakeTelegram } from "../../tests/fakes/telegram/server.ts";
import { type Hermes, startHermes, testConfig } from "../../tests/support/hermes.ts";
import { promptFor, startRecordingModel } from "./recording-model.ts";
import { createVerdict, readCount } from "./verdict.ts";

const WITHIN_MS = 1_000;
/** What Telegram shows of one call of sendChatAction. */
const TYPING_LASTS_MS = 5_000;
const SECRET = "the-secret-token-of-the-proof";

const { values: options } = parseArgs({
  options: { count: { type: "string", default: "40" }, short: { type: "boolean", default: false } },
});
const count = options.short ? 8 : readCount(options.count, "count");
const turn = options.short ? { chunks: 40, everyMs: 300 } : { chunks: 100, everyMs: 300 };

const verdict = createVerdict("an agent that takes half a minute keeps nobody waiting");
const model = startRecordingModel();
const config = { ...testConfig(model.url, "prove"), agent: { max_concurrent_turns: 10 * count } };
const slow = (name: string) => promptFor({ name, ...turn });

function judge(what: string, tookMs: readonly number[]): void {
  const sorted = tookMs.toSorted((a, b) => a - b);
  const at = (part: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0);
  verdict.figure(`${what}: ms, median / most of ${sorted.length}`, `${at(0.5)} / ${at(1)}`);
  if (at(1) >= WITHIN_MS) verdict.violation(`${what} took ${at(1)} ms`);
}

async function timed(work: () => Promise<Response>): Promise<number> {
  const beganMs = performance.now();
  const answer = await work();
  await answer.arrayBuffer();
  if (answer.status !== 200) verdict.violation(`a callback was answered with ${answer.status}`);
  return performance.now() - beganMs;
}

/** Each kind of callback, one after another, while the turns of those before still run. */
async function callbacks(): Promise<void> {
  await using telegram = await startFakeTelegram();
  await using slack = startFakeSlack();
  await using discord = startFakeDiscord();
  const hermes = await startHermes({
    config: {
      ...config,
      platforms: {
        telegram: {
          bot_token: telegram.token,
          api_base: telegram.url,
          mode: "webhook",
          secret_token: SECRET,
          allowed_users: ["*"],
        },
        slack: {
          bot_token: slack.botToken,
          signing_secret: slack.signingSecret,
          api_base: slack.apiBase,
          allowed_users: ["*"],
        },
        discord: {
          bot_token: discord.token,
          application_public_key: discord.publicKey,
          api_base: discord.apiBase,
          mode: "webhook",
          allowed_users: ["*"],
        },
      },
    },
    args: ["gateway", "--webhook", "--port", "0"],
  });
  try {
    const post = (path: string, headers: Record<string, string>, body: string | Uint8Array) =>
      fetch(`${hermes.service.url}/webhook/${path}`, {
        method: "POST",
        headers,
        body: new Uint8Array(Buffer.from(body)),
      });
    while ((await post("discord", discord.signed({ type: 1 }).headers, "{}")).status === 503)
      await Bun.sleep(20);
    await Bun.sleep(1_000);
    const took: Record<string, number[]> = { telegram: [], slack: [], discord: [] };
    for (let n = 0; n < count; n++) {
      const update = {
        update_id: 1 + n,
        message: {
          message_id: n,
          date: 1,
          chat: { id: 100 + n, type: "private" },
          from: { id: 100 + n, is_bot: false, first_name: "Ann" },
          text: slow(`telegram-${n}`),
        },
      };
      const json = { "content-type": "application/json" };
      const secret = { ...json, "x-telegram-bot-api-secret-token": SECRET };
      took["telegram"]?.push(await timed(() => post("telegram", secret, JSON.stringify(update))));

      const event = {
        type: "message",
        channel: `D0PERSON${n}`,
        channel_type: "im",
        user: `U0PERSON${n}`,
        text: slow(`slack-${n}`),
        ts: `1700000000.${String(n).padStart(6, "0")}`,
      };
      const envelope = JSON.stringify({
        type: "event_callback",
        team_id: slack.teamId,
        api_app_id: "A0",
        event_id: `Ev${n}`,
        event_time: 1,
        event,
      });
      const timestamp = `${Math.floor(Date.now() / 1000)}`;
      const signed = {
        ...json,
        "x-slack-request-timestamp": timestamp,
        "x-slack-signature": signatureOf(slack.signingSecret, timestamp, envelope),
      };
      took["slack"]?.push(await timed(() => post("slack", signed, envelope)));

      const text = slow(`discord-${n}`);
      const command = { channel: discord.direct, user: discord.person, command: "ask", options: { text } };
      const { headers, body } = discord.signed(discord.interact(command, "webhook").payload);
      took["discord"]?.push(await timed(() => post("discord", headers, body)));
    }
    for (const [platform, ms] of Object.entries(took)) judge(`${platform}: a callback acknowledged`, ms);
  } finally {
    await hermes.remove();
  }
}

async function polling(): Promise<void> {
  await using telegram = await startFakeTelegram();
  const account = { bot_token: telegram.token, api_base: telegram.url, allowed_users: ["*"] };
  const hermes: Hermes = await startHermes({
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
      const gaps = [beganMs + WITHIN_MS, ...moments, Date.now()].map((at, i, all) => at - (all[i - 1] ?? at));
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
await polling();
await model.stop();
process.exit(verdict.exitCode());
