import { type Static, type TObject, type TProperties, type TSchema, Type } from "typebox";

/**
 * The one schema of the configuration. The loader, `config.example.yaml`, the JSON Schema, the reference page,
 * `hermes config explain` and the redaction of secrets are all made from it. Three annotations of our own:
 * `secret` (never shown), `env` (the variable that overrides it) and `sample` (what the example file shows).
 */
export interface Annotations {
  description: string;
  secret?: true;
  env?: string;
  sample?: unknown;
}

const section = <P extends TProperties>(description: string, properties: P): TObject<P> =>
  Type.Object(properties, { description, additionalProperties: false, default: {} });
const oneOf = <const Name extends string>(names: readonly Name[], options: object = {}) =>
  Type.Union(
    names.map((name) => Type.Literal(name)),
    options,
  );
const flag = (value: boolean, description: string) => Type.Boolean({ description, default: value });
const count = (value: number, minimum: number, maximum: number, description: string) =>
  Type.Integer({ description, default: value, minimum, maximum });
const words = (description: string, more: object = {}) =>
  Type.Array(Type.String(), { description, default: [], ...more });
const text = (annotations: Annotations) => Type.Optional(Type.String(annotations));
const secret = (annotations: Annotations) =>
  Type.Optional(Type.String({ ...annotations, secret: true, minLength: 1 }));
const port = (value: number, what: string) =>
  count(value, 0, 65535, `TCP port of ${what}; 0 lets the system choose.`);
const host = (what: string) =>
  Type.String({ description: `Address that ${what} listens on.`, default: "127.0.0.1", minLength: 1 });
const rateLimit = () =>
  section("Limit per key.", {
    requests_per_minute: count(
      60,
      1,
      10_000_000,
      "Requests a key may make in a minute; more get 429 with Retry-After.",
    ),
  });
const origins = () =>
  words("Browser origins that may call, matched exactly. Empty: no page of another site may.", {
    sample: ["https://your-app.com"],
  });

const SCOPES = ["read", "chat", "tools", "admin"] as const;
const scope = oneOf(SCOPES);

const model = section("Which model answers.", {
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

const provider = Type.Object(
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
      Type.Array(
        Type.Object(
          {
            name: Type.String({ description: "The provider's name for the model." }),
            context_tokens: Type.Optional(
              Type.Integer({ description: "Size of its context window.", minimum: 1 }),
            ),
            images: Type.Optional(Type.Boolean({ description: "Takes images." })),
          },
          { additionalProperties: false },
        ),
        { description: "What is not in the catalogue: models and their limits." },
      ),
    ),
  },
  { additionalProperties: false, description: "One model provider." },
);

const agent = section("How a turn runs.", {
  system_prompt: text({
    description: "Your own words for the system prompt, put before Hermes's few lines.",
  }),
  max_steps: count(25, 1, 1000, "Model calls in one turn."),
  max_tokens: count(400_000, 1, 100_000_000, "Tokens, in and out, in one turn."),
  max_cost_usd: Type.Optional(
    Type.Number({ description: "Cost of one turn in US dollars.", exclusiveMinimum: 0 }),
  ),
  turn_timeout_ms: count(600_000, 100, 86_400_000, "Time for one turn."),
  max_concurrent_turns: count(64, 1, 10_000, "Turns that run at the same time; more wait."),
  max_queued_turns: count(10_000, 1, 1_000_000, "Turns that may wait; more get 503 with Retry-After."),
  context_tokens: Type.Optional(
    Type.Integer({ description: "Use at most this much of the model's context window.", minimum: 1000 }),
  ),
});

const tools = section("Which tools the agent and the callers have.", {
  groups: Type.Array(
    oneOf(["memory", "todolist", "file", "terminal", "web", "delegate", "skill", "session"]),
    {
      description: "Tool groups that are switched on.",
      default: ["memory", "todolist", "file", "terminal", "web", "delegate", "skill", "session"],
    },
  ),
});

/** What every platform account has. */
const shared = {
  enabled: flag(true, "Connect this platform."),
  api_base: text({
    description: "Another server that speaks this platform's API: a proxy or a self-hosted one.",
  }),
  allowed_groups: words("Ids of the groups in which it answers; empty: none."),
  require_mention: flag(true, "In groups, answer only when mentioned."),
  tools: Type.Optional(words("Tool groups that people here may use; without it: all that are on.")),
  model: text({ description: "Model for this platform, as provider/model." }),
};
const allowedUsers = (description = 'Ids of the people it answers; empty: nobody; "*": everybody.') =>
  Type.Array(Type.Union([Type.Integer(), Type.String()]), { description, default: [] });
const mode = (value: "websocket" | "webhook") =>
  oneOf(["websocket", "webhook"], {
    description: "How messages arrive: over a connection that Hermes opens, or by calls to /webhook.",
    default: value,
  });

/** A platform: its own keys, the shared ones, and the same again per account. */
const platform = <P extends TProperties>(name: string, own: P) => {
  const account = { ...own, ...shared };
  return Type.Optional(
    Type.Object(
      {
        ...account,
        accounts: Type.Optional(
          Type.Array(
            Type.Object(
              { name: Type.String({ description: "Name of this account." }), ...account },
              { additionalProperties: false },
            ),
            { description: "Several bots of this platform, each with its own keys." },
          ),
        ),
      },
      { additionalProperties: false, description: `${name}.` },
    ),
  );
};

const platforms = section("Chat platforms. Each one that is present is connected.", {
  telegram: platform("Telegram", {
    bot_token: secret({
      description: "Token from @BotFather.",
      env: "TELEGRAM_BOT_TOKEN",
      sample: "123456789:ABC...",
    }),
    allowed_users: Type.Array(Type.Union([Type.Integer(), Type.Literal("*")]), {
      description: 'Numeric ids of the people it answers; empty: nobody; "*": everybody.',
      default: [],
      sample: [123456789],
    }),
    polling_timeout: count(30, 1, 50, "Seconds that one long poll waits."),
    max_retries: count(3, 0, 100, "Tries of a call that failed."),
    mode: oneOf(["polling", "webhook"], {
      description: "How updates arrive: fetched by Hermes, or by calls to /webhook/telegram.",
      default: "polling",
    }),
    secret_token: secret({ description: "Secret token of the webhook; needed for mode: webhook." }),
  }),
  discord: platform("Discord", {
    bot_token: secret({ description: "Bot token.", env: "DISCORD_BOT_TOKEN", sample: "..." }),
    application_public_key: text({ description: "Public key of the application; needed for mode: webhook." }),
    allowed_users: allowedUsers(),
    allowed_guilds: words("Ids of the servers in which it answers.", { sample: [] }),
    allowed_channels: words("Ids of the channels in which it answers; empty: all of the allowed servers.", {
      sample: [],
    }),
    mode: mode("websocket"),
  }),
  slack: platform("Slack", {
    bot_token: secret({ description: "Bot token.", env: "SLACK_BOT_TOKEN", sample: "xoxb-..." }),
    signing_secret: secret({
      description: "Signing secret; needed for mode: webhook.",
      env: "SLACK_SIGNING_SECRET",
      sample: "...",
    }),
    app_token: secret({
      description: "App-level token for Socket Mode.",
      env: "SLACK_APP_TOKEN",
      sample: "xapp-...",
    }),
    allowed_users: allowedUsers(),
    mode: Type.Optional(mode("websocket")),
  }),
  wecom: platform("WeCom (企业微信)", {
    corp_id: text({ description: "Corporation id.", env: "WECOM_CORP_ID", sample: "..." }),
    agent_id: text({ description: "Application id.", env: "WECOM_AGENT_ID", sample: "1000001" }),
    secret: secret({ description: "Application secret.", env: "WECOM_SECRET", sample: "..." }),
    token: secret({ description: "Token of the callback." }),
    encoding_aes_key: secret({ description: "AES key of the callback." }),
    bot_id: text({ description: "Id of the AI bot (long connection)." }),
    bot_secret: secret({ description: "Secret of the AI bot." }),
    allowed_users: allowedUsers(),
    mode: Type.Optional(mode("webhook")),
  }),
  dingtalk: platform("DingTalk (钉钉)", {
    app_key: text({ description: "App key.", env: "DINGTALK_APP_KEY", sample: "..." }),
    app_secret: secret({ description: "App secret.", env: "DINGTALK_APP_SECRET", sample: "..." }),
    allowed_users: allowedUsers(),
    mode: mode("websocket"),
  }),
  feishu: platform("Feishu / Lark (飞书)", {
    app_id: text({ description: "App id.", env: "FEISHU_APP_ID", sample: "cli_..." }),
    app_secret: secret({ description: "App secret.", env: "FEISHU_APP_SECRET", sample: "..." }),
    encrypt_key: secret({ description: "Encrypt key of event callbacks; needed for mode: webhook." }),
    verification_token: secret({ description: "Verification token of event callbacks." }),
    domain: oneOf(["feishu", "lark"], {
      description: "feishu (China) or lark (international).",
      default: "feishu",
    }),
    allowed_users: allowedUsers(),
    mode: mode("websocket"),
  }),
  wechat: platform("WeChat Official Account (微信公众号)", {
    app_id: text({ description: "App id.", env: "WECHAT_APP_ID", sample: "wx..." }),
    app_secret: secret({ description: "App secret.", env: "WECHAT_APP_SECRET", sample: "..." }),
    token: secret({ description: "Token of the callback.", sample: "..." }),
    encoding_aes_key: secret({ description: "AES key of the callback.", sample: "..." }),
    allowed_users: allowedUsers(),
  }),
});

const network = section("Addresses.", {
  allow_cidrs: words("Private addresses that Hermes may fetch for a user or a model, as CIDRs.", {
    sample: [],
  }),
  trusted_proxies: words("Proxies, as CIDRs, whose X-Forwarded-For counts.", { sample: [] }),
});

const webhookRoute = Type.Object(
  {
    secret: secret({ description: "Secret of this route; without it the endpoint's." }),
    scheme: text({ description: "Signature scheme: hermes, standard, github, gitlab, stripe, slack." }),
    prompt: text({ description: "Template of what the agent is told." }),
    tools: Type.Optional(words("Tool groups the agent may use for these events.")),
    deliver: text({ description: "Where the answer goes, such as telegram:123456789." }),
  },
  { additionalProperties: false },
);

const gateway = section("Messages that others send to Hermes.", {
  webhook: section("Webhooks in and out.", {
    enabled: flag(false, "Serve the webhook endpoints."),
    host: host("the webhook server"),
    port: port(18789, "the webhook server"),
    path: Type.String({ description: "Path of the endpoint.", default: "/webhook", pattern: "^/" }),
    secret: secret({
      description: "Secret that incoming webhooks are signed with.",
      env: "HERMES_WEBHOOK_SECRET",
      sample: "your-webhook-secret",
    }),
    routes: Type.Record(Type.String(), webhookRoute, {
      description: "Named routes at /webhook/{name}.",
      default: {},
    }),
    outbound: section("Events that Hermes sends.", {
      enabled: flag(false, "Send events."),
      url: text({ description: "Where to send them.", sample: "https://your-server.com/hermes-webhook" }),
      events: Type.Array(oneOf(["message.received", "task.completed", "agent.error"]), {
        description: "Which events.",
        default: ["message.received", "task.completed", "agent.error"],
      }),
      secret: secret({
        description: "Secret to sign them with.",
        env: "HERMES_WEBHOOK_OUTBOUND_SECRET",
        sample: "outbound-secret",
      }),
    }),
  }),
});

const mcp = section("MCP server.", {
  enabled: flag(false, "Serve MCP over HTTP in `hermes serve`."),
  host: host("the MCP server"),
  port: port(18790, "the MCP server"),
  auth: section("Who may call.", {
    type: oneOf(["api_key", "oauth2", "none"], {
      description: "How callers prove who they are; none only on loopback.",
      default: "api_key",
    }),
    api_keys: Type.Array(Type.String({ secret: true, minLength: 1 }), {
      description: "Keys that are valid.",
      default: [],
      sample: ["key1", "key2"],
    }),
  }),
  allowed_origins: origins(),
  rate_limit: rateLimit(),
});

const namedKey = Type.Object(
  {
    name: Type.String({
      description: "Whose key it is; sessions and memory belong to the name.",
      pattern: "^[A-Za-z0-9_-]{1,32}$",
    }),
    token: Type.String({ description: "The key.", secret: true, minLength: 1 }),
    scopes: Type.Array(scope, {
      description: "What it may do: read, chat, tools, admin.",
      default: ["read", "chat"],
    }),
    tools: Type.Optional(words("Tool names or groups it is narrowed to.")),
  },
  { additionalProperties: false },
);

const api = section("REST API.", {
  enabled: flag(true, "Serve the REST API in `hermes serve`."),
  host: host("the REST API"),
  port: port(18791, "the REST API"),
  base_path: Type.String({
    description: "Path in front of every endpoint.",
    default: "/api/v1",
    pattern: "^(/[A-Za-z0-9._~-]+)*$",
  }),
  auth: section("Who may call.", {
    type: oneOf(["bearer_token", "none"], {
      description: "bearer_token, or none (only on loopback).",
      default: "bearer_token",
    }),
    token: secret({
      description: "The owner's token, with every right. Without one Hermes makes one at its first start.",
      env: "HERMES_API_TOKEN",
      sample: "your-secure-api-token",
    }),
    keys: Type.Array(namedKey, {
      description: "Further keys, all valid at once; two entries of one name make a rotation.",
      default: [],
    }),
  }),
  allowed_origins: origins(),
  allowed_hosts: words("Host names under which it is reached, besides localhost and plain addresses."),
  rate_limit: rateLimit(),
  max_body_bytes: count(1_048_576, 1024, 104_857_600, "Largest request body."),
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
  deliveries_days: count(7, 1, 3650, "Days for which a repeated delivery or Idempotency-Key is recognised."),
});

export const ConfigSchema = Type.Object(
  {
    model,
    providers: Type.Record(Type.String({ pattern: "^[a-z0-9][a-z0-9_-]*$" }), provider, {
      description:
        "Model providers. Known names need only a key, also from the environment (OPENROUTER_API_KEY, ...).",
      default: {},
    }),
    agent,
    tools,
    platforms,
    network,
    gateway,
    mcp,
    api,
    log,
    store,
  },
  { additionalProperties: false, title: "Hermes configuration" },
);

export type Config = Static<typeof ConfigSchema>;
export type ProviderConfig = Static<typeof provider>;
export type ApiKeyConfig = Static<typeof namedKey>;

/** The schema as the generators walk it. */
export type ConfigNode = TSchema & Partial<Annotations>;
