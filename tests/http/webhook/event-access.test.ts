import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { SCHEME_NAMES, type SchemeName } from "../../../src/config/scheme-names.ts";
import { EVENT_ROUTES } from "../../../src/http/webhook/routes.ts";
import type { Scheme } from "../../../src/webhooks/contract.ts";
import { genericScheme } from "../../../src/webhooks/generic.ts";
import { schemeOf } from "../../../src/webhooks/schemes.ts";
import { GENERIC, HOOK_SECRET, type HookServer, openHookServer } from "../../support/hooks.ts";
import { MCP_TOKENS, rawExchange, rawStatus, spellings, TOKENS } from "../../support/server.ts";

const PUBLIC_URL = "https://hooks.example.com/webhook";
const OTHER_SECRET = "another-secret-of-events-in-tests-012345";
/** A route for each scheme, and one that takes whatever a request shows. */
const ROUTES = {
  deploy: {},
  own: { secret: OTHER_SECRET },
  ...Object.fromEntries(
    SCHEME_NAMES.map((scheme) => [
      `by-${scheme}`,
      { scheme, ...(scheme === "generic" ? { signature: GENERIC } : {}) },
    ]),
  ),
};

let server: HookServer;
beforeAll(async () => {
  server = await openHookServer(ROUTES, { settings: { public_url: PUBLIC_URL } });
});
afterAll(() => server[Symbol.asyncDispose]());

const schemeNamed = (name: SchemeName): Scheme =>
  name === "generic" ? genericScheme(GENERIC) : schemeOf(name);
const addresses = EVENT_ROUTES.flatMap(({ path }) =>
  path.includes(":route") ? Object.keys(ROUTES).map((name) => path.replace(":route", name)) : [path],
);
const secretOf = (path: string) => (path === "/own" ? OTHER_SECRET : HOOK_SECRET);
/** These have to be named by a route. */
const UNDETECTED: readonly SchemeName[] = ["linear", "generic"];
/** Which scheme an address checks: without one of its own, any. */
const schemesOf = (path: string): SchemeName[] => {
  const [, fixed] = /^\/by-(.+)$/.exec(path) ?? [];
  return fixed === undefined
    ? SCHEME_NAMES.filter((name) => !UNDETECTED.includes(name))
    : SCHEME_NAMES.filter((name) => name === fixed);
};

let sent = 0;
/** A body that no other request has, of the kind that a scheme signs. */
function freshBody(scheme: SchemeName): { type: string; body: string } {
  sent += 1;
  if (scheme === "twilio")
    return { type: "application/x-www-form-urlencoded", body: `Body=hello&MessageSid=SM${sent}` };
  const event = { id: `evt_${sent}`, event_id: `Ev${sent}`, n: sent, webhookTimestamp: Date.now() };
  return { type: "application/json", body: JSON.stringify(event) };
}

function signed(scheme: SchemeName, body: string, secret: string, path: string): Record<string, string> {
  const parts = { id: `msg_${sent}`, nowMs: Date.now(), url: `${PUBLIC_URL}${path}` };
  return schemeNamed(scheme).sign(Buffer.from(body), secret, parts);
}

function send(
  path: string,
  type: string,
  body: string,
  headers: readonly string[],
  host = "hooks.example.com",
) {
  const lines = [
    `POST /webhook${path} HTTP/1.1`,
    `Host: ${host}`,
    "Connection: close",
    `Content-Type: ${type}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
  ];
  return rawExchange(server.webhookPort, `${lines.join("\r\n")}\r\n\r\n${body}`);
}

const lines = (headers: Record<string, string>) =>
  Object.entries(headers).map(([name, value]) => `${name}: ${value}`);

/** The headers of a right request made wrong, each in its own way. */
function forgeries(scheme: SchemeName, body: string, path: string): string[][] {
  const right = signed(scheme, body, secretOf(path), path);
  const [name = ""] = schemeNamed(scheme).headers;
  const value = right[name] ?? "";
  const others = lines(right).filter((line) => !line.startsWith(`${name}:`));
  const instead = (text: string) => [...others, `${name}: ${text}`];
  return [
    [],
    others,
    instead(""),
    instead("   "),
    instead(value.slice(0, -1)),
    instead(`${value}0`),
    instead(`${value}, ${value}`),
    instead(value.replace(/[a-zA-Z0-9](?=[^a-zA-Z0-9]*$)/, (last) => (last === "1" ? "2" : "1"))),
    instead(`"${value}"`),
    instead("sha1=da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    [...lines(right), `${name}: ${value}`],
    [...lines(right), `${name}: wrong`],
    lines(signed(scheme, body, "wrong-secret-of-events-0123456789abcdef", path)),
    [...others, `X-Other-${name}: ${value}`],
    [...others, `Cookie: ${name}=${encodeURIComponent(value)}`],
    [...others, `Authorization: Bearer ${secretOf(path)}`],
    ...(scheme === "gitlab" ? [] : [lines(signed(scheme, freshBody(scheme).body, secretOf(path), path))]),
  ];
}

const KEYS = [
  `Authorization: Bearer ${TOKENS.owner}`,
  `Authorization: Bearer ${TOKENS.admin}`,
  `X-Api-Key: ${MCP_TOKENS.owner}`,
];
/** What stands in an answer to a stranger, beyond the problem itself: nothing. */
const LEAKS = [HOOK_SECRET, OTHER_SECRET, ...Object.values(TOKENS), "run_", "evt_", "at /", ".ts:", "Error:"];

test("there is the endpoint itself, and a route of the configuration", () => {
  expect(EVENT_ROUTES.map(({ method, path, scope }) => [method, path, scope])).toEqual([
    ["POST", "", "event"],
    ["POST", "/:route", "event"],
  ]);
});

for (const path of addresses)
  describe(`POST /webhook${path}`, () => {
    test("takes what is signed, under whatever name", async () => {
      for (const scheme of schemesOf(path))
        for (const host of ["localhost", "127.0.0.1", "hooks.example.com", "evil.example.com:8443"]) {
          const { type, body } = freshBody(scheme);
          const answer = await send(
            path,
            type,
            body,
            lines(signed(scheme, body, secretOf(path), path)),
            host,
          );
          expect([scheme, host, rawStatus(answer)]).toEqual([scheme, host, 202]);
        }
    });

    test("refuses everything else, and stores nothing of it", async () => {
      const before = (await server.store.counts()).runs;
      const total = Object.values(before).reduce((sum, count) => sum + count, 0);
      for (const scheme of schemesOf(path)) {
        const { type, body } = freshBody(scheme);
        for (const headers of [...forgeries(scheme, body, path), ...KEYS.map((key) => [key])]) {
          const answer = await send(path, type, body, headers);
          expect([scheme, headers, rawStatus(answer)]).toEqual([scheme, headers, 401]);
          expect(answer).toContain("application/problem+json");
          for (const leak of LEAKS) expect(answer).not.toContain(leak);
        }
      }
      const after = Object.values((await server.store.counts()).runs).reduce((sum, count) => sum + count, 0);
      expect(after).toBe(total);
    });

    test("is this address and no other spelling of it", async () => {
      for (const spelling of spellings(`/webhook${path}`)) {
        const { type, body } = freshBody("hermes");
        const below = spelling.slice("/webhook".length);
        const headers = lines(signed("hermes", body, secretOf(path), path));
        const raw = [
          `POST ${spelling} HTTP/1.1`,
          "Host: localhost",
          "Connection: close",
          `Content-Type: ${type}`,
          `Content-Length: ${body.length}`,
          ...headers,
        ];
        const status = rawStatus(await rawExchange(server.webhookPort, `${raw.join("\r\n")}\r\n\r\n${body}`));
        expect([spelling, below, status]).toEqual([spelling, below, status === 400 ? 400 : 404]);
      }
    });

    test("is for servers: a page may not call, no key belongs into the address, and it takes POST only", async () => {
      const { type, body } = freshBody("hermes");
      for (const origin of ["https://evil.example.com", "http://localhost", "null"]) {
        const answer = await send(path, type, body, [`Origin: ${origin}`], "localhost");
        expect([origin, rawStatus(answer)]).toEqual([origin, 403]);
        expect(answer.toLowerCase()).not.toContain("access-control-allow");
      }
      expect(rawStatus(await send(`${path}?token=a`, type, body, []))).toBe(400);
      for (const method of ["GET", "PUT", "DELETE"]) {
        const text = `${method} /webhook${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
        expect([method, rawStatus(await rawExchange(server.webhookPort, text))]).toEqual([method, 405]);
      }
    });
  });

test("a secret of one route opens no other, and no scheme opens a route of another", async () => {
  const { type, body } = freshBody("hermes");
  const byOther = lines(signed("hermes", body, OTHER_SECRET, ""));
  for (const path of ["", "/deploy", "/by-hermes"])
    expect([path, rawStatus(await send(path, type, body, byOther))]).toEqual([path, 401]);
  const byEndpoint = lines(signed("hermes", body, HOOK_SECRET, "/own"));
  expect(rawStatus(await send("/own", type, body, byEndpoint))).toBe(401);
  for (const fixed of SCHEME_NAMES)
    for (const shown of SCHEME_NAMES.filter((name) => name !== fixed)) {
      const other = freshBody(shown);
      const headers = lines(signed(shown, other.body, HOOK_SECRET, `/by-${fixed}`));
      const status = rawStatus(await send(`/by-${fixed}`, other.type, other.body, headers));
      expect([fixed, shown, status]).toEqual([fixed, shown, 401]);
    }
});

test("an unknown route is none, signed or not", async () => {
  const { type, body } = freshBody("hermes");
  for (const headers of [[], lines(signed("hermes", body, HOOK_SECRET, "/nobody"))])
    for (const path of ["/nobody", "/constructor", "/__proto__", "/deploy/more", "/by-hermes/by-hermes"])
      expect([path, rawStatus(await send(path, type, body, headers, "localhost"))]).toEqual([path, 404]);
});
