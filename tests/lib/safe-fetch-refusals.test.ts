import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { AppError } from "../../src/lib/errors.ts";
import { createLimit } from "../../src/lib/limit.ts";
import { createSafeFetch } from "../../src/lib/safe-fetch.ts";
import { type Canary, startCanary } from "../support/canary.ts";
import { PUBLIC_ADDRESS as PUBLIC, type StandIn, startStandIn } from "../support/stand-in.ts";
import { quietLog } from "../support/store.ts";
import { PRIVATE_ADDRESSES } from "./addresses.ts";
import { hostSpellings } from "./spellings.ts";

const LIMITS = { timeoutMs: 30_000, maxBytes: 1000 };
setDefaultTimeout(60_000); // thousands of tries, on a busy machine too
const SCHEMES = [
  "file:///etc/passwd",
  "FILE:/etc/passwd",
  "file://localhost/etc/passwd",
  "ftp://127.0.0.1/",
  "gopher://127.0.0.1/",
  "dict://127.0.0.1/",
  "ws://127.0.0.1/",
  "data:text/plain,x",
  "blob:http://127.0.0.1/x",
  "javascript:1",
  "about:blank",
  "s3://bucket/key",
  "unix:/run/x.sock",
  "http+unix://%2Frun%2Fx.sock/",
  "bun:main",
  "node:fs",
];

let standIn: StandIn;
let canary: Canary;
let tries = 0;

beforeAll(async () => {
  canary = await startCanary();
  standIn = await startStandIn();
});
afterAll(() => {
  console.log(
    `safeFetch: ${tries} tries at ${PRIVATE_ADDRESSES.length} addresses, ${canary.connections()} connections`,
  );
  canary.stop();
  standIn.stop();
});

function fetchWith(resolve: (name: string) => Promise<readonly string[]>) {
  return createSafeFetch({ allowCidrs: () => [`${PUBLIC}/32`], resolve });
}

/** A resolver in an attacker's hands: every name is at home on this machine. */
const hostile = fetchWith(async () => ["127.0.0.1"]);

function codeOf(attempt: Promise<unknown>): Promise<string> {
  tries += 1;
  return attempt.then(
    () => "fetched",
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );
}

interface Attempt {
  what: string;
  run: () => Promise<unknown>;
}

/** Every attempt must be refused, and none may make a connection. */
async function expectRefused(attempts: readonly Attempt[], codes = ["network_refused"]) {
  const wrong: string[] = [];
  const side = createLimit(16);
  await Promise.all(
    attempts.map(({ what, run }) =>
      side(async () => {
        const code = await codeOf(run());
        if (!codes.includes(code)) wrong.push(`${what}: ${code}`);
      }),
    ),
  );
  expect(wrong).toEqual([]);
  expect(canary.connections()).toBe(0);
}

/** Every spelling of every address, at the port where the canary listens. */
function hostileUrls(): string[] {
  return PRIVATE_ADDRESSES.flatMap(hostSpellings).flatMap((host) =>
    ["http", "https"].map((scheme) => `${scheme}://${host}:${canary.port}/latest/meta-data`),
  );
}

describe("addresses that are not public are refused without a connection", () => {
  test("in every spelling, asked for directly", () =>
    expectRefused(hostileUrls().map((url) => ({ what: url, run: () => hostile(url, LIMITS) }))));

  test("in every spelling, as the target of a redirect", () =>
    expectRefused(
      hostileUrls().map((url) => ({ what: url, run: () => hostile(standIn.redirectTo(url), LIMITS) })),
    ));

  test("as the answer of the resolver, alone, first or last among good ones, and in odd spellings", () => {
    const answers = PRIVATE_ADDRESSES.flatMap((address) => [address, ...hostSpellings(address)]).flatMap(
      (answer) => [[answer], [PUBLIC, answer], [answer, PUBLIC], ["8.8.8.8", "2606:4700::1111", answer]],
    );
    return expectRefused(
      answers.map((list) => ({
        what: list.join(),
        run: () => fetchWith(async () => list)(`http://name.test:${canary.port}/`, LIMITS),
      })),
    );
  });

  test("when the resolver changes its mind: only the checked address is connected to, after one question a hop", async () => {
    for (const address of PRIVATE_ADDRESSES) {
      let asked = 0;
      const flipping = fetchWith(async () => (asked++ === 0 ? [PUBLIC] : [address]));
      const url = `http://flip.test:${standIn.port}/`;
      tries += 1;
      const answer = await flipping(url, LIMITS);
      expect(new TextDecoder().decode(answer.bytes)).toBe("stand-in");
      expect(asked).toBe(1);
      expect(await codeOf(flipping(url, LIMITS))).toBe("network_refused");
      asked = 0;
      const back = `${url}?to=${encodeURIComponent(`http://flip.test:${canary.port}/`)}`;
      expect(await codeOf(flipping(back, LIMITS))).toBe("network_refused");
      expect(asked).toBe(2);
    }
    expect(canary.connections()).toBe(0);
  });

  test("by the names of this machine, asked of the system's resolver", () => {
    const real = createSafeFetch({ allowCidrs: () => [] });
    const names = ["localhost", "LOCALHOST", "localhost.", "ｌocalhost", "%6cocalhost"];
    return expectRefused(
      names.map((name) => ({ what: name, run: () => real(`http://${name}:${canary.port}/`, LIMITS) })),
      ["network_refused", "network_failed"], // not every resolver knows localhost with a dot
    );
  });

  test("and the canary would tell: an exempt address is reached", async () => {
    const other = await startCanary();
    const exempt = createSafeFetch({ allowCidrs: () => ["127.0.0.0/8"] });
    expect(await codeOf(exempt(`http://127.0.0.1:${other.port}/`, LIMITS))).toBe("network_failed");
    expect(other.connections()).toBe(1);
    other.stop();
  });
});

describe("URLs that are not plain web addresses are refused", () => {
  test("by their scheme, directly and as the target of a redirect", () =>
    expectRefused(
      SCHEMES.flatMap((url) => [
        { what: url, run: () => hostile(url, LIMITS) },
        { what: `redirect to ${url}`, run: () => hostile(standIn.redirectTo(url), LIMITS) },
      ]),
    ));

  test("by their scheme, also where the address would do", () => {
    const willing = fetchWith(async () => [PUBLIC]);
    const schemes = ["file", "ftp", "gopher", "s3", "ws", "wss", "http+unix"];
    return expectRefused(
      schemes
        .flatMap((scheme) => [
          `${scheme}://${PUBLIC}:${standIn.port}/`,
          `${scheme}://name.test/`,
          `${scheme}:///etc/passwd`,
        ])
        .map((url) => ({ what: url, run: () => willing(url, LIMITS) })),
    );
  });

  test("with credentials, without a host, or not a URL at all", () =>
    expectRefused(
      [
        `http://user:password@${PUBLIC}:${standIn.port}/`,
        `http://user@${PUBLIC}:${standIn.port}/`,
        "http://",
        "https:///",
        "//example.com/",
        "/etc/passwd",
        "example.com",
        "",
        "http://[::1",
        "http://1.2.3.4.5/",
        "http://256.256.256.256/",
        "http://a b/",
        "http://%00/",
      ].map((url) => ({ what: url, run: () => hostile(url, LIMITS) })),
    ));
});

test("a refusal says what to do, shows no resolved address, and is logged with it", async () => {
  const logged: unknown[] = [];
  const log = {
    debug() {},
    info() {},
    error() {},
    warn: (...line: unknown[]) => void logged.push(line),
    with: () => log,
  };
  const fetch = createSafeFetch({ allowCidrs: () => [], resolve: async () => ["10.9.8.7"], log });
  const error = await fetch("http://intranet.test/", LIMITS).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: "network_refused",
    hint: expect.stringContaining("network.allow_cidrs"),
  });
  expect(JSON.stringify([error, String(error)])).not.toContain("10.9.8.7");
  expect(JSON.stringify(logged)).toContain("10.9.8.7");
});

test("of what is refused again and again the log tells once", async () => {
  const lines: string[] = [];
  const logged = createSafeFetch({ allowCidrs: () => [], log: quietLog(lines) });
  const refused = (url: string) =>
    logged(url, { timeoutMs: 1_000, maxBytes: 1 }).catch((error) => error.code);
  for (let n = 0; n < 9; n++) expect(await refused("http://127.0.0.1/")).toBe("network_refused");
  expect(await refused("http://10.0.0.1/")).toBe("network_refused");
  expect(lines.map((line) => /address=(\S+)/.exec(line)?.[1])).toEqual(["127.0.0.1", "10.0.0.1"]);
});
