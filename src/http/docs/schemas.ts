import { ERROR_CODES } from "../../lib/errors.ts";

type Schema = Record<string, unknown>;

const text = (description: string, more: Schema = {}): Schema => ({ type: "string", description, ...more });
const nullable = (type: string, description: string): Schema => ({ type: [type, "null"], description });
const count = (description: string): Schema => ({ type: "integer", minimum: 0, description });
const flag = (description: string): Schema => ({ type: "boolean", description });
const time = (description: string): Schema => text(description, { format: "date-time" });
const list = (items: Schema, description: string): Schema => ({ type: "array", items, description });
const object = (properties: Record<string, Schema>, optional: readonly string[] = []): Schema => ({
  type: "object",
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
});

/** A reference to one of the schemas below. */
export const ref = (name: keyof typeof SCHEMAS): Schema => ({ $ref: `#/components/schemas/${name}` });

const nextCursor = nullable("string", "Pass as `cursor` for the next page; null at the end.");
const usage = object(
  {
    input_tokens: count("Tokens that the model read."),
    output_tokens: count("Tokens that the model wrote."),
    total_tokens: count("Both together."),
    cached_tokens: count("Of the input, those read from the provider's cache."),
    reasoning_tokens: count("Of the output, those spent on thinking."),
    cost_usd: { type: "number", description: "By the catalogue's price; absent when that is not known." },
  },
  ["cached_tokens", "reasoning_tokens", "cost_usd"],
);
const fault = {
  anyOf: [
    object(
      {
        code: text("For programs, as in a problem."),
        message: text("What went wrong."),
        hint: text("What to do."),
      },
      ["hint"],
    ),
    { type: "null" },
  ],
};
const delivery = {
  id: text("The delivery."),
  event_id: text("The event; the header `webhook-id`."),
  type: text("The event's type."),
  endpoint: text("The name of the endpoint."),
  status: text("`dead`: given up.", { enum: ["due", "sent", "dead"] }),
  attempts: count("Tries since it was last made due."),
  next_attempt_at: nullable("string", "When it is tried next."),
  error: { ...fault, description: "Why the last try failed." },
  created_at: time("When it happened."),
  finished_at: nullable("string", "When it was delivered or given up."),
};
const sessionId = text("The session.");
const runId = text("The run.");
const finishReason = "Why the model stopped: `stop`, or `length` for an answer that was cut off.";

/** What the API answers with. */
export const SCHEMAS = {
  Problem: object(
    {
      type: text("`urn:hermes:problem:` and the code.", { format: "uri-reference" }),
      title: text("The same for every occurrence of a code."),
      status: { type: "integer", description: "The HTTP status." },
      detail: text("What went wrong this time."),
      code: text("For programs.", { enum: Object.keys(ERROR_CODES) }),
      hint: text("What to do about it."),
      errors: list(
        object({ field: text("JSON pointer, or the parameter."), detail: text("What is wrong with it.") }),
        "With `invalid_request`: every field that is wrong.",
      ),
      run_id: text("The run that failed."),
      session_id: text("The session of that run."),
      request_id: text("Stands in the log and in the header X-Request-Id."),
    },
    ["hint", "errors", "run_id", "session_id"],
  ),
  Usage: usage,
  Answer: object({
    response: text("What Hermes says."),
    session_id: text("Send it with the next message to go on with the conversation."),
    run_id: runId,
    model: text("The model that answered, as `provider/model`."),
    finish_reason: text(finishReason),
    usage,
  }),
  AcceptedRun: object({ run_id: runId, session_id: sessionId, status: { const: "queued" } }),
  Run: object({
    run_id: runId,
    session_id: sessionId,
    kind: text("What asked for it; `delegate` is a sub-task of another run.", {
      enum: ["chat", "execute", "delegate"],
    }),
    status: text("How it stands.", { enum: ["queued", "running", "completed", "failed", "cancelled"] }),
    response: nullable("string", "The answer of a completed run."),
    error: { ...fault, description: "Why a run failed." },
    model: nullable("string", "The model that answered."),
    finish_reason: nullable("string", finishReason),
    usage: { anyOf: [usage, { type: "null" }] },
    approvals: list(
      object({
        approval_id: text("Its id."),
        tool: text("The tool that would run."),
        call_id: text("The call, as in the events."),
        question: text("What would be done."),
        details: text("All there is to judge by: the command, the diff."),
        requested_at: time("When it was asked."),
      }),
      "What the run waits for somebody to decide.",
    ),
    created_at: time("When it was accepted."),
    started_at: nullable("string", "When it was last started."),
    finished_at: nullable("string", "When it ended."),
  }),
  /** A run that was running still is when this is answered; it ends in a moment. */
  Decision: object({
    run_id: runId,
    approval_id: text("What was decided."),
    decision: text("How.", { enum: ["approve", "deny"] }),
  }),
  CancelledRun: {
    allOf: [
      { $ref: "#/components/schemas/Run" },
      object({ cancelled: flag("False when it had ended before.") }),
    ],
  },
  Memory: object({
    key: text("Its key."),
    value: { description: "Any JSON value." },
    source: text("Who wrote it: `api`, or the run."),
    created_at: time("When it was first written."),
    updated_at: time("When it was last written."),
  }),
  MemoryPage: object({
    memories: list({ $ref: "#/components/schemas/Memory" }, "By key, or the best match first."),
    next_cursor: nextCursor,
  }),
  SessionPage: object({
    sessions: list(
      object({
        session_id: sessionId,
        owner: text("Whose it is."),
        title: text("Its beginning."),
        message_count: count("How many messages it has."),
        created_at: time("When it began."),
        updated_at: time("When the last message came."),
      }),
      "Newest first.",
    ),
    next_cursor: nextCursor,
  }),
  SearchPage: object({
    results: list(
      object({
        session_id: sessionId,
        message_id: count("The message."),
        run_id: runId,
        role: text("Who wrote it."),
        snippet: text("The place of the match."),
        created_at: time("When it was written."),
      }),
      "Best match first.",
    ),
    next_cursor: nextCursor,
  }),
  MessagePage: object({
    messages: list(
      object(
        {
          id: count("Rising within the session."),
          run_id: runId,
          role: text("Who wrote it.", { enum: ["user", "assistant", "tool"] }),
          content: text("Its text."),
          images: count("How many images came with it."),
          tool_calls: list({ type: "object" }, "The tools that the model called."),
          tool: text("The tool that answers."),
          call_id: text("The call that it answers."),
          is_error: flag("The tool failed."),
          model: text("The model that wrote it."),
          created_at: time("When it was written."),
        },
        ["images", "tool_calls", "tool", "call_id", "is_error", "model"],
      ),
      "Oldest first.",
    ),
    next_cursor: nextCursor,
  }),
  Delivery: object({
    ...delivery,
    payload: { type: "object", description: "The body, as docs/webhooks.asyncapi.yaml describes it." },
    tries: list(
      object({
        started_at: time("When it was sent."),
        duration_ms: count("How long the endpoint took."),
        request: object({
          url: text("The address without its query."),
          headers: { type: "object", description: "Without the signatures." },
        }),
        response: {
          anyOf: [
            object({
              status: { type: "integer", description: "The HTTP status." },
              headers: { type: "object" },
              body: text("Its beginning."),
            }),
            { type: "null" },
          ],
          description: "Null when there was no answer.",
        },
        error: { ...fault, description: "Null when it was delivered." },
      }),
      "Oldest first, those before a replay included.",
    ),
  }),
  DeliveryPage: object({ deliveries: list(object(delivery), "Newest first."), next_cursor: nextCursor }),
  Replayed: object({ replayed: count("How many are sent again.") }),
  Status: object({
    status: text("`degraded` while the database cannot be written.", { enum: ["ok", "degraded"] }),
    version: text("The version of Hermes."),
    uptime_s: count("Seconds since the start."),
    api: { type: "object", description: "Where it listens." },
    platforms: list(
      object(
        {
          account: text("The platform, or one of its accounts, such as `telegram.work`."),
          state: text("`waiting`: it failed, and is tried again. `refused`: it needs a change of settings.", {
            enum: ["starting", "connected", "reconnecting", "waiting", "refused", "stopped"],
          }),
          since: time("When this state began."),
          bot: {
            type: ["object", "null"],
            properties: { id: { type: "string" }, name: { type: "string" } },
            description: "Who it is there; null before it was connected.",
          },
          last_success_at: nullable("string", "When the connection last showed that it lives."),
          last_event_at: nullable("string", "When somebody last wrote."),
          reconnects: count("How often the connection was made anew."),
          error: object({ message: text("Why it is not connected."), hint: text("What to do.") }, ["hint"]),
        },
        ["error"],
      ),
      "The accounts of chat platforms, those of other processes included.",
    ),
    webhook_endpoints: list(
      object(
        {
          endpoint: text("Its name."),
          state: text("`disabled`: nothing is sent any more.", { enum: ["ok", "failing", "disabled"] }),
          due: count("Deliveries that are still tried."),
          dead: count("Deliveries that were given up."),
          last_success_at: nullable("string", "When it last took something."),
          failing_since: nullable("string", "Since when it only fails."),
          notice: object({ message: text("Why it is disabled."), hint: text("What to do.") }),
        },
        ["notice"],
      ),
      "Where webhooks are sent to.",
    ),
    model: object({ default: nullable("string", "The model that answers when none is named.") }),
    runs: object({ running: count("Turns in progress."), queued: count("Turns that wait.") }),
    event_streams: count("Clients that follow a stream."),
    store: { type: "object", description: "Health, size and contents of the database." },
    memory: object({ rss_bytes: count("Memory of the process.") }),
  }),
  ModelList: object({
    default: nullable("string", "The model that answers when none is named."),
    models: list(
      object({
        id: text("What to send as `model`."),
        provider: text("The provider."),
        name: text("The provider's name for it."),
        context_tokens: count("The size of its window."),
        max_output_tokens: nullable("integer", "Its longest answer."),
        usd_per_million_tokens: { type: "object", description: "Prices; null where they are not known." },
        images: flag("Takes images."),
        audio: flag("Takes recordings."),
        tools: flag("Calls tools."),
        reasoning: flag("Thinks before it answers."),
      }),
      "What the configured providers offer.",
    ),
  }),
  Health: object({ status: { const: "ok" }, version: text("The version of Hermes.") }),
  Ready: object({
    status: { const: "ready" },
    checks: list(
      object({ name: text("What."), ok: flag("Whether."), detail: text("How.") }),
      "One per check.",
    ),
  }),
} satisfies Record<string, Schema>;
