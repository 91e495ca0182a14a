import { type Static, type TObject, type TProperties, Type } from "typebox";
import type { WebhookEventType } from "../../config/webhook-events.ts";

/**
 * What Hermes tells by webhook. The payloads, the AsyncAPI document and the page of the documentation are made from here.
 * Within a version fields are only added; what would break a receiver raises `version`.
 */
export const PAYLOAD_VERSION = 1;

const text = (description: string) => Type.String({ description });
const object = <P extends TProperties>(properties: P) => Type.Object(properties);

const usage = Type.Object(
  {
    input_tokens: Type.Integer(),
    output_tokens: Type.Integer(),
    total_tokens: Type.Integer(),
    cached_tokens: Type.Optional(Type.Integer()),
    reasoning_tokens: Type.Optional(Type.Integer()),
    cost_usd: Type.Optional(Type.Number({ description: "By the catalogue's price; absent when not known." })),
  },
  { description: "What the turn used." },
);

/** Of which turn an event tells. */
const run = {
  run_id: text("The turn; `GET /api/v1/runs/{run_id}` tells more of it."),
  session_id: text("The conversation."),
  owner: text("Whose conversation: a door and a name, such as `api:owner` or `gateway:telegram:123456789`."),
  kind: Type.Union([Type.Literal("chat"), Type.Literal("execute"), Type.Literal("delegate")], {
    description: "What was asked for.",
  }),
};
const truncated = Type.Boolean({
  description: "The text is longer than a webhook carries; the whole of it is at `/api/v1/runs/{run_id}`.",
});
const approvalId = text("The question, as in the REST API.");

/** The field `data` of each event. */
export const EVENT_DATA = {
  "message.received": object({
    ...run,
    text: text("What was said to Hermes."),
    truncated,
    attachments: Type.Integer({ description: "Files and addresses that came with it." }),
  }),
  "task.started": object({ ...run, model: text("The model that answers.") }),
  "approval.requested": object({
    ...run,
    approval_id: approvalId,
    tool: text("The tool that would run."),
    question: text("What would be done."),
    truncated,
  }),
  "approval.decided": object({
    ...run,
    approval_id: approvalId,
    approved: Type.Boolean({ description: "Whether the call goes on." }),
  }),
  "task.joined": object({
    ...run,
    joined_run_id: text("The turn that has taken the message in; its answer is the answer to both."),
  }),
  "task.completed": object({
    ...run,
    response: text("The answer."),
    truncated,
    model: text("The model that answered."),
    finish_reason: text("Why the model stopped: `stop`, or `length` for an answer that was cut off."),
    usage,
  }),
  "task.cancelled": object({ ...run, usage }),
  "agent.error": object({
    ...run,
    error: object({
      code: text("For programs, as in the problems of the REST API."),
      message: text("What went wrong."),
      hint: Type.Optional(text("What can be done about it.")),
    }),
    truncated,
    usage,
  }),
} as const satisfies Record<WebhookEventType, TObject>;

/** What happened, per event. */
export const EVENT_MEANINGS: Readonly<Record<WebhookEventType, string>> = {
  "message.received": "A message is on disk, and will be answered.",
  "task.started": "The agent has begun to work on a message.",
  "approval.requested": "A call of the turn waits for somebody to allow it.",
  "approval.decided": "Somebody has decided, and the turn goes on.",
  "task.joined": "A turn that was running has taken the message in.",
  "task.completed": "The answer is there.",
  "task.cancelled": "Somebody has cancelled the turn.",
  "agent.error": "The turn has failed.",
};

/** What is known of an event: its data, but for how much of its text fits. */
export type WebhookEventFacts = {
  [Type in WebhookEventType]: Omit<Static<(typeof EVENT_DATA)[Type]>, "truncated">;
};

/** The body of an event. `event` repeats `type`. */
export function payloadSchema(type: WebhookEventType) {
  return Type.Object({
    id: text("The event; the same at every try, and in the header `webhook-id`."),
    type: Type.Literal(type),
    event: Type.Literal(type, { description: "The same as `type`." }),
    version: Type.Literal(PAYLOAD_VERSION, { description: "Of the form of `data`." }),
    timestamp: Type.String({ description: "When it happened.", format: "date-time" }),
    data: EVENT_DATA[type],
  });
}
