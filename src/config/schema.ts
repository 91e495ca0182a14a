import { type Static, Type } from "typebox";
import { agent, model, type provider, providers } from "./schema-models.ts";
import { count, oneOf, section, words } from "./schema-parts.ts";
import { platforms } from "./schema-platforms.ts";
import { api, gateway, mcp } from "./schema-surfaces.ts";
import { tools } from "./schema-tools.ts";

const network = section("Addresses.", {
  allow_cidrs: words("Private addresses that Hermes may fetch for a user or a model, as CIDRs.", {
    sample: [],
  }),
  trusted_proxies: words("Proxies, as CIDRs, whose X-Forwarded-For counts.", { sample: [] }),
});

const log = section("The log, on stderr.", {
  level: oneOf(["debug", "info", "warn", "error"], {
    description: "From which level on.",
    default: "info",
    env: "HERMES_LOG_LEVEL",
  }),
  format: oneOf(["auto", "text", "json"], {
    description: "auto: text on a terminal, JSON elsewhere.",
    default: "auto",
  }),
});

const store = section("What is kept.", {
  run_events_days: count(7, 1, 3650, "Days for which a run's events can be streamed again."),
  deliveries_days: count(
    7,
    1,
    3650,
    "Days for which a repeated delivery or Idempotency-Key is recognised, and what was delivered can be looked up.",
  ),
});

/** The one schema of the configuration; everything that knows a key, its type or its default is made from it. */
export const ConfigSchema = Type.Object(
  { model, providers, agent, tools, platforms, network, gateway, mcp, api, log, store },
  { additionalProperties: false, title: "Hermes configuration" },
);

export type Config = Static<typeof ConfigSchema>;
export type ProviderConfig = Static<typeof provider>;
