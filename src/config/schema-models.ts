import { Type } from "typebox";
import { count, entry, oneOf, secret, section, text, words } from "./schema-parts.ts";

/** Section `model`. */
export const model = section("Which model answers.", {
  default: text({
    description:
      "The model to use, as provider/model; the first slash splits. Without it: the first provider that has a key.",
    env: "HERMES_MODEL",
    sample: "openrouter/anthropic/claude-sonnet-4",
  }),
  fallbacks: words("Models to try in this order when the first one fails."),
  max_output_tokens: Type.Optional(
    Type.Integer({
      description: "Longest answer to ask a model for, in tokens.",
      minimum: 1,
      maximum: 1_000_000,
    }),
  ),
  temperature: Type.Optional(Type.Number({ description: "Sampling temperature.", minimum: 0, maximum: 2 })),
  retries: count(2, 0, 10, "How often a failed call to one model is tried again before the next fallback."),
  first_token_timeout_ms: count(60_000, 10, 600_000, "How long to wait for the first token of an answer."),
  stall_timeout_ms: count(60_000, 10, 600_000, "How long an answer may pause between two tokens."),
});

const providerModel = entry("A model and its limits.", {
  name: Type.String({ description: "The provider's name for the model." }),
  context_tokens: Type.Optional(Type.Integer({ description: "Size of its context window.", minimum: 1 })),
  images: Type.Optional(Type.Boolean({ description: "Takes images." })),
  audio: Type.Optional(Type.Boolean({ description: "Takes recordings." })),
});

/** One entry of `providers`. */
export const provider = Type.Object(
  {
    type: Type.Optional(
      oneOf(["openai-compatible", "anthropic", "google"], {
        description:
          "Protocol it speaks; known names such as openrouter need none. Default: openai-compatible.",
      }),
    ),
    api_key: secret({ description: "API key.", sample: "${OPENROUTER_API_KEY}" }),
    base_url: text({
      description: "Base URL up to and with the version, such as http://127.0.0.1:11434/v1.",
    }),
    headers: Type.Optional(
      Type.Record(Type.String(), Type.String({ secret: true }), { description: "Further request headers." }),
    ),
    models: Type.Optional(
      Type.Array(providerModel, { description: "What is not in the catalogue: models and their limits." }),
    ),
  },
  { additionalProperties: false, description: "One model provider.", default: {} },
);

/** Section `providers`. */
export const providers = Type.Record(Type.String({ pattern: "^[a-z0-9][a-z0-9_-]*$" }), provider, {
  description:
    "Model providers. Known names need only a key, also from the environment (OPENROUTER_API_KEY, ...).",
  sample: {
    openrouter: { api_key: "${OPENROUTER_API_KEY}" },
    local: { type: "openai-compatible", base_url: "http://127.0.0.1:11434/v1" },
  },
  form: "lower-case letters, digits, - and _",
  additionalProperties: false,
  default: {},
});

/** Section `agent`. */
export const agent = section("How a turn runs.", {
  system_prompt: text({
    description: "Your own words for the system prompt, put before Hermes's few lines.",
  }),
  max_steps: count(25, 1, 1000, "Model calls in one turn."),
  max_tokens: count(400_000, 1, 100_000_000, "Tokens, in and out, in one turn."),
  max_cost_usd: Type.Optional(
    Type.Number({ description: "Cost of one turn in US dollars.", exclusiveMinimum: 0 }),
  ),
  turn_timeout_ms: count(
    600_000,
    100,
    86_400_000,
    "Time for one turn. The time that it waits for an approval does not count.",
  ),
  approval_timeout_ms: count(
    600_000,
    100,
    86_400_000,
    "How long a call waits for somebody's approval before it is denied.",
  ),
  max_concurrent_turns: count(64, 1, 10_000, "Turns that run at the same time; more wait."),
  max_queued_turns: count(10_000, 1, 1_000_000, "Turns that may wait; more get 503 with Retry-After."),
  context_tokens: Type.Optional(
    Type.Integer({ description: "Use at most this much of the model's context window.", minimum: 1000 }),
  ),
});
