import { Type } from "typebox";
import { count, entry, flag, oneOf, SECRET, secret, section, text } from "./schema-parts.ts";
import { WEBHOOK_EVENTS } from "./webhook-events.ts";

/** What holds for each address that events are sent to. */
const addressee = {
  events: Type.Array(oneOf([...WEBHOOK_EVENTS, "*"]), {
    description: 'Which events; "*": all.',
    default: ["message.received", "task.completed", "agent.error"],
  }),
  previous_secret: secret({
    description:
      "The secret before this one, while receivers change over: webhook-signature is made with both, X-Hermes-Signature with secret alone.",
  }),
  ordered: flag(
    false,
    "Send one event after another, in their order: one that fails holds up all later ones until it is delivered or given up.",
  ),
};

const endpoint = entry("One more address.", {
  name: Type.String({
    description: "Name of this endpoint.",
    pattern: "^[A-Za-z0-9_-]{1,64}$",
    form: "1 to 64 letters, digits, - and _",
  }),
  enabled: flag(true, "Send events there; what is open for it waits meanwhile, for 30 days at most."),
  url: Type.String({ description: "Where to send them." }),
  secret: Type.String({ description: "Secret to sign them with.", ...SECRET }),
  ...addressee,
});

/** Section `gateway.webhook.outbound`. */
export const outbound = section("Events that Hermes sends.", {
  enabled: flag(false, "Send events."),
  url: text({ description: "Where to send them.", sample: "https://your-server.com/hermes-webhook" }),
  secret: secret({
    description: "Secret to sign them with.",
    env: "HERMES_WEBHOOK_OUTBOUND_SECRET",
    sample: "outbound-secret",
  }),
  ...addressee,
  endpoints: Type.Array(endpoint, {
    description: "Further addresses, each with its own secret and choice of events.",
    default: [],
    sample: [],
  }),
  timeout_ms: count(15_000, 1_000, 60_000, "How long an endpoint may take to answer."),
  max_in_flight: count(5, 1, 100, "Events that are being sent to one endpoint at once."),
  disable_after_days: count(
    5,
    1,
    365,
    "Days after which an endpoint is disabled that only fails; `hermes webhook endpoints enable` sends to it again.",
  ),
});
