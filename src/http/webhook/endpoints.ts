import { type AnyElysia, Elysia } from "elysia";
import { orAborted } from "../../lib/waiting.ts";
import { type Admission, admittedPlugin } from "../admission.ts";
import { livenessApi } from "../api/health.ts";
import { holdOpen, type SurfaceParts } from "../edge.ts";
import { shuttingDown } from "../plugins/refusals.ts";
import type { Work } from "../work.ts";
import { bodyOf } from "./body.ts";
import { answerOf, calledAccount, webhookRequest } from "./call.ts";
import type { InFlight } from "./in-flight.ts";
import type { Reading } from "./reading.ts";
import { CALL_ROUTES, HEALTH } from "./routes.ts";

export interface WebhookApiParts extends SurfaceParts {
  basePath: string;
  inFlight: InFlight;
  reading: Reading;
  work: Work;
}

/** What the handlers here take from their context. */
interface Exchange {
  request: Request;
  admission: Admission;
}

/** The webhooks of the platforms. What comes to a handler has passed the guard. */
export function webhookApi(parts: WebhookApiParts): AnyElysia {
  const { basePath } = parts;
  const answer = ({ request, admission }: Exchange) => answerCall(parts, { request, admission });
  const calls = admittedPlugin(basePath);
  for (const { method, path } of CALL_ROUTES)
    if (method === "GET") calls.get(path, answer);
    else calls.post(path, answer, { parse: "none" });
  return new Elysia({ normalize: false })
    .use(livenessApi(parts))
    .use(livenessApi(parts, `${basePath}${HEALTH.path}`))
    .use(calls);
}

/** Reads what is worth reading, and lets the platform verify, store and answer it. */
async function answerCall(parts: WebhookApiParts, { request, admission }: Exchange): Promise<Response> {
  const receivedAtMs = Date.now();
  const { route } = admission;
  if (route === null) throw new Error("a call came past the guard");
  const { label, webhook } = calledAccount(parts.gateway, request, route);
  const done = parts.work.begin();
  try {
    const body =
      request.method === "POST"
        ? await bodyOf(parts, parts.reading, label, request, admission)
        : new Uint8Array();
    const leave = parts.inFlight.enter(label, webhook.maxInFlight);
    const release = holdOpen(parts, request);
    try {
      const call = webhookRequest(request, body, receivedAtMs);
      return answerOf(admission, await orAborted(webhook.answer(call), parts.stopping));
    } finally {
      release();
      leave();
    }
  } catch (error) {
    throw parts.stopping.aborted ? shuttingDown() : error;
  } finally {
    done();
  }
}
