import { ROUTES, type Route } from "../routes.ts";
import { ref } from "./schemas.ts";

type Json = Record<string, unknown>;
type RouteName = keyof typeof ROUTES;

const USAGE = { input_tokens: 812, output_tokens: 9, total_tokens: 821, cost_usd: 0.0026 };
const ANSWER = {
  response: "Hello! What can I do for you?",
  session_id: "s_01k3s8v4d0",
  run_id: "run_01k3s8v4e2",
  model: "openrouter/anthropic/claude-sonnet-4",
  finish_reason: "stop",
  usage: USAGE,
};
const RUN = {
  run_id: ANSWER.run_id,
  session_id: ANSWER.session_id,
  kind: "chat",
  status: "completed",
  response: ANSWER.response,
  error: null,
  model: ANSWER.model,
  finish_reason: "stop",
  usage: USAGE,
  approvals: [],
  created_at: "2026-11-22T08:00:00.000Z",
  started_at: "2026-11-22T08:00:00.004Z",
  finished_at: "2026-11-22T08:00:01.250Z",
};
const MEMORY = {
  key: "favourite_colour",
  value: "green",
  source: "api",
  created_at: RUN.created_at,
  updated_at: RUN.created_at,
};
const DELIVERY = {
  id: "whd_01k3s8v4h5",
  event_id: "evt_01k3s8v4h4",
  type: "task.completed",
  endpoint: "default",
  status: "sent",
  attempts: 1,
  next_attempt_at: null,
  error: null,
  created_at: RUN.finished_at,
  finished_at: RUN.finished_at,
  payload: { id: "evt_01k3s8v4h4", type: "task.completed", data: { run_id: RUN.run_id } },
  tries: [
    {
      started_at: RUN.finished_at,
      duration_ms: 84,
      request: { url: "https://your-server.com/hermes-webhook", headers: { "webhook-id": "evt_01k3s8v4h4" } },
      response: { status: 200, headers: { "content-type": "text/plain" }, body: "ok" },
      error: null,
    },
  ],
};
const EVENTS = [
  'id: 1\nevent: run.started\ndata: {"type":"run.started","run_id":"run_01k3s8v4e2","session_id":"s_01k3s8v4d0","model":"openrouter/anthropic/claude-sonnet-4"}',
  'id: 2\nevent: message.delta\ndata: {"type":"message.delta","run_id":"run_01k3s8v4e2","delta":"Hello!"}',
].join("\n\n");

const answer = (description: string, schema: Json, example?: unknown): Json => ({
  description,
  content: { "application/json": { schema, ...(example === undefined ? {} : { example }) } },
});
const stream = {
  schema: {
    type: "string",
    description:
      "Events `run.started`, `message.delta {delta}`, `message.steered {text}`, `tool.started`, `tool.progress {message}`, `tool.completed`, `approval.requested {approval_id, question, details}`, `approval.decided {approval_id, approved}`, `run.completed {response, usage}` and `run.failed {error}`; every event has an id, and a comment every 15 s keeps the stream alive.",
  },
  example: `${EVENTS}\n\n`,
};
const runHeaders = {
  "X-Run-Id": { description: "The id of the run.", schema: { type: "string" } },
  Location: { description: "The address of the run.", schema: { type: "string" } },
};
const accepted = answer(
  "Accepted, with `Prefer: respond-async`; the run is at `Location`.",
  ref("AcceptedRun"),
  {
    run_id: ANSWER.run_id,
    session_id: ANSWER.session_id,
    status: "queued",
  },
);
const turn = {
  200: {
    description: "The answer, or its stream.",
    headers: runHeaders,
    content: {
      "application/json": { schema: ref("Answer"), example: ANSWER },
      "text/event-stream": stream,
    },
  },
  202: { ...accepted, headers: runHeaders },
};

/** What each documented route answers when all is well. */
const ANSWERS: Partial<Record<RouteName, Json>> = {
  chat: turn,
  execute: turn,
  run: { 200: answer("The run.", ref("Run"), RUN) },
  runEvents: { 200: { description: "The events.", content: { "text/event-stream": stream } } },
  cancelRun: {
    200: answer("How the run stands now.", ref("CancelledRun"), {
      ...RUN,
      status: "cancelled",
      cancelled: true,
    }),
  },
  decideApproval: {
    200: answer("The decision counts.", ref("Decision"), {
      run_id: ANSWER.run_id,
      approval_id: "apr_01k3s8v5",
      decision: "approve",
    }),
  },
  readMemory: {
    200: answer(
      "The entry of `key`; without one a page of entries.",
      { oneOf: [ref("Memory"), ref("MemoryPage")] },
      MEMORY,
    ),
  },
  writeMemory: { 200: answer("The entry as it stands now.", ref("Memory"), MEMORY) },
  deleteMemory: { 204: { description: "It is gone." } },
  sessions: {
    200: answer("A page of sessions; with `q` a page of matches.", {
      oneOf: [ref("SessionPage"), ref("SearchPage")],
    }),
  },
  sessionMessages: { 200: answer("A page of messages.", ref("MessagePage")) },
  deleteSession: { 204: { description: "It is gone." } },
  deliveries: { 200: answer("A page of webhooks.", ref("DeliveryPage")) },
  delivery: { 200: answer("The webhook.", ref("Delivery"), DELIVERY) },
  replayDelivery: {
    200: answer("It is sent again.", ref("Delivery"), { ...DELIVERY, status: "due", attempts: 0 }),
  },
  replayDeliveries: { 200: answer("So many are sent again.", ref("Replayed"), { replayed: 12 }) },
  status: { 200: answer("What runs and how it is.", ref("Status")) },
  models: { 200: answer("The models.", ref("ModelList")) },
  health: { 200: answer("It lives.", ref("Health"), { status: "ok", version: "0.1.0" }) },
  ready: { 200: answer("It can do its work.", ref("Ready")) },
};

/** What every status of an error means here. */
export const ERROR_RESPONSES = {
  400: "The request cannot be read: malformed JSON, a bad header, or a key in the address.",
  401: "A valid key is missing.",
  403: "The key lacks the scope, or the page's origin is not allowed.",
  404: "There is no such thing, or it belongs to somebody else.",
  408: "The body came too slowly.",
  409: "It cannot be done in this state: the first request with this key is not answered yet, the run was cancelled or has ended, or it is decided already.",
  413: "The body is too large.",
  415: "The body is not JSON.",
  421: "The Host is not served here.",
  422: "The request does not match what the endpoint takes; `errors` says where.",
  429: "Too many requests, or too many wrong keys; `Retry-After` says how long to wait.",
  500: "Something went wrong inside Hermes; the log has it under `request_id`.",
  502: "The model provider refused, could not be reached, or sent what cannot be used.",
  503: "Hermes cannot do it now: storage, load, or a stop; `Retry-After` says when to try again.",
  504: "The model provider did not answer in time.",
  507: "The budget of the turn is used up.",
} as const;

function errorsOf(name: RouteName, route: Route): number[] {
  const isTurn = name === "chat" || name === "execute";
  return [
    ...(route.scope === "public" ? [400, 403, 421, 500] : [400, 401, 403, 421, 429, 500, 503]),
    ...(name === "ready" ? [503] : []),
    ...(route.params || name === "readMemory" || name === "deleteMemory" ? [404] : []),
    ...(isTurn || name === "deleteSession" || name === "decideApproval" ? [409] : []),
    ...(route.body ? [408, 413, 415] : []),
    ...(route.body || route.query ? [422] : []),
    ...(isTurn ? [502, 504, 507] : []),
  ].sort((a, b) => a - b);
}

const header = (name: string, description: string, schema: Json = { type: "string" }): Json => ({
  name,
  in: "header",
  description,
  schema,
});
const TURN_HEADERS = [
  header("Idempotency-Key", "Makes a repeat safe: the same key gets the first request's answer.", {
    type: "string",
    minLength: 1,
    maxLength: 255,
  }),
  header("Prefer", "`respond-async`: answer 202 as soon as the message is on disk."),
];
const HEADERS: Partial<Record<RouteName, Json[]>> = {
  chat: TURN_HEADERS,
  execute: TURN_HEADERS,
  runEvents: [
    header("Last-Event-ID", "Go on after this event.", { type: "string", pattern: "^[0-9]{1,15}$" }),
  ],
};

/** The headers that a route reads. */
export function headersOf(name: RouteName): Json[] {
  return HEADERS[name] ?? [];
}

/** The operation of a route, without its parameters and its body, which come from the schemas it is validated with. */
export function operationOf(name: RouteName): Json {
  const route: Route = ROUTES[name];
  const errors = errorsOf(name, route).map((status) => [
    status,
    { $ref: `#/components/responses/${status}` },
  ]);
  const scope =
    route.scope === "public" ? "" : `Needs a key with the scope \`${route.scope}\` (or \`admin\`).`;
  return {
    operationId: name,
    summary: route.summary,
    ...(scope === "" ? { security: [] } : { description: scope }),
    tags: [route.tag],
    responses: { ...ANSWERS[name], ...Object.fromEntries(errors) },
  };
}
