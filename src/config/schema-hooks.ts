import { type Static, Type } from "typebox";
import { count, flag, oneOf, secret, text } from "./schema-parts.ts";
import { SCHEME_NAMES } from "./scheme-names.ts";
import { webhookSignature } from "./webhook-schemes.ts";

/** Webhooks that come in: the keys that `gateway.webhook` has for them, and the routes. */

/** One entry of `gateway.webhook.routes`. */
const hookRoute = Type.Object(
  {
    secret: secret({ description: "Secret of this route; without it the endpoint's." }),
    previous_secret: secret({
      description: "The secret before, which stays valid while senders change over to the new one.",
    }),
    scheme: Type.Optional(
      oneOf(SCHEME_NAMES, {
        description:
          "Signature scheme. Default: whichever of them the request is signed with; linear and generic have to be named.",
      }),
    ),
    signature: Type.Optional(webhookSignature),
    filter: text({
      description:
        "Condition that an event must fulfil, as a filter of JSONPath such as @.payload.action == 'opened'; others are ignored.",
      sample: "@.payload.action == 'opened'",
    }),
    prompt: text({
      description:
        "What the agent is told: a mustache template with {{payload...}}, {{headers...}}, {{route}} and {{event_id}}. The values stand in a marked block of their own. Default: the whole payload.",
      sample: "Summarise the issue {{payload.issue.title}}.",
    }),
    model: text({ description: "Model for this route, as provider/model. Default: model.default." }),
    tools: Type.Optional(
      Type.Array(Type.String(), {
        description:
          "Tools or tool groups that the agent may use for these events. Default: what only reads the route's own sessions, memory and to-dos.",
      }),
    ),
    session: text({
      description:
        "Session that the events go on with, within the route's own: an id, or a template such as issue-{{payload.issue.id}}. Default: the name of the route.",
    }),
    deliver: Type.String({
      description:
        "Where the answer goes: a chat such as telegram:123456789; outbound: as task.completed to the endpoints of outbound, which are told of every run; or none.",
      default: "none",
    }),
    deliver_only: flag(
      false,
      "Send the prompt itself to the chat, with its values in place, without a model.",
    ),
    sync: flag(false, "Answer with what the agent says; after sync_timeout_ms with 202."),
    sync_timeout_ms: count(25_000, 1_000, 120_000, "How long a sync route waits for the agent."),
  },
  { additionalProperties: false, description: "One named route.", default: {} },
);

/** What the templates and the filter of a route see of an event. */
export const EVENT_FIELDS = ["payload", "headers", "route", "event_id"] as const;

export type HookRouteConfig = Static<typeof hookRoute>;

/** What `gateway.webhook` says of events that come in. */
export const inbound = {
  secret: secret({
    description: "Secret that incoming webhooks are signed with; those of platforms have their own.",
    env: "HERMES_WEBHOOK_SECRET",
    sample: "your-webhook-secret",
  }),
  previous_secret: secret({
    description: "The secret before, which stays valid while senders change over to the new one.",
  }),
  allow_unsigned: flag(
    false,
    "Also take events without a signature, for trying things out: on loopback only, and from programs of this machine only.",
  ),
  public_url: text({
    description: "The address of the endpoint as senders call it, for schemes that sign it, such as twilio.",
    sample: "https://hooks.your-domain.com/webhook",
  }),
  routes: Type.Record(Type.String({ pattern: "^[A-Za-z0-9_-]{1,64}$" }), hookRoute, {
    description: "Named routes at /webhook/{name}.",
    form: "1 to 64 letters, digits, - and _",
    additionalProperties: false,
    default: {},
  }),
};
