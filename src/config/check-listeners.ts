import ipaddr from "ipaddr.js";
import { formatPath, type Path } from "./path.ts";
import type { Findings } from "./problems.ts";
import { type Config, ConfigSchema } from "./schema.ts";
import { holdsSecret, walkSchema } from "./walk.ts";

/** How to come by a secret. */
export const NEW_SECRET = "Make one of your own: openssl rand -hex 32";
/** Below this length a secret is worth a warning. */
export const SHORT_SECRET_CHARS = 16;
const WEBHOOK = ["gateway", "webhook"];

/** Checks who can reach each listener and what guards it. */
export function checkListeners(config: Config, findings: Findings): void {
  for (const listener of listenersOf(config)) checkListener(listener, findings);
  for (const secrets of [apiTokens(config), mcpKeys(config)]) checkSameKeys(secrets, findings);
}

interface Secret {
  path: Path;
  value: string;
}

/** A port that Hermes opens, and what guards it. */
interface Listener {
  path: Path;
  host: string;
  /** What lets everybody in, or null. */
  open: { path: Path; because: string } | null;
  secrets: Secret[];
}

/** Every listener, whether enabled or not: a command may start one whatever `enabled` says. */
function listenersOf(config: Config): Listener[] {
  const { api, mcp } = config;
  const { webhook } = config.gateway;
  return [
    { path: ["api"], host: api.host, open: openAuth("api", api.auth.type), secrets: apiTokens(config) },
    { path: ["mcp"], host: mcp.host, open: openAuth("mcp", mcp.auth.type), secrets: mcpKeys(config) },
    // Events of anybody need a secret on any address (see checkHooks); each platform has a secret of its own.
    { path: WEBHOOK, host: webhook.host, open: null, secrets: webhookSecrets(config) },
  ];
}

function openAuth(surface: string, type: string): Listener["open"] {
  return type === "none" ? { path: [surface, "auth", "type"], because: "is none" } : null;
}

function apiTokens(config: Config): Secret[] {
  const { token, keys } = config.api.auth;
  return [
    ...(token === undefined ? [] : [{ path: ["api", "auth", "token"], value: token }]),
    ...keys.map((key, i) => ({ path: ["api", "auth", "keys", String(i), "token"], value: key.token })),
  ];
}

function mcpKeys(config: Config): Secret[] {
  const { api_keys, keys } = config.mcp.auth;
  return [
    ...api_keys.map((value, i) => ({ path: ["mcp", "auth", "api_keys", String(i)], value })),
    ...keys.map((key, i) => ({ path: ["mcp", "auth", "keys", String(i), "token"], value: key.token })),
  ];
}

function webhookSecrets(config: Config): Secret[] {
  const { webhook } = config.gateway;
  const owners = [
    { ...webhook, path: WEBHOOK },
    ...Object.entries(webhook.routes).map(([name, route]) => ({
      path: [...WEBHOOK, "routes", name],
      ...route,
    })),
  ];
  return owners.flatMap((owner) =>
    (["secret", "previous_secret"] as const).flatMap((key) => {
      const value = owner[key];
      return value === undefined ? [] : [{ path: [...owner.path, key], value }];
    }),
  );
}

function checkListener(listener: Listener, { faults, warnings }: Findings): void {
  const { open } = listener;
  const exposed = isLoopback(listener.host)
    ? null
    : `${formatPath(listener.path)}.host ${listener.host} is reachable from other machines`;
  if (open && exposed) {
    const message = `${formatPath(open.path)} ${open.because}, and ${exposed}`;
    faults.push({ path: open.path, message, hint: "Ask for a key, or listen on 127.0.0.1." });
  }
  for (const { path, value } of listener.secrets) {
    if (value.length < SHORT_SECRET_CHARS && !SAMPLE_SECRETS.has(value))
      warnings.push({ path, message: `${formatPath(path)} is short and can be guessed`, hint: NEW_SECRET });
    if (!SAMPLE_SECRETS.has(value)) continue;
    const message = `${formatPath(path)} is a sample that everybody can read in the documentation`;
    if (exposed) faults.push({ path, message: `${message}, and ${exposed}`, hint: NEW_SECRET });
    else warnings.push({ path, message, hint: NEW_SECRET });
  }
}

/** Every secret that the documentation shows. */
const SAMPLE_SECRETS: ReadonlySet<string> = new Set(
  [...walkSchema(ConfigSchema)].flatMap(({ node }) =>
    holdsSecret(node) ? [node.sample].flat().filter((sample) => typeof sample === "string") : [],
  ),
);

/** True for `localhost` and the loopback addresses in plain spelling; any other name could lead anywhere. */
export function isLoopback(host: string): boolean {
  if (host === "localhost") return true;
  const address = host.replace(/^\[(.*)\]$/, "$1");
  if (!ipaddr.IPv4.isValidFourPartDecimal(address) && !ipaddr.IPv6.isValid(address)) return false;
  return ipaddr.process(address).range() === "loopback";
}

/** With one key in two places nobody could say who called. */
function checkSameKeys(secrets: readonly Secret[], { faults }: Findings): void {
  const first = new Map<string, Path>();
  for (const { path, value } of secrets) {
    const other = first.get(value);
    if (!other) first.set(value, path);
    else faults.push({ path, message: `${formatPath(path)} is the same as ${formatPath(other)}` });
  }
}
