import { Type } from "typebox";
import { inbound } from "./schema-hooks.ts";
import { outbound } from "./schema-outbound.ts";
import {
  allowedOrigins,
  approvalMode,
  count,
  entry,
  listener,
  oneOf,
  rateLimit,
  SECRET,
  secret,
  section,
  text,
  words,
} from "./schema-parts.ts";

const onOff = (value: boolean, description: string) =>
  Type.Boolean({ description, default: value, restart: true });

/** Section `gateway`. */
export const gateway = section("Messages that others send to Hermes.", {
  busy: oneOf(["queue", "steer", "interrupt"], {
    description:
      "A message that comes while the answer to the one before is being made: queue it, steer that answer with it, or interrupt it.",
    default: "queue",
  }),
  max_file_bytes: count(20_971_520, 1024, 104_857_600, "Largest file that is taken from or sent to a chat."),
  webhook: section("Webhooks in and out.", {
    enabled: onOff(false, "Serve the webhook endpoints; needs a secret."),
    ...listener("the webhook server", 18789),
    path: Type.String({
      description: "Path of the endpoint.",
      default: "/webhook",
      pattern: "^(/[A-Za-z0-9._~-]+)+$",
      form: "a path such as /webhook",
      restart: true,
    }),
    ...inbound,
    allowed_hosts: words(
      "Host names under which it is reached, besides localhost and plain addresses; those who send events may use any.",
    ),
    rate_limit: rateLimit({
      description: "Limit per platform account or route, and address of the caller.",
      requests: 6_000,
      what: "Calls that are taken in a minute; more get 429 with Retry-After.",
    }),
    max_body_bytes: count(1_048_576, 1024, 104_857_600, "Largest request body."),
    outbound,
  }),
});

/** One entry of `api.auth.keys` and of `mcp.auth.keys`. */
export const namedKey = entry("A key for others than the owner.", {
  name: Type.String({
    description: "Whose key it is; sessions and memory belong to the name.",
    pattern: "^[A-Za-z0-9_-]{1,32}$",
    form: "1 to 32 letters, digits, - and _",
  }),
  token: Type.String({ description: "The key.", ...SECRET }),
  scopes: Type.Array(oneOf(["read", "chat", "tools", "admin"]), {
    description: "What it may do: read, chat, tools, admin.",
    default: ["read", "chat"],
  }),
  tools: Type.Optional(Type.Array(Type.String(), { description: "Tool names or groups it is narrowed to." })),
  approval: approvalMode(
    "What becomes of calls that need an approval, where it is stricter than the tool's own.",
  ),
});

/** Section `mcp`. */
export const mcp = section("MCP server.", {
  enabled: onOff(false, "Serve MCP over HTTP in `hermes serve`."),
  ...listener("the MCP server", 18790),
  auth: section("Who may call.", {
    type: oneOf(["api_key", "oauth2", "none"], {
      description: "How callers prove who they are; none only on loopback.",
      default: "api_key",
    }),
    api_keys: Type.Array(Type.String(SECRET), {
      description: "The owner's keys, with every right, all valid at once.",
      default: [],
      sample: ["key1", "key2"],
    }),
    keys: Type.Array(namedKey, { description: "Further keys, as in api.auth.keys.", default: [] }),
    issuer: text({
      description: "With oauth2: the authorization server that issues the tokens.",
      sample: "https://auth.your-domain.com",
    }),
    jwks_url: text({
      description: "With oauth2: where its keys are. Default: what the issuer's metadata say.",
    }),
    algorithms: words("With oauth2: signature algorithms that are accepted.", {
      default: ["RS256", "PS256", "ES256", "EdDSA"],
    }),
    audience: words(
      "With oauth2: audiences that are accepted. Default: the public URL, with and without /mcp.",
    ),
    owner: text({
      description: "With oauth2: the subject (sub) that is the owner, with every right its scopes give.",
    }),
  }),
  public_url: text({
    description: "The address under which clients reach it, when that is not the listener's own.",
    sample: "https://hermes-mcp.your-domain.com",
  }),
  allowed_origins: allowedOrigins(),
  allowed_hosts: words("Host names under which it is reached, besides localhost and plain addresses."),
  rate_limit: rateLimit(),
  max_body_bytes: count(4_194_304, 1024, 104_857_600, "Largest request body."),
  session_ttl_ms: count(1_800_000, 1_000, 86_400_000, "How long a session of an older client may be silent."),
  max_sessions: count(
    1_000,
    1,
    1_000_000,
    "Sessions at once; the one that was silent for longest goes first.",
  ),
});

/** Section `api`. */
export const api = section("REST API.", {
  enabled: onOff(true, "Serve the REST API in `hermes serve`."),
  ...listener("the REST API", 18791),
  base_path: Type.String({
    description: "Path in front of every endpoint.",
    default: "/api/v1",
    pattern: "^(/[A-Za-z0-9._~-]+)*$",
    form: "a path such as /api/v1, or empty",
    restart: true,
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
  allowed_origins: allowedOrigins(),
  allowed_hosts: words("Host names under which it is reached, besides localhost and plain addresses."),
  rate_limit: rateLimit(),
  max_body_bytes: count(1_048_576, 1024, 104_857_600, "Largest request body."),
});
