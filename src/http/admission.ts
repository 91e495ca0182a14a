import { Elysia } from "elysia";
import type { ToolGroup } from "../config/tool-groups.ts";
import type { Caller } from "../tools/contract.ts";
import type { Route } from "./routes.ts";

/** What the guard found out about a request; every endpoint and every error reads it. */
export interface Admission {
  requestId: string;
  /** The entry of the route table; null when there is none. */
  route: Route | null;
  /** Null on public routes. */
  caller: Caller | null;
  /** Names the key without telling anything about it; null on public routes and without authentication. */
  keyId: string | null;
  /** The tool groups whose scope the access token holds; null where there is no token but a key. */
  grants: readonly ToolGroup[] | null;
  /** Looks at a credential that takes time, and fills in who calls or throws; must be awaited before the body is read. */
  verify: (() => Promise<void>) | null;
  /** Takes so many further requests from the allowance of the key, for a body that holds several. Throws `rate_limited`. */
  spend?(requests: number): void;
  /** Further headers that the answer gets, whatever it is. */
  headers: Record<string, string>;
}

/** The admission that stands until the guard has looked. */
const NOBODY: Admission = newAdmission("");

/** The admission of a request of which nothing is known yet. */
export function newAdmission(requestId: string): Admission {
  return { requestId, route: null, caller: null, keyId: null, grants: null, verify: null, headers: {} };
}

/** A plugin whose handlers find the `admission` in their context. */
export function admittedPlugin(prefix = "") {
  return new Elysia({ prefix, normalize: false }).decorate("admission", NOBODY);
}

/** The caller behind an admission. The guard lets nobody without one past a route that has a scope. */
export function callerOf(admission: Admission): Caller {
  if (admission.caller === null) throw new Error(`no caller on ${admission.route?.path}`);
  return admission.caller;
}
