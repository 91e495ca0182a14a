import { type LoadedConfig, loadConfig } from "../config/load.ts";
import { AppError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import type { Scheme } from "../webhooks/contract.ts";
import { readEndpoint } from "./endpoint.ts";
import type { CommonOptions } from "./options.ts";
import { print, printable, printJson, say, withProgress } from "./output.ts";
import { AlreadyTold } from "./report.ts";
import { withStore } from "./store.ts";
import { type EventLife, followEvent, type LifeStep } from "./webhook-life.ts";
import { addressOf, contentType, readBody, type Signing, schemeFor, secretFor } from "./webhook-signing.ts";

/** What is sent, and where to. */
export interface TestOptions extends CommonOptions, Signing {
  /** A file, or `-` for stdin. */
  data?: string;
  url?: URL;
  json?: true;
}

const ANSWER_MS = 150_000;
/** So long a command waits for the end of what it has sent. */
const PATIENCE_MS = 120_000;

/** Senders are told no more than to come again; who runs this command can look for the reason. */
const OPERATOR_HINT =
  "The log of the Hermes that took it says why: mostly no model has a key, which `hermes doctor` tells.";

/** A request as it is shown. */
interface Shown {
  url: string;
  /** Without the secret, where a scheme sends that itself. */
  headers: Record<string, string>;
  body: string;
}

/** A request as it is sent. */
interface Sent {
  shown: Shown;
  headers: Record<string, string>;
  bytes: Uint8Array<ArrayBuffer>;
}

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/** Prints what is sent, what comes back and each step after that. Raises what came of it when that is no success. */
export async function testWebhook(options: TestOptions): Promise<void> {
  const loaded = loadConfig(options.config === undefined ? {} : { file: options.config });
  const tell = options.json ? () => undefined : print;
  const sent = await signedEvent(loaded, options);
  const { shown } = sent;
  tell(`POST ${shown.url}`);
  for (const [name, value] of Object.entries(shown.headers)) tell(`  ${name}: ${value}`);
  tell(`  ${printable(shown.body)}`);
  const answer = await withProgress("waiting for the answer", send(sent));
  tell(`${answer.status}`);
  tell(`  ${printable(JSON.stringify(answer.body))}`);
  const life = answer.status < 300 ? await lifeOf(answer, options, tell) : null;
  if (options.json) printJson({ request: shown, response: answer, ...(life === null ? {} : { life }) });
  const failure = failureOf(answer, life);
  if (failure !== null) throw options.json ? new AlreadyTold(failure) : failure;
}

async function signedEvent(loaded: LoadedConfig, options: TestOptions): Promise<Sent> {
  const scheme = schemeFor(loaded, options);
  const secret = secretFor(loaded, options);
  const bytes = options.data === undefined ? Buffer.from(ownBody(scheme)) : await readBody(options.data);
  const address = addressOf(loaded, options.route);
  const parts = { id: newId("msg"), nowMs: Date.now(), url: address };
  const headers = { "content-type": contentType(scheme), ...scheme.sign(bytes, secret, parts) };
  const harmless = Object.entries(headers).map(([name, value]) => [name, value.replaceAll(secret, "***")]);
  const url = options.url?.href ?? (await runningAddress(loaded, options.route)) ?? address;
  const shown = { url, headers: Object.fromEntries(harmless), body: new TextDecoder().decode(bytes) };
  return { shown, headers, bytes };
}

/** A body that no other event has. */
function ownBody({ name }: Scheme): string {
  const id = newId("test");
  if (name === "twilio") return `Body=test&MessageSid=${id}`;
  return JSON.stringify({ test: true, id, ...(name === "linear" ? { webhookTimestamp: Date.now() } : {}) });
}

/** Where the Hermes of this home takes webhooks; null when none does. */
async function runningAddress({ home }: LoadedConfig, route: string | undefined): Promise<string | null> {
  const { isAlive } = await import("../app/offline.ts");
  const endpoint = readEndpoint(home, "webhook");
  if (endpoint === null || !isAlive(home, endpoint.instance)) return null;
  return route === undefined ? endpoint.url : `${endpoint.url}/${route}`;
}

async function send({ shown: { url }, headers, bytes }: Sent): Promise<Answer> {
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers,
      body: bytes,
      redirect: "manual", // a signature goes to nobody else
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const told: unknown = await answer.json().catch(() => null);
    return { status: answer.status, body: typeof told === "object" && told !== null ? { ...told } : {} };
  } catch (cause) {
    throw new AppError("not_ready", `Nothing answers at ${url}.`, {
      hint: "Start `hermes gateway --webhook`, or give the address with --url.",
      cause,
    });
  }
}

/** The steps of what was taken, from the database of this home; null where that knows nothing of it. */
async function lifeOf(
  { body }: Answer,
  options: TestOptions,
  tell: (line: string) => void,
): Promise<EventLife | null> {
  const { run_id: runId, delivery_id: deliveryId } = body;
  const ids = {
    runId: typeof runId === "string" ? runId : null,
    deliveryId: typeof deliveryId === "string" ? deliveryId : null,
  };
  if (ids.runId === null && ids.deliveryId === null) return null;
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const life = await withStore(options, "following the event", (store) =>
    followEvent(store, ids, (step) => tell(lineOf(step)), signal),
  );
  if (life === null) say("The database of this home does not know it: another Hermes has taken it.");
  return life;
}

function lineOf({ status, afterMs, detail }: LifeStep): string {
  const head = `${status.padEnd(10)} after ${Math.round(afterMs)} ms`;
  return printable(detail === "" ? head : `${head}\n  ${detail.replaceAll("\n", "\n  ")}`);
}

function failureOf({ status, body }: Answer, life: EventLife | null): AppError | null {
  const { detail, code } = body;
  const hint = code === "not_ready" ? OPERATOR_HINT : body["hint"];
  if (status >= 300)
    return new AppError(
      "conflict",
      `The event was refused: ${typeof detail === "string" ? detail : status}`,
      {
        ...(typeof hint === "string" ? { hint } : {}),
      },
    );
  if (life === null || life.isDone) return null;
  return new AppError(
    "conflict",
    `The event is not done: ${life.steps.at(-1)?.status ?? "nothing is known"}.`,
  );
}
