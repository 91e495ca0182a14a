import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ROUTES, type Route } from "../../src/http/routes.ts";
import type { Scope } from "../../src/tools/contract.ts";
import {
  openTestServer,
  ROUTE_NAMES,
  type RouteName,
  rawExchange,
  rawRequest,
  rawStatus,
  SAMPLES,
  spellings,
  type TestServer,
  TOKENS,
  wrongAuthorizations,
} from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  // Ten wrong keys lock an address out, so that every wrong one here comes from an address of its own.
  server = await openTestServer({ config: { network: { trusted_proxies: ["127.0.0.1/32"] } } });
});
afterAll(() => server[Symbol.asyncDispose]());

const right = `Authorization: Bearer ${TOKENS.owner}`;
const send = (name: RouteName, headers: readonly string[], path = SAMPLES[name].path) =>
  rawExchange(server.port, rawRequest({ ...SAMPLES[name], method: ROUTES[name].method, path }, headers));

/** What stands in an answer to somebody without a key, beyond the problem itself: nothing. */
const LEAKS = [...Object.values(TOKENS), "session_id", "response", "validation", "at /", ".ts:", "Error:"];

describe("who gets in", () => {
  for (const name of ROUTE_NAMES) {
    const route: Route = ROUTES[name];
    const isPublic = route.scope === "public";
    const title = `${route.method} ${route.path}`;

    test(`${title}: the right key`, async () => {
      expect(rawStatus(await send(name, [right]))).toBe(SAMPLES[name].status);
    });

    test(`${title}: a guest and every wrong key`, async () => {
      for (const headers of wrongAuthorizations(TOKENS.owner)) {
        const answer = await send(name, [...headers, strangerHeader()]);
        expect([headers, rawStatus(answer)]).toEqual([headers, isPublic ? 200 : 401]);
        if (isPublic) continue;
        expect(answer).toContain("application/problem+json");
        expect(answer.toLowerCase()).toContain('www-authenticate: bearer realm="hermes"');
        for (const leak of LEAKS) expect(answer).not.toContain(leak);
      }
    });

    test(`${title}: another spelling of the path`, async () => {
      for (const path of spellings(SAMPLES[name].path)) {
        const guest = rawStatus(await send(name, [], path));
        const owner = rawStatus(await send(name, [right], path));
        expect([path, guest]).toEqual([path, guest === 400 ? 400 : 401]);
        expect([path, owner]).toEqual([path, owner === 400 ? 400 : 404]);
      }
    });

    test(`${title}: each scope`, async () => {
      for (const scope of ["read", "chat", "tools", "admin"] as const) {
        const status = rawStatus(await send(name, [`Authorization: Bearer ${TOKENS[scope]}`]));
        expect([scope, status]).toEqual([scope, allows(scope, route) ? SAMPLES[name].status : 403]);
      }
    });
  }

  test("no header and no field of the body adds rights", async () => {
    const headers = { "x-scopes": "admin", "x-forwarded-for": "127.0.0.1", "x-hermes-owner": "true" };
    expect((await server.post("/chat", { message: "hi" }, { as: "read", headers })).status).toBe(403);
    const body = { message: "hi", scopes: ["admin"], owner: "api:owner" };
    expect((await server.post("/chat", body, { as: "chat" })).status).toBe(422);
  });
});

function allows(scope: Scope, route: Route): boolean {
  return scope === "admin" || route.scope === "public" || route.scope === scope;
}

let strangers = 0;
function strangerHeader(): string {
  strangers += 1;
  return `X-Forwarded-For: 203.0.${strangers >> 8}.${strangers & 255}`;
}
