import { TOKENS } from "../../tests/support/server.ts";
import type { HttpTarget } from "./http.ts";
import { startProbe } from "./http-probe.ts";
import type { Verdict } from "./verdict.ts";

const DRIP_MS = 1000;
/** 15 s by promise, and a second for the machine. */
const MAX_LIFE_MS = 16_000;
/** A stream that is not read is let go after two heartbeats of 15 s. */
const MAX_UNREAD_LIFE_MS = 46_000;
const MAX_P99_MS = 100;
/** Of each kind; the queue of a stream is limited to a quarter of a megabyte and what lies on top. */
const MAX_GROWTH_PER_CLIENT_BYTES = 64 * 1024;
/** Streams that have far more to say than the kernel keeps for a client that does not read. */
const UNREAD_FLOODS = 3;
const FLOOD_WORDS = 300_000;
const FLOOD_BYTES = 7 * 1024 * 1024;

const right = `Authorization: Bearer ${TOKENS.owner}`;
const POST = `POST /api/v1/memory HTTP/1.1\r\nHost: localhost\r\n${right}\r\nContent-Type: application/json\r\n`;

const KINDS = [
  { name: "idle", opening: "", drip: "" },
  { name: "header at 1 byte/s", opening: "GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", drip: "x" },
  { name: "body at 1 byte/s", opening: `${POST}Content-Length: 1000\r\n\r\n{`, drip: " " },
] as const;

/** Slow connections of four kinds at once: the others are served on, and the slow ones are gone in time. */
export async function proveSlowClients(
  target: HttpTarget,
  { connections }: { connections: number },
  verdict: Verdict,
): Promise<void> {
  const rssBytes = target.rssBytes();
  const runId = await startLongRun(target);
  const probe = startProbe(target.url);
  const slow = KINDS.map(({ opening, drip }) =>
    Array.from({ length: connections }, () => hold(target, opening, drip)),
  );
  const unread = Array.from({ length: connections }, () => hold(target, follow(runId), "", true));
  for (const [i, { name }] of KINDS.entries()) {
    const lives = await Promise.all((slow[i] ?? []).map(async (one) => (await one).closed));
    const longestMs = Math.max(...lives);
    verdict.figure(
      `slow: ${connections} x ${name}, the last one gone after s`,
      (longestMs / 1000).toFixed(1),
    );
    if (longestMs > MAX_LIFE_MS) verdict.violation(`${name}: a connection lived for ${longestMs} ms`);
  }
  const growthBytes = target.rssBytes() - rssBytes;
  const { count, failures, p99Ms, maxMs } = await probe.stop();
  for (const one of await Promise.all(unread)) one.drop();
  await call(target, `/runs/${runId}/cancel`, { method: "POST" });

  verdict.figure(
    "slow: /health meanwhile, p99 and max in ms",
    `${p99Ms.toFixed(1)}, ${maxMs.toFixed(1)} of ${count}`,
  );
  verdict.figure(
    `slow: ${connections} unread streams and the rest, growth in MB`,
    (growthBytes / 1_048_576).toFixed(1),
  );
  if (failures > 0) verdict.violation(`/health failed ${failures} times beside slow clients`);
  if (p99Ms > MAX_P99_MS) verdict.violation(`beside slow clients p99 is ${p99Ms.toFixed(0)} ms`);
  const allowed = connections * KINDS.length * MAX_GROWTH_PER_CLIENT_BYTES + 32 * 1024 * 1024;
  if (growthBytes > allowed) verdict.violation(`slow clients cost ${growthBytes} bytes`);
  await proveUnreadFlood(target, verdict);
}

/** Streams with more to say than any buffer holds, and nobody who reads: their queue stays small and they are let go. */
async function proveUnreadFlood(target: HttpTarget, verdict: Verdict): Promise<void> {
  const runId = await startBigRun(target);
  const rssBytes = target.rssBytes();
  const held = await Promise.all(
    Array.from({ length: UNREAD_FLOODS }, () => hold(target, follow(runId), "", true)),
  );
  // A client that does not read does not see that its connection was reset, but the server tells.
  const startedMs = performance.now();
  let tookMs = 0;
  while ((await openStreams(target)) > 0 && tookMs < MAX_UNREAD_LIFE_MS) {
    await Bun.sleep(DRIP_MS);
    tookMs = performance.now() - startedMs;
  }
  for (const one of held) one.drop();
  const growthBytes = target.rssBytes() - rssBytes;
  verdict.figure("slow: unread streams of 7 MB, let go after s", (tookMs / 1000).toFixed(1));
  verdict.figure("slow: unread streams of 7 MB, growth in MB", (growthBytes / 1_048_576).toFixed(1));
  if (tookMs >= MAX_UNREAD_LIFE_MS) verdict.violation("a stream that nobody reads is not let go");
  if (growthBytes > UNREAD_FLOODS * FLOOD_BYTES)
    verdict.violation(`unread streams cost ${growthBytes} bytes`);
}

interface Held {
  /** Resolves with the life of the connection in milliseconds once it is closed. */
  closed: Promise<number>;
  drop(): void;
}

/** Opens a connection, says its opening and then one drip a second; reads what comes unless `deaf`. */
async function hold({ port }: HttpTarget, opening: string, drip: string, deaf = false): Promise<Held> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const startedMs = performance.now();
  let timer: Timer | undefined;
  const end = () => {
    clearInterval(timer);
    resolve(performance.now() - startedMs);
  };
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open(opened) {
        if (opening !== "") opened.write(opening);
        if (deaf) opened.pause();
        if (drip !== "") timer = setInterval(() => opened.write(drip), DRIP_MS);
      },
      data() {},
      close: end,
      error: end,
    },
  });
  return {
    closed: promise,
    drop() {
      socket.terminate();
      end();
    },
  };
}

function follow(runId: string): string {
  return `GET /api/v1/runs/${runId}/events HTTP/1.1\r\nHost: localhost\r\n${right}\r\n\r\n`;
}

async function call({ url }: HttpTarget, path: string, init: RequestInit): Promise<Record<string, string>> {
  const headers = {
    authorization: `Bearer ${TOKENS.owner}`,
    "content-type": "application/json",
    ...init.headers,
  };
  const answer = await fetch(`${url}/api/v1${path}`, { ...init, headers });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Record<string, string>;
}

async function openStreams(target: HttpTarget): Promise<number> {
  return Number((await call(target, "/status", {}))["event_streams"]);
}

/** A run that speaks slowly for longer than the proof lasts. */
async function startLongRun(target: HttpTarget): Promise<string> {
  const body = JSON.stringify({ message: "hi", model: "fake/text-4000-every-20" });
  const run = await call(target, "/chat", { method: "POST", body, headers: { prefer: "respond-async" } });
  return run["run_id"] ?? "";
}

/** A run whose events, twice the text, are as large as a flood. */
async function startBigRun(target: HttpTarget): Promise<string> {
  const body = JSON.stringify({ message: "hi", model: `fake/text-${FLOOD_WORDS}` });
  return (await call(target, "/chat", { method: "POST", body }))["run_id"] ?? "";
}
