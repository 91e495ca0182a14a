import { parseJson, readRequest } from "./request.ts";
import { type Reply, SCENARIOS, type Scenario } from "./scenarios.ts";
import {
  completionBody,
  completionEvents,
  type Ended,
  type FakeRequest,
  type Travel,
  travelling,
} from "./wire.ts";

export interface FakeLlmOptions {
  /** 0 lets the system choose. */
  port: number;
  /** 127.0.0.1 unless said otherwise. */
  host?: string;
}

/** A request that the fake has received. */
export interface SeenRequest {
  path: string;
  headers: Record<string, string>;
  /** The parsed JSON body. */
  body: unknown;
  /** How its answer ended; never settles for a scenario that stays silent towards a client that stays. */
  ended: Promise<Ended>;
}

/** A running fake. */
export interface FakeLlm {
  /** The base URL to configure, with `/v1`. */
  url: string;
  port: number;
  /** The last 100 chat completion requests, oldest first. */
  requests: SeenRequest[];
  /** How many calls whose last user message is this text were answered completely. */
  calls(userText: string): number;
  stop(): Promise<void>;
}

const KEPT_REQUESTS = 100;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;

/**
 * Starts the scripted OpenAI-compatible server that tests, benchmarks and first-time users run on: `GET /v1/models` and
 * `POST /v1/chat/completions`, the model name choosing what happens (see `SCENARIOS`). Any API key will do. On loopback,
 * `GET /debug/calls` counts the complete answers per last user message and `GET /debug/requests` shows the last requests.
 */
export function startFakeLlm({ port, host = "127.0.0.1" }: FakeLlmOptions): FakeLlm {
  const requests: SeenRequest[] = [];
  const calls = new Map<string, number>();
  const met = new Map<string, number>();
  const debug = LOOPBACK.test(host);

  function complete(request: Request, raw: string): Response | Promise<Response> {
    const body = parseJson(raw);
    const parsed = readRequest(body, raw.length);
    if (typeof parsed === "string") return failure(400, parsed, "invalid_request_error");
    const userText = parsed.messages.findLast((message) => message.role === "user")?.text ?? "";
    const { promise, resolve } = Promise.withResolvers<Ended>();
    const ended = (how: Ended) => {
      if (how === "complete") count(calls, textKey(userText));
      resolve(how);
    };
    const headers = Object.fromEntries(request.headers);
    requests.push({ path: new URL(request.url).pathname, headers, body, ended: promise });
    if (requests.length > KEPT_REQUESTS) requests.shift();
    request.signal.addEventListener("abort", () => resolve("cancelled"));

    const found = findScenario(parsed.model);
    if (!found) return failure(404, `The model \`${parsed.model}\` does not exist.`, "invalid_request_error");
    const { scenario, match } = found;
    const once = parsed.model.endsWith("-once");
    const key = once ? textKey(`${headers["authorization"] ?? ""}\n${parsed.model}\n${userText}`) : "";
    const lastUser = parsed.messages.findLastIndex((message) => message.role === "user");
    const reply = scenario.reply({
      request: parsed,
      userText,
      toolResults: parsed.messages.slice(lastUser + 1).filter((message) => message.role === "tool"),
      number: Number(match[1] ?? 0) || 0,
      word: match[2] ?? match[1] ?? "",
      over: once && count(met, key) > 1,
    });
    return respond(parsed, reply, ended);
  }

  const server = Bun.serve({
    port,
    hostname: host,
    idleTimeout: 0,
    reusePort: false,
    development: false,
    error: () => failure(400, "The fake cannot read this request.", "invalid_request_error"),
    async fetch(request) {
      const { pathname, searchParams } = new URL(request.url);
      if (request.method === "POST" && pathname === "/v1/chat/completions")
        return complete(request, await request.text());
      if (request.method === "GET" && pathname === "/v1/models") return Response.json(modelList());
      if (debug && request.method === "GET" && pathname === "/debug/calls") {
        const text = searchParams.get("text");
        if (text !== null) return Response.json({ calls: calls.get(textKey(text)) ?? 0 });
        return Response.json({ calls: Object.fromEntries(calls) });
      }
      if (debug && request.method === "GET" && pathname === "/debug/requests")
        return Response.json({ requests: requests.map(({ ended: _, ...seen }) => seen) });
      return failure(404, `There is no ${request.method} ${pathname} here.`, "invalid_request_error");
    },
  });

  const name = host.includes(":") ? `[${host}]` : host;
  const boundPort = server.port ?? port;
  return {
    url: `http://${name}:${boundPort}/v1`,
    port: boundPort,
    requests,
    calls: (userText) => calls.get(textKey(userText)) ?? 0,
    stop: () => server.stop(true),
  };
}

function respond(
  request: FakeRequest,
  reply: Reply,
  ended: (how: Ended) => void,
): Response | Promise<Response> {
  if (reply === "silence") return new Promise(() => {});
  if ("status" in reply) {
    ended("cut");
    return failure(reply.status, reply.message, reply.type ?? "invalid_request_error", reply.headers);
  }
  if ("body" in reply) {
    ended("cut");
    return new Response(reply.body, { headers: reply.headers });
  }
  const { answer, travel = {} } = reply;
  const events = request.stream
    ? completionEvents(request, answer, travel)
    : halves(completionBody(request, answer));
  const journey = request.stream ? travel : inHalves(travel);
  const send = () =>
    new Response(travelling(events, journey, ended), {
      headers: { "content-type": request.stream ? "text/event-stream; charset=utf-8" : "application/json" },
    });
  return travel.firstMs ? Bun.sleep(travel.firstMs).then(send) : send();
}

/** What happens to the events of a stream, for a whole answer: it has two pieces, and the second one suffers. */
function inHalves({ cut, corruptEvent, ...rest }: Travel): Travel {
  return {
    ...rest,
    ...(corruptEvent === undefined ? {} : { corruptEvent: 1 }),
    ...(cut ? { cut: { ...cut, after: 0, unit: "events" } } : {}),
  };
}

function halves(text: string): string[] {
  const middle = Math.floor(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)];
}

function failure(
  status: number,
  message: string,
  type: string,
  headers: Record<string, string> = {},
): Response {
  return Response.json({ error: { message, type, param: null, code: null } }, { status, headers });
}

function findScenario(model: string): { scenario: Scenario; match: RegExpExecArray } | null {
  for (const scenario of SCENARIOS) {
    const match = scenario.pattern.exec(model);
    if (match) return { scenario, match };
  }
  return null;
}

function modelList(): object {
  return {
    object: "list",
    data: SCENARIOS.map(({ example, pattern, does }) => ({
      id: example,
      object: "model",
      created: 0,
      owned_by: "hermes-fake",
      pattern: pattern.source,
      description: does,
    })),
  };
}

function count(counts: Map<string, number>, key: string): number {
  const next = (counts.get(key) ?? 0) + 1;
  counts.set(key, next);
  return next;
}

function textKey(text: string): string {
  return Bun.hash(text).toString(16);
}
