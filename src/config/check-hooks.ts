import { accountOfChat, parseChatAddress } from "./chat-address.ts";
import { isLoopback, NEW_SECRET } from "./check-listeners.ts";
import { formatPath } from "./path.ts";
import type { Fault, Findings } from "./problems.ts";
import { type Config, ConfigSchema } from "./schema.ts";
import { EVENT_FIELDS, type HookRouteConfig } from "./schema-hooks.ts";
import type { SchemeName } from "./scheme-names.ts";
import { wantsEvent, webhookEndpoints } from "./webhook-endpoints.ts";
import { isBrokenSecret, signatureFault } from "./webhook-schemes.ts";

const WEBHOOK = ["gateway", "webhook"];
/** Stands for the endpoints that events are sent to. */
const OUTBOUND = "outbound";
/** Names below the webhook path that the platforms and the health check have taken. */
const TAKEN_ROUTES = [...Object.keys(ConfigSchema.properties.platforms.properties), "health"];

/** Notes a fault of a key. */
type Note = (key: string, message: string, hint?: string) => void;

/** Checks what `gateway.webhook` says of events that come in. */
export function checkHooks(config: Config, findings: Findings): void {
  const { webhook } = config.gateway;
  const note = noteAt(WEBHOOK, findings.faults);
  checkSecrets(config, note);
  if (webhook.allow_unsigned) checkUnsigned(config, findings);
  if (webhook.previous_secret !== undefined && webhook.secret === undefined)
    note("previous_secret", "is of no use without secret");
  checkForm(WEBHOOK, webhook, undefined, findings);
  if (webhook.public_url !== undefined) checkPublicUrl(webhook.public_url, note);
  for (const [name, route] of Object.entries(webhook.routes)) checkRoute(name, route, config, findings);
}

/** Every address that takes events has a secret. */
function checkSecrets({ gateway: { webhook } }: Config, note: Note): void {
  const routes = Object.entries(webhook.routes);
  if (!webhook.enabled || webhook.allow_unsigned || webhook.secret !== undefined) return;
  const bare = routes.filter(([, { secret }]) => secret === undefined);
  const hint = `Set it, or HERMES_WEBHOOK_SECRET. ${NEW_SECRET}`;
  if (routes.length === 0 || bare.length > 0) note("secret", "is missing: anybody could send events", hint);
}

function checkUnsigned({ gateway: { webhook } }: Config, { faults, warnings }: Findings): void {
  const path = [...WEBHOOK, "allow_unsigned"];
  const shown = formatPath(path);
  if (!isLoopback(webhook.host))
    faults.push({
      path,
      message: `${shown} is for loopback only, and gateway.webhook.host is ${webhook.host}`,
      hint: "Have the events signed, or listen on 127.0.0.1.",
    });
  else
    warnings.push({ path, message: `${shown}: every program on this machine can send events to the agent` });
}

/** Names of routes are put behind it, and what a request has for a query. */
function checkPublicUrl(text: string, note: Note): void {
  const url = URL.parse(text);
  if (!/^https?:$/.test(url?.protocol ?? ""))
    note("public_url", "must begin with http:// or https:// and name a host");
  else if (/[?#]/.test(text)) note("public_url", "must not have a query or a fragment");
}

/** What Standard Webhooks cannot be verified with; for the other schemes a secret is its own text. */
function checkForm(
  path: readonly string[],
  secrets: Pick<HookRouteConfig, "secret" | "previous_secret">,
  scheme: SchemeName | undefined,
  { faults, warnings }: Findings,
): void {
  if (scheme !== undefined && scheme !== "standard" && scheme !== "svix") return;
  for (const key of ["secret", "previous_secret"] as const) {
    const value = secrets[key];
    if (value === undefined || !isBrokenSecret(value)) continue;
    const at = [...path, key];
    const message = `${formatPath(at)} begins with whsec_, but what follows is not Base64: nothing that standard or svix signs is taken`;
    const hint = "Copy it anew, or name the scheme that it is for.";
    (scheme === undefined ? warnings : faults).push({ path: at, message, hint });
  }
}

function checkRoute(name: string, route: HookRouteConfig, config: Config, findings: Findings): void {
  const { webhook } = config.gateway;
  const { faults } = findings;
  const path = [...WEBHOOK, "routes", name];
  const note = noteAt(path, faults);
  if (TAKEN_ROUTES.includes(name)) {
    const message = `${formatPath(path)}: Hermes itself answers at ${webhook.path}/${name}`;
    faults.push({ path, atKey: true, message, hint: "Choose another name." });
  }
  if (route.previous_secret !== undefined && route.secret === undefined)
    note("previous_secret", "is of no use without a secret of the route");
  checkForm(path, route, route.scheme, findings);
  checkScheme(route, webhook.public_url !== undefined, note);
  checkLanguages(route, note);
  checkDelivery(route, config, note);
}

function checkScheme({ scheme, signature }: HookRouteConfig, hasUrl: boolean, note: Note): void {
  if (scheme === "generic" && signature === undefined)
    note("signature", "is missing: scheme: generic needs it", "Name the header at least.");
  if (scheme !== "generic" && signature !== undefined)
    note("signature", "is of no use without scheme: generic");
  const fault = signature === undefined ? null : signatureFault(signature);
  if (fault !== null) note("signature", `cannot be: ${fault}`);
  const signsUrl = scheme === "twilio" || signature?.content.includes("{url}");
  if (signsUrl && !hasUrl)
    note("scheme", "signs the address that senders call", "Set gateway.webhook.public_url.");
}

/** Loaded for a route that has such a text: nothing else that reads the configuration waits for it. */
const filters = (): typeof import("../lib/json-filter.ts") => require("../lib/json-filter.ts");
const templates = (): typeof import("../lib/template.ts") => require("../lib/template.ts");

function checkLanguages({ filter, prompt, session, deliver_only }: HookRouteConfig, note: Note): void {
  const check = (key: string, text: string | undefined, compile: (text: string) => unknown) => {
    try {
      if (text !== undefined) compile(text);
    } catch (error) {
      note(key, `cannot be used: ${error instanceof Error ? error.message : error}`);
    }
  };
  const options = { fields: EVENT_FIELDS };
  check("filter", filter, (text) => filters().compileFilter(text));
  check("prompt", prompt, (text) =>
    templates().compileTemplate(text, { ...options, allowsRaw: deliver_only }),
  );
  check("session", session, (text) => templates().compileTemplate(text, options));
}

function checkDelivery(route: HookRouteConfig, config: Config, note: Note): void {
  const { deliver, deliver_only, sync, prompt } = route;
  if (deliver === OUTBOUND) checkOutbound(config, note);
  else if (deliver !== "none") checkChat(deliver, config, note);
  if (!deliver_only) return;
  if (deliver === "none" || deliver === OUTBOUND)
    note("deliver", `is ${deliver}, but deliver_only sends to a chat`);
  if (prompt === undefined) note("prompt", "is missing: it is what deliver_only sends");
  if (sync) note("sync", "has nothing to wait for with deliver_only");
}

/** The answer of every run is told to the endpoints that ask; here one is relied on. */
function checkOutbound(config: Config, note: Note): void {
  if (webhookEndpoints(config).some((endpoint) => wantsEvent(endpoint, "task.completed"))) return;
  note(
    "deliver",
    "is outbound, but no endpoint of gateway.webhook.outbound asks for task.completed",
    "Set gateway.webhook.outbound.url and its secret, and enable it.",
  );
}

function checkChat(deliver: string, config: Config, note: Note): void {
  const address = parseChatAddress(deliver);
  if (address === null)
    note(
      "deliver",
      `must be a chat such as telegram:123456789, outbound or none, not ${JSON.stringify(deliver)}`,
    );
  else if (accountOfChat(config, address) === null) {
    const { platform, account } = address;
    const label = account === undefined ? platform : `${platform}.${account}`;
    note(
      "deliver",
      `names ${label}, which is not one account that is configured and enabled`,
      `Set platforms.${platform}; where it has several accounts, name one, such as ${platform}.work.`,
    );
  }
}

function noteAt(path: readonly string[], faults: Fault[]): Note {
  return (key, message, hint) => {
    const place = [...path, key];
    faults.push({ path: place, message: `${formatPath(place)} ${message}`, ...(hint && { hint }) });
  };
}
