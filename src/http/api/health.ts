import type { AccountHealth } from "../../gateway/contract.ts";
import { AppError } from "../../lib/errors.ts";
import { timestamp } from "../../lib/timestamp.ts";
import { type Admission, admittedPlugin } from "../admission.ts";
import { json, problem } from "../answers.ts";
import type { Edge } from "../edge.ts";
import { ROUTES } from "../routes.ts";
import { defaultModel } from "./status.ts";

/** Anybody may ask, and a check writes to the disk: it is made at most once in this time. */
const CHECK_EVERY_MS = 1000;

interface Check {
  name: string;
  ok: boolean;
  detail: string;
}

/** `GET /health`, without a key: the process lives. Every surface has it, one also below a path of its own. */
export function livenessApi({ version }: Pick<Edge, "version">, path: string = ROUTES.health.path) {
  return admittedPlugin().get(path, ({ admission }) => {
    const alive = json(admission, { status: "ok", version });
    return alive; // not `return json(...)`: Elysia would take the handler for an asynchronous one
  });
}

/** `GET /ready`, without a key: it can do its work. */
export function readinessApi(edge: Edge) {
  const check = throttled(() => checks(edge), CHECK_EVERY_MS);
  return admittedPlugin().get(ROUTES.ready.path, async ({ admission }) =>
    readiness(admission, await check()),
  );
}

async function checks(edge: Edge): Promise<Check[]> {
  const store = await edge.store.health();
  const model = defaultModel(edge) !== null;
  return [
    { name: "store", ok: store.ok, detail: store.ok ? "can be written" : "cannot be written" },
    { name: "model", ok: model, detail: model ? "is configured" : "no provider has a key" },
    ...edge.listening().map(({ surface }) => ({ name: surface, ok: true, detail: "listens" })),
    ...(edge.gateway?.health() ?? []).map(accountCheck),
  ];
}

/** Anybody may ask: how it is, and not why. */
function accountCheck({ account, state, lastSuccessMs }: AccountHealth): Check {
  const last = lastSuccessMs === null ? "no success yet" : `last success at ${timestamp(lastSuccessMs)}`;
  return { name: account, ok: state === "connected", detail: `${state}, ${last}` };
}

function readiness(admission: Admission, list: Check[]): Response {
  const failed = list.filter((one) => !one.ok);
  if (failed.length === 0) return json(admission, { status: "ready", checks: list });
  const fails = (name: string) => failed.some((one) => one.name === name);
  const store = fails("store");
  const error = new AppError(
    store ? "store_unavailable" : "not_ready",
    `Not ready: ${failed.map((one) => one.name).join(", ")}.`,
    {
      hint:
        fails("model") && !store
          ? "Set the key of a model provider, such as OPENROUTER_API_KEY."
          : "`hermes status` and the log tell more.",
    },
  );
  return problem(admission, error, { checks: list });
}

/** Calls `make` at most once in `everyMs`; callers in between share the result. */
function throttled<T>(make: () => Promise<T>, everyMs: number): () => Promise<T> {
  let madeAtMs = Number.NEGATIVE_INFINITY;
  let result: Promise<T> | undefined;
  return () => {
    const nowMs = performance.now();
    if (result === undefined || nowMs - madeAtMs >= everyMs) {
      madeAtMs = nowMs;
      result = make();
    }
    return result;
  };
}
