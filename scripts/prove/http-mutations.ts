import fc from "fast-check";
import { ROUTES, type Route, servedPath } from "../../src/http/routes.ts";
import { ROUTE_NAMES, rawRequest, SAMPLES, TOKENS } from "../../tests/support/server.ts";
import type { HttpTarget } from "./http.ts";
import { tally } from "./http-access.ts";
import { startProbe } from "./http-probe.ts";
import type { Verdict } from "./verdict.ts";

const AT_ONCE = 16;
const BATCH = 500;
const MAX_STALL_MS = 250;
const MAX_GROWTH_BYTES = 50 * 1024 * 1024;
/** Of all requests, those before the memory is first looked at. */
const WARM_UP = 0.25;
/** A raw connection that the server neither answers nor closes is closed from here. */
const RAW_PATIENCE_MS = 300;

interface Mutant {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | Uint8Array<ArrayBuffer> | null;
}

/** Requests made from the route table and bent in every way: no 5xx, every refusal a problem document, no stall, no leak. */
export async function proveMutations(
  target: HttpTarget,
  { requests, seed }: { requests: number; seed: number },
  verdict: Verdict,
): Promise<void> {
  const statuses = new Map<number, number>();
  const note = (status: number) => statuses.set(status, (statuses.get(status) ?? 0) + 1);
  const probe = startProbe(target.url);
  const startedMs = performance.now();
  let rssBytes = 0;
  let sent = 0;
  for (let batch = 0; sent < requests; batch++) {
    const count = Math.min(BATCH, requests - sent);
    const raw = Math.floor(count / 10);
    await eachAtOnce(fc.sample(mutants, { numRuns: count - raw, seed: seed + batch }), async (mutant) => {
      note(await send(target, mutant, verdict));
    });
    await eachAtOnce(fc.sample(garbage, { numRuns: raw, seed: seed + batch }), async (bytes) => {
      const status = await sendRaw(target, bytes);
      note(status);
      if (status >= 500 && status !== 505) verdict.violation(`${status} for ${JSON.stringify(text(bytes))}`);
    });
    sent += count;
    if (rssBytes === 0 && sent >= requests * WARM_UP) rssBytes = target.rssBytes();
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const { count, failures, p99Ms, maxMs } = await probe.stop();
  const growthBytes = target.rssBytes() - rssBytes;

  verdict.figure("mutations: requests (a tenth of them raw bytes)", sent);
  verdict.figure("mutations: requests per second", Math.round(sent / seconds));
  verdict.figure("mutations: answers by status (0: closed without one)", tally(statuses));
  verdict.figure(
    "mutations: /health meanwhile, p99 and max in ms",
    `${p99Ms.toFixed(1)}, ${maxMs.toFixed(1)} of ${count}`,
  );
  verdict.figure("mutations: memory of the server, growth in MB", (growthBytes / 1_048_576).toFixed(1));
  if (failures > 0) verdict.violation(`/health failed ${failures} times during the mutations`);
  if (maxMs > MAX_STALL_MS) verdict.violation(`the event loop stalled for ${maxMs.toFixed(0)} ms`);
  if (growthBytes > MAX_GROWTH_BYTES) verdict.violation(`memory grew by ${growthBytes} bytes`);
}

async function eachAtOnce<T>(items: readonly T[], task: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const item of queue) await task(item);
    }),
  );
}

async function send(target: HttpTarget, mutant: Mutant, verdict: Verdict): Promise<number> {
  const { method, path, headers, body } = mutant;
  const what = () => `${method} ${path} ${JSON.stringify({ headers, body }).slice(0, 500)}`;
  try {
    const answer = await fetch(target.url + path, { method, headers, ...(body === null ? {} : { body }) });
    const isStream = answer.headers.get("content-type") === "text/event-stream";
    if (isStream) await answer.body?.cancel();
    const shown = isStream ? "" : await answer.text();
    const { status } = answer;
    if (status >= 500) verdict.violation(`${status} ${shown.slice(0, 300)} for ${what()}`);
    if (status >= 400 && method !== "HEAD") checkProblem(answer, shown, what, verdict);
    return status;
  } catch (error) {
    verdict.violation(`${error} for ${what()}`);
    return 0;
  }
}

function checkProblem(answer: Response, shown: string, what: () => string, verdict: Verdict): void {
  const type = answer.headers.get("content-type");
  if (type !== "application/problem+json") {
    verdict.violation(`${answer.status} as ${type} for ${what()}`);
    return;
  }
  const problem = JSON.parse(shown) as Record<string, unknown>;
  for (const member of ["type", "title", "status", "detail", "code", "request_id"])
    if (problem[member] === undefined) verdict.violation(`a problem without ${member} for ${what()}`);
}

async function sendRaw({ port }: HttpTarget, bytes: Uint8Array): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (opened) => void opened.write(bytes),
      data: (opened, data) => {
        resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(data.toString("latin1"))?.[1] ?? 0));
        opened.end();
      },
      close: () => resolve(0),
      error: () => resolve(0),
    },
  });
  const timer = setTimeout(() => socket.end(), RAW_PATIENCE_MS);
  const status = await promise;
  clearTimeout(timer);
  return status;
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1").slice(0, 300);

// --- What is sent.

const name = fc.constantFrom(...ROUTE_NAMES);
const id = fc.oneof(
  fc.constantFrom("a", "..", ".", "%2e%2e", "run_absent", "a".repeat(65)),
  fc.string({ maxLength: 20 }),
);
const word = fc.string({ unit: "binary", maxLength: 40 });
const nasty = fc.constantFrom(
  "",
  "\u0000",
  "../../etc/passwd",
  "'; DROP TABLE runs;--",
  "${env}",
  "a".repeat(5000),
  "\ud800",
  "你好",
  "-1",
  "1e309",
  "true",
  "[]",
);
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  nasty,
  fc.constant(JSON.parse("[".repeat(60) + "]".repeat(60))),
);

/** A path of the route with other parameters and another query. */
const pathOf = (route: Route) =>
  fc
    .tuple(
      id,
      fc.dictionary(
        fc.constantFrom("key", "q", "limit", "cursor", "owner", "key", "q", "x"),
        fc.oneof(word, nasty),
        {
          maxKeys: 3,
        },
      ),
      fc.integer({ min: 0, max: 9 }),
      word,
    )
    .map(([param, query, choice, tail]) => {
      const path = servedPath(route, "/api/v1").replace(/:[a-z_]+/, encodeURI(param.toWellFormed()));
      const search = new URLSearchParams(
        Object.entries(query).map(([key, one]) => [key, one.toWellFormed()]),
      ).toString();
      const bent =
        choice === 0
          ? `${path}/${encodeURIComponent(tail.toWellFormed())}`
          : choice === 1
            ? path.toUpperCase()
            : path;
      return search === "" ? bent : `${bent}?${search}`;
    });

/** The sample body with a field exchanged, left out or added, or something else altogether. */
const bodyOf = (sample: Record<string, unknown>) =>
  fc
    .tuple(
      fc.constantFrom(
        ...Object.keys(sample),
        "session_id",
        "model",
        "stream",
        "tools",
        "attachments",
        "extra",
        "__proto__",
      ),
      value,
      word,
      fc.uint8Array({ maxLength: 200 }),
      fc.integer({ min: 0, max: 9 }),
    )
    .map(([field, one, junk, bytes, choice]): Mutant["body"] => {
      if (choice === 0) return new Uint8Array(bytes);
      if (choice === 1) return junk;
      if (choice === 2) return JSON.stringify(one) ?? "";
      if (choice === 3) return JSON.stringify(sample).slice(0, junk.length);
      if (choice === 4) return "[".repeat(junk.length * 10);
      const { [field]: _left, ...rest } = sample;
      return JSON.stringify(
        choice === 5 ? rest : Object.defineProperty({ ...sample }, field, { value: one, enumerable: true }),
      );
    });

const headersOf = fc.record(
  {
    "content-type": fc.constantFrom("application/json;charset=utf-8", "text/plain", ";;;"),
    accept: fc.constantFrom("*/*", "text/event-stream", "application/json"),
    prefer: fc.constantFrom("respond-async", "wait=1", ';,="'),
    "idempotency-key": fc.constantFrom("k", '"k"', '"', "a b", "x".repeat(300)),
    "last-event-id": fc.constantFrom("0", "1", "-1", "x", "99999999999999999999"),
    "x-request-id": fc.constantFrom("ok", "not ok", "x".repeat(100)),
    "x-forwarded-for": fc.constantFrom("127.0.0.1", "::1", "garbage", ", ,", "1.2.3.4, 5.6.7.8"),
    range: fc.constantFrom("bytes=0-0", "bytes=-"),
  },
  { requiredKeys: [] },
);

/** Of twenty requests one comes without a key, one from a foreign page, and one in another type than JSON. */
function dressed(given: Partial<Record<string, string>>, whim: number): Record<string, string> {
  const { "content-type": type = "application/json", ...rest } = given;
  return {
    ...(rest as Record<string, string>),
    "content-type": whim === 2 ? type : "application/json",
    ...(whim === 0 ? {} : { authorization: `Bearer ${TOKENS.owner}` }),
    ...(whim === 1 ? { origin: "https://evil.example" } : {}),
  };
}

const mutants: fc.Arbitrary<Mutant> = name.chain((routeName) => {
  const route: Route = ROUTES[routeName];
  const sample = (SAMPLES[routeName].body ?? {}) as Record<string, unknown>;
  return fc
    .record({
      method: fc.constantFrom<string>(
        route.method,
        route.method,
        route.method,
        "PUT",
        "HEAD",
        "OPTIONS",
        "PATCH",
      ),
      path: pathOf(route),
      headers: headersOf,
      body: bodyOf(sample),
      whim: fc.integer({ min: 0, max: 19 }),
    })
    .map(({ method, path, headers, body, whim }) => ({
      method,
      path,
      headers: dressed(headers, whim),
      body: method === "GET" || method === "HEAD" ? null : body,
    }));
});

/** A good request with bytes exchanged, left out or doubled. */
const garbage = fc
  .tuple(
    name,
    fc.array(
      fc.tuple(
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.integer({ min: 0, max: 255 }),
        fc.integer({ min: 0, max: 2 }),
      ),
      {
        minLength: 1,
        maxLength: 12,
      },
    ),
  )
  .map(([routeName, edits]) => {
    const good = rawRequest({ ...SAMPLES[routeName], method: ROUTES[routeName].method }, [
      `Authorization: Bearer ${TOKENS.owner}`,
      "X-Forwarded-For: 192.0.2.1",
    ]);
    const bytes = [...Buffer.from(good)];
    for (const [place, byte, kind] of edits) {
      const at = Math.floor(place * bytes.length);
      if (kind === 0) bytes[at] = byte;
      else if (kind === 1) bytes.splice(at, 1);
      else bytes.splice(at, 0, byte, byte);
    }
    return Uint8Array.from(bytes);
  });
