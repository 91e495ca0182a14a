import { AppError } from "../lib/errors.ts";
import type { Method, Route, ServedRoute } from "./routes.ts";

/** What is served at one path. */
export interface ServedPath<Owner> {
  /** The first one that serves it. */
  owner: Owner;
  methods: Partial<Record<Method, Route>>;
}

/** The table as the guard asks it. */
export interface RouteTable<Owner> {
  /** What is served at a path, or null when nothing is. The path is compared as it stands. */
  find(path: string): ServedPath<Owner> | null;
}

/**
 * The routes of every owner as one table. Throws when two of them claim one path for different routes, or when patterns of
 * two could match the same path: the router and this table might choose differently.
 */
export function createRouteTable<Owner>(
  owners: readonly { owner: Owner; routes: readonly ServedRoute[] }[],
): RouteTable<Owner> {
  const plain = new Map<string, ServedPath<Owner>>();
  for (const { owner, routes } of owners)
    for (const { route, path } of routes) {
      const served = plain.get(path) ?? { owner, methods: {} };
      const known = served.methods[route.method];
      if (known !== undefined && known !== route) throw twice(route.method, path);
      served.methods[route.method] = route;
      plain.set(path, served);
    }
  const patterns = [...plain]
    .filter(([path]) => path.includes(":"))
    .map(([path, served]) => ({ expression: patternOf(path), path, served }));
  for (const pattern of patterns)
    for (const [path, { owner }] of plain)
      if (owner !== pattern.served.owner && mayMeet(path, pattern.path)) throw twice("requests to", path);
  return {
    find: (path) =>
      plain.get(path) ?? patterns.find(({ expression }) => expression.test(path))?.served ?? null,
  };
}

/** True when a path could be matched by both. */
function mayMeet(one: string, other: string): boolean {
  const [a, b] = [one.split("/"), other.split("/")];
  const isFree = (part: string | undefined) => part?.startsWith(":");
  return a.length === b.length && a.every((part, i) => part === b[i] || isFree(part) || isFree(b[i]));
}

function twice(what: string, path: string): AppError {
  return new AppError("config_invalid", `Two surfaces on one port both answer ${what} ${path}.`, {
    hint: "Give them different ports, or other paths.",
  });
}

/** Matches a path whose parameters are ids; an id needs no decoding, so checker and router cannot read it differently. */
function patternOf(path: string): RegExp {
  const source = path.replace(/[.~]/g, "\\$&").replace(/:[a-z_]+/g, "[A-Za-z0-9_-]{1,64}");
  return new RegExp(`^${source}$`);
}
