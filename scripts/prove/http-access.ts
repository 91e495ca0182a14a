import { ROUTES, type Route } from "../../src/http/routes.ts";
import {
  ROUTE_NAMES,
  type RouteName,
  rawExchange,
  rawRequest,
  rawStatus,
  SAMPLES,
  spellings,
  TOKENS,
  wrongAuthorizations,
} from "../../tests/support/server.ts";
import type { HttpTarget } from "./http.ts";
import type { Verdict } from "./verdict.ts";

const AT_ONCE = 16;
const right = [`Authorization: Bearer ${TOKENS.owner}`];

interface Case {
  what: string;
  request: string;
  allowed: (status: number) => boolean;
}

/** Every route with every wrong key, every spelling of its path, and every scope. */
export async function proveAccess(target: HttpTarget, verdict: Verdict): Promise<void> {
  const cases = ROUTE_NAMES.flatMap((name) => casesOf(name));
  const statuses = new Map<number, number>();
  const queue = cases.values();
  const worker = async () => {
    for (const { what, request, allowed } of queue) {
      const status = rawStatus(await rawExchange(target.port, request));
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (!allowed(status)) verdict.violation(`${what}: ${status}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  verdict.figure("access: routes", ROUTE_NAMES.length);
  verdict.figure("access: requests (route x key x spelling, route x scope)", cases.length);
  verdict.figure("access: answers by status", tally(statuses));
}

function casesOf(name: RouteName): Case[] {
  const route: Route = ROUTES[name];
  const { path, status } = SAMPLES[name];
  const isPublic = route.scope === "public";
  const what = `${route.method} ${path}`;
  const send = (headers: readonly string[], as = path) =>
    rawRequest({ ...SAMPLES[name], method: route.method, path: as }, headers);
  const refused = (got: number) => got === 401 || got === 400;

  const guests = wrongAuthorizations(TOKENS.owner).flatMap((headers) =>
    [path, ...spellings(path)].map((spelling) => ({
      what: `${route.method} ${spelling} with ${JSON.stringify(headers)}`,
      request: send([...headers, fromSomewhere()], spelling),
      allowed: isPublic && spelling === path ? (got: number) => got === 200 : refused,
    })),
  );
  const owner = spellings(path).map((spelling) => ({
    what: `${route.method} ${spelling} with the right key`,
    request: send(right, spelling),
    allowed: (got: number) => got === 404 || got === 400,
  }));
  const scopes = (["read", "chat", "tools", "admin"] as const).map((scope) => ({
    what: `${what} with the scope ${scope}`,
    request: send([`Authorization: Bearer ${TOKENS[scope]}`]),
    allowed: (got: number) => got === (isPublic || scope === "admin" || scope === route.scope ? status : 403),
  }));
  return [{ what, request: send(right), allowed: (got) => got === status }, ...guests, ...owner, ...scopes];
}

let addresses = 0;
function fromSomewhere(): string {
  addresses += 1;
  return `X-Forwarded-For: 198.${18 + (addresses >> 16)}.${(addresses >> 8) & 255}.${addresses & 255}`;
}

/** Counts by status as one line. */
export function tally(statuses: ReadonlyMap<number, number>): string {
  return [...statuses]
    .sort(([a], [b]) => a - b)
    .map(([status, count]) => `${status}: ${count}`)
    .join(", ");
}
