import { type TProperties, Type } from "typebox";
import { MAX_ATTACHMENTS } from "../agent/attachments.ts";
import { WEBHOOK_EVENTS } from "../config/webhook-events.ts";
import { ID_PATTERN } from "../tools/contract.ts";
import { MEMORY_KEY_CHARS, MEMORY_VALUE_BYTES } from "../tools/memory.ts";

/** The longest message or task. */
export const MAX_MESSAGE_CHARS = 1_000_000;
/** Entries in one page, at most and when nothing is said. */
export const MAX_PAGE = 100;
export const DEFAULT_PAGE = 20;

const NOT_BLANK_PATTERN = "\\S";
const TIME_PATTERN = "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?(Z|[+-]\\d{2}:\\d{2})$";
const WEB_ADDRESS_PATTERN = "^[Hh][Tt][Tt][Pp][Ss]?://";

/** What each pattern asks for, in words that follow "must be". */
export const PATTERN_FORMS: ReadonlyMap<string, string> = new Map([
  [ID_PATTERN, "1 to 64 letters, digits, _ or -"],
  [NOT_BLANK_PATTERN, `text of 1 to ${MAX_MESSAGE_CHARS} characters, not only spaces`],
  [TIME_PATTERN, "a time such as 2026-11-22T08:00:00Z"],
  [WEB_ADDRESS_PATTERN, "an address that begins with http:// or https://"],
]);

const strict = <P extends TProperties>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });
const id = (description: string, example: string) =>
  Type.String({ description, pattern: ID_PATTERN, examples: [example] });

const sessionId = id("The session to continue. A new one is made when absent.", "my-session");
const model = Type.String({
  description: "The model as `provider/model`. The configured default when absent.",
  minLength: 1,
  maxLength: 200,
  examples: ["openrouter/anthropic/claude-sonnet-4"],
});
const page = {
  limit: Type.Optional(
    Type.Integer({
      description: "Entries in one page.",
      minimum: 1,
      maximum: MAX_PAGE,
      default: DEFAULT_PAGE,
    }),
  ),
  cursor: Type.Optional(
    Type.String({
      description: "`next_cursor` of the page before.",
      minLength: 1,
      maxLength: 500,
    }),
  ),
};
const owner = Type.Optional(
  Type.String({
    description: "Whose sessions, such as `api:alice`. Other owners than the caller need the scope `admin`.",
    minLength: 1,
    maxLength: 200,
  }),
);
const search = Type.Optional(
  Type.String({ description: "Words to search for; any text is valid.", minLength: 1, maxLength: 1000 }),
);
const memoryKey = Type.String({
  description: "The key, chosen by whoever writes.",
  minLength: 1,
  maxLength: MEMORY_KEY_CHARS,
  examples: ["favourite_colour"],
});

/** Body of `POST /chat`. */
export const ChatBody = strict({
  message: Type.String({
    description: "What to say to Hermes.",
    minLength: 1,
    maxLength: MAX_MESSAGE_CHARS,
    pattern: NOT_BLANK_PATTERN,
    examples: ["Hello!"],
  }),
  session_id: Type.Optional(sessionId),
  model: Type.Optional(model),
  stream: Type.Optional(
    Type.Boolean({
      description: "Answer with server-sent events; `Accept: text/event-stream` does the same.",
      default: false,
    }),
  ),
});

/** Body of `POST /execute`. */
export const ExecuteBody = strict({
  task: Type.String({
    description: "What to do.",
    minLength: 1,
    maxLength: MAX_MESSAGE_CHARS,
    pattern: NOT_BLANK_PATTERN,
    examples: ["Remember that my favourite colour is green."],
  }),
  attachments: Type.Optional(
    Type.Array(Type.String({ pattern: WEB_ADDRESS_PATTERN, maxLength: 2048 }), {
      description: "Addresses of files and images that the task is about.",
      maxItems: MAX_ATTACHMENTS,
    }),
  ),
  tools: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
      description:
        "Tools or tool groups to narrow the task to; `[]` for none. Never widens what the key may use.",
      maxItems: 100,
    }),
  ),
  model: Type.Optional(model),
  session_id: Type.Optional(sessionId),
});

/** Body of `POST /runs/{run_id}/approvals/{approval_id}`. */
export const ApprovalBody = strict({
  decision: Type.Union([Type.Literal("approve"), Type.Literal("deny")], {
    description: "Whether the call may go on.",
    examples: ["approve"],
  }),
  reason: Type.Optional(
    Type.String({ description: "What the model is told about a denial.", maxLength: 1000 }),
  ),
});

/** Body of `POST /memory`. */
export const MemoryBody = strict({
  key: memoryKey,
  value: Type.Unknown({
    description: `Any JSON value, also null; at most ${MEMORY_VALUE_BYTES / 1024} KiB of JSON text.`,
  }),
});

/** Query of `GET /memory`. */
export const MemoryQuery = strict({ key: Type.Optional(memoryKey), q: search, ...page });
/** Query of `DELETE /memory`. */
export const MemoryKeyQuery = strict({ key: memoryKey });
/** Query of `GET /sessions`. */
export const SessionsQuery = strict({ q: search, owner, ...page });
/** Query of `GET /sessions/{session_id}/messages`. */
export const MessagesQuery = strict({ owner, ...page });
/** Query of `DELETE /sessions/{session_id}`. */
export const OwnerQuery = strict({ owner });
const runId = id("The id of the run.", "run_01k3s8v4");
/** Parameters of the paths below `/runs/{run_id}`. */
export const RunParams = strict({ run_id: runId });
/** Parameters of the path of an approval. */
export const ApprovalParams = strict({
  run_id: runId,
  approval_id: id("The id of the approval.", "apr_01k3s8v5"),
});
/** Parameters of the paths below `/sessions/{session_id}`. */
export const SessionParams = strict({ session_id: id("The id of the session.", "my-session") });

const oneOf = <const Name extends string>(names: readonly Name[], description: string) =>
  Type.Union(
    names.map((name) => Type.Literal(name)),
    { description },
  );
const time = (description: string) =>
  Type.String({ description, pattern: TIME_PATTERN, examples: ["2026-11-22T08:00:00Z"] });
const deliveryFilter = {
  status: Type.Optional(oneOf(["due", "sent", "dead"], "How they stand; `dead`: given up.")),
  endpoint: Type.Optional(id("The name of the endpoint.", "default")),
  type: Type.Optional(oneOf(WEBHOOK_EVENTS, "The event.")),
  since: Type.Optional(time("Made at this moment or later.")),
  until: Type.Optional(time("Made before this moment.")),
};

/** Query of `GET /deliveries`. */
export const DeliveriesQuery = strict({ ...deliveryFilter, ...page });
/** Body of `POST /deliveries`. */
export const ReplayBody = strict({
  ...deliveryFilter,
  since: time("Made at this moment or later."),
});
/** Parameters of the paths below `/deliveries/{delivery_id}`. */
export const DeliveryParams = strict({ delivery_id: id("The id of the delivery.", "whd_01k3s8v4") });
