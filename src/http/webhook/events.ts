import type { BunRequest } from "bun";
import type { AnyElysia } from "elysia";
import type { Challenge, Hook, HookAnswer, Hooks } from "../../gateway/hooks/contract.ts";
import { AppError } from "../../lib/errors.ts";
import { type Admission, admittedPlugin } from "../admission.ts";
import { json, problem } from "../answers.ts";
import { failureOf } from "../api/run-answers.ts";
import { holdOpen, type SurfaceParts } from "../edge.ts";
import type { Work } from "../work.ts";
import { bodyOf } from "./body.ts";
import { headersOf } from "./call.ts";
import type { InFlight } from "./in-flight.ts";
import type { Reading } from "./reading.ts";
import { EVENT_ROUTES } from "./routes.ts";

/** What taking events over HTTP works with. */
export interface EventParts extends SurfaceParts {
  basePath: string;
  hooks: Hooks;
  inFlight: InFlight;
  reading: Reading;
  work: Work;
}

/** What the handlers here take from their context. */
interface Exchange {
  request: Request;
  admission: Admission;
}

/** `POST {path}` and `POST {path}/{route}`. What comes here has passed the guard. */
export function eventApi(parts: EventParts): AnyElysia {
  const api = admittedPlugin(parts.basePath);
  // Elysia reads what a handler takes from its context, and makes all of it for one that hands the context on.
  for (const { path } of EVENT_ROUTES)
    api.post(path, ({ request, admission }: Exchange) => answerEvent(parts, { request, admission }), {
      parse: "none",
    });
  return api;
}

/** What takes the events that are sent to this address, and its name among all that are called. Throws `not_found`. */
export function calledHook(hooks: Hooks, request: Request): { name: string; hook: Hook } {
  const { route = null } = (request as BunRequest).params as { route?: string };
  const hook = hooks.find(route);
  if (hook !== null) return { name: `events to ${route ?? "the endpoint"}`, hook };
  throw new AppError("not_found", "No events are taken at this address.", {
    hint: "The route must be in gateway.webhook.routes, and it or gateway.webhook must have a secret.",
  });
}

async function answerEvent(parts: EventParts, { request, admission }: Exchange): Promise<Response> {
  const { hooks, reading, inFlight, work, stopping } = parts;
  const { name, hook } = calledHook(hooks, request);
  const done = work.begin();
  try {
    const body = await bodyOf(parts, reading, name, request, admission);
    const leave = inFlight.enter(name);
    const release = holdOpen(parts, request);
    try {
      const call = { headers: headersOf(request), body, query: new URL(request.url).search };
      const patience = () => AbortSignal.any([request.signal, stopping]);
      return answerOf(admission, await hook.take(call, patience));
    } finally {
      release();
      leave();
    }
  } finally {
    done();
  }
}

/** A run that failed while its sender waited is told as an error, so that a sender that tries again does so. */
function answerOf(admission: Admission, answer: HookAnswer | Challenge): Response {
  if ("challenge" in answer) return json(admission, answer);
  const { eventId, runId, deliveryId, state, duplicate, ended } = answer;
  const ids = {
    event_id: eventId,
    run_id: runId,
    ...(deliveryId === undefined ? {} : { delivery_id: deliveryId }),
  };
  const told = { ...ids, status: state, ...(duplicate ? { duplicate } : {}) };
  if (ended !== undefined && ended.status !== "completed") return problem(admission, failureOf(ended), ids);
  if (ended !== undefined) return json(admission, { ...told, response: ended.response });
  return json(admission, told, duplicate || state === "ignored" ? 200 : 202);
}
