import { type AnyElysia, Elysia } from "elysia";
import { orAborted } from "../../lib/waiting.ts";
import { type Admission, admittedPlugin } from "../admission.ts";
import { livenessApi } from "../api/health.ts";
import { type BodyLimit, readBytes } from "../body.ts";
import { holdOpen, type SurfaceParts } from "../edge.ts";
import { shuttingDown } from "../plugins/refusals.ts";
import type { Work } from "../work.ts";
import { answerOf, calledAccount, webhookRequest } from "./call.ts";
import type { InFlight } from "./in-flight.ts";
import { CALL_ROUTES, HEALTH } from "./routes.ts";

export interface WebhookApiParts extends SurfaceParts {
  basePath: string;
  inFlight: InFlight;
  work: Work;
}

/** What the handlers here take from their context. */
interface Exchange {
  request: Request;
  admission: Admission;
}

/** The webhooks of the platforms. What comes to a handler has passed `admitCall` of the surface. */
export function webhookApi(parts: WebhookApiParts): AnyElysia {
  const { basePath } = parts;
  const answer = (context: Exchange) => answerCall(parts, context);
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
  const leave = enter(parts, label, admission);
  const done = parts.work.begin();
  try {
    const body =
      request.method === "POST" ? await readBytes(parts, request, limitOf(parts)) : new Uint8Array();
    const release = holdOpen(parts, request);
    try {
      const call = webhookRequest(request, body, receivedAtMs);
      return answerOf(admission, await orAborted(webhook.answer(call), parts.stopping));
    } finally {
      release();
    }
  } catch (error) {
    throw parts.stopping.aborted ? shuttingDown() : error;
  } finally {
    done();
    leave();
  }
}

/** Takes a place among the calls of the account. Nobody reads the body of one for which there is none. */
function enter({ inFlight }: WebhookApiParts, account: string, { headers }: Admission): () => void {
  try {
    return inFlight.enter(account);
  } catch (error) {
    headers["connection"] = "close";
    throw error;
  }
}

function limitOf({ config }: WebhookApiParts): BodyLimit {
  return { maxBytes: config.current.gateway.webhook.max_body_bytes, key: "gateway.webhook" };
}
