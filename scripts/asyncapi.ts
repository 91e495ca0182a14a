import { stringify } from "yaml";
import { WEBHOOK_EVENTS, type WebhookEventType } from "../src/config/webhook-events.ts";
import {
  EVENT_MEANINGS,
  PAYLOAD_VERSION,
  payloadSchema,
  type WebhookEventFacts,
} from "../src/webhooks/outbound/events.ts";
import { schemeOf } from "../src/webhooks/schemes.ts";

/** What the examples are signed with, at this moment. */
export const EXAMPLE_SECRET = "outbound-secret";
export const EXAMPLE_TIME_MS = Date.parse("2026-11-22T08:00:01Z");

const RUN = {
  run_id: "run_01k3s8v4e2",
  session_id: "ses_01k3s8v4d0",
  owner: "gateway:telegram:123456789",
  kind: "chat",
} as const;
const USAGE = { input_tokens: 812, output_tokens: 9, total_tokens: 821, cost_usd: 0.0026 };

/** The data of an event of each type. */
const EXAMPLES: { [Type in WebhookEventType]: WebhookEventFacts[Type] & { truncated?: boolean } } = {
  "message.received": { ...RUN, text: "What is the capital of France?", attachments: 0, truncated: false },
  "task.started": { ...RUN, model: "openrouter/anthropic/claude-sonnet-4" },
  "approval.requested": {
    ...RUN,
    approval_id: "apr_01k3s8v4f3",
    tool: "terminal_run",
    question: "Run: git push",
    truncated: false,
  },
  "approval.decided": { ...RUN, approval_id: "apr_01k3s8v4f3", approved: true },
  "task.joined": { ...RUN, run_id: "run_01k3s8v4g4", joined_run_id: "run_01k3s8v4e2" },
  "task.completed": {
    ...RUN,
    response: "Paris.",
    model: "openrouter/anthropic/claude-sonnet-4",
    finish_reason: "stop",
    usage: USAGE,
    truncated: false,
  },
  "task.cancelled": { ...RUN, usage: USAGE },
  "agent.error": {
    ...RUN,
    error: {
      code: "model_timeout",
      message: "openrouter did not answer within 60000 ms.",
      hint: "Try again, or choose another model.",
    },
    usage: { input_tokens: 0, output_tokens: 0, total_tokens: 0 },
    truncated: false,
  },
};

const HEADERS = {
  type: "object",
  required: ["content-type", "webhook-id", "webhook-timestamp", "webhook-signature", "x-hermes-signature"],
  properties: {
    "content-type": { const: "application/json" },
    "user-agent": { type: "string", description: "Begins with `Hermes-Webhooks/`." },
    "webhook-id": {
      type: "string",
      description: "The event; the same at every try. Whoever has had it answers 2xx and does nothing.",
    },
    "webhook-timestamp": {
      type: "string",
      pattern: "^[0-9]+$",
      description: "When this try was made, in seconds since 1970. Refuse what is older than 5 minutes.",
    },
    "webhook-signature": {
      type: "string",
      description:
        "Standard Webhooks: `v1,` and the Base64 of the HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`. Several, parted by spaces, while a secret is being changed: one that fits is enough.",
    },
    "x-hermes-signature": {
      type: "string",
      pattern: "^sha256=[0-9a-f]{64}$",
      description: "`sha256=` and the HMAC-SHA256 over the body in hexadecimal.",
    },
  },
};

const DESCRIPTION = `What Hermes tells by webhook. It posts each event to every endpoint of \`gateway.webhook.outbound\` that asks for it.

Answer with 2xx within 15 seconds (\`timeout_ms\`). Anything else is tried again: after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h,
20 h and 24 h, each a fifth shorter or longer, longer where \`Retry-After\` asks for it. 410 ends it all. Redirects are not followed.
An event may come twice, and events may come in another order than they happened, unless the endpoint is \`ordered\`.

The examples are signed with the secret \`${EXAMPLE_SECRET}\`. Fields may be added to \`data\` at any time; anything else that changes
raises \`version\`.`;

/** The body of the example of an event, as it is sent. */
export function exampleBody(type: WebhookEventType): string {
  const id = `evt_01k3s8v5${WEBHOOK_EVENTS.indexOf(type)}`;
  const timestamp = "2026-11-22T08:00:00.000Z";
  return JSON.stringify({ id, type, event: type, version: PAYLOAD_VERSION, timestamp, data: EXAMPLES[type] });
}

/** The headers of the example of an event, as they are sent. */
export function exampleHeaders(type: WebhookEventType): Record<string, string> {
  const body = new TextEncoder().encode(exampleBody(type));
  const id: string = JSON.parse(exampleBody(type)).id;
  const signing = { id, nowMs: EXAMPLE_TIME_MS };
  return {
    "content-type": "application/json",
    "user-agent": "Hermes-Webhooks/1",
    ...schemeOf("standard").sign(body, EXAMPLE_SECRET, signing),
    ...schemeOf("hermes").sign(body, EXAMPLE_SECRET, signing),
  };
}

/** The AsyncAPI 3.1 document of the events, as YAML. */
export function asyncApiYaml(): string {
  const messages = Object.fromEntries(WEBHOOK_EVENTS.map((type) => [type, messageOf(type)]));
  const document = {
    asyncapi: "3.1.0",
    info: {
      title: "Hermes webhooks",
      version: `${PAYLOAD_VERSION}.0.0`,
      description: DESCRIPTION,
      license: { name: "MIT" },
    },
    defaultContentType: "application/json",
    channels: {
      events: {
        address: null,
        description: "The address of an endpoint.",
        messages: Object.fromEntries(
          WEBHOOK_EVENTS.map((type) => [type, { $ref: `#/components/messages/${type}` }]),
        ),
      },
    },
    operations: {
      sendEvent: {
        action: "send",
        channel: { $ref: "#/channels/events" },
        summary: "Hermes posts an event.",
        bindings: { http: { method: "POST", bindingVersion: "0.3.0" } },
      },
    },
    components: { messages, schemas: { headers: HEADERS } },
  };
  const text = stringify(JSON.parse(JSON.stringify(document)), {
    lineWidth: 0,
    aliasDuplicateObjects: false,
  });
  return `# Made by \`bun run generate\` from src/webhooks/outbound/events.ts.\n${text}`;
}

function messageOf(type: WebhookEventType): object {
  return {
    name: type,
    title: type,
    summary: EVENT_MEANINGS[type],
    contentType: "application/json",
    headers: { $ref: "#/components/schemas/headers" },
    payload: payloadSchema(type),
    examples: [
      {
        name: type,
        summary: EVENT_MEANINGS[type],
        headers: exampleHeaders(type),
        payload: JSON.parse(exampleBody(type)),
      },
    ],
  };
}
