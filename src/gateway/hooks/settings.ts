import { accountOfChat, parseChatAddress } from "../../config/chat-address.ts";
import type { Config } from "../../config/schema.ts";
import { EVENT_FIELDS, type HookRouteConfig } from "../../config/schema-hooks.ts";
import { compileFilter, type JsonFilter } from "../../lib/json-filter.ts";
import { compileTemplate, type Template } from "../../lib/template.ts";
import type { DeliveryTarget } from "../../store/records.ts";
import type { Caller } from "../../tools/contract.ts";
import type { Scheme } from "../../webhooks/contract.ts";
import { genericScheme } from "../../webhooks/generic.ts";
import { schemeOf } from "../../webhooks/schemes.ts";
import type { DeliveryExtra } from "../extra.ts";

/** A route, or the endpoint itself, as the configuration has it at this moment. */
export interface HookSettings {
  /** Null for the endpoint itself. */
  name: string | null;
  /** The name space of its events, and what sessions, memory and to-dos belong to. */
  source: string;
  secrets: readonly string[];
  /** Null: whichever one a request shows. */
  scheme: Scheme | null;
  allowsUnsigned: boolean;
  /** As senders call it, without the query. */
  url: string | undefined;
  filter: JsonFilter | null;
  prompt: Template | null;
  session: Template;
  caller: Caller;
  model: string | undefined;
  /** Where the answer goes. */
  chat: { target: DeliveryTarget; extra: DeliveryExtra } | null;
  deliverOnly: boolean;
  /** How long a caller waits for the answer; null: not at all. */
  waitMs: number | null;
}

/** The session of the endpoint itself. */
const ENDPOINT = "webhook";

/** What the configuration says of a route; null where no events are taken. */
export function hookSettings(config: Config, name: string | null): HookSettings | null {
  const { webhook } = config.gateway;
  if (!webhook.enabled) return null;
  const route = routeOf(webhook.routes, name);
  if (route === null) return null;
  const { secret, previous_secret } = route.secret === undefined ? webhook : route;
  const secrets = [secret, previous_secret].filter((one) => one !== undefined);
  if (secrets.length === 0 && !webhook.allow_unsigned) return null;
  const source = name === null ? "hook" : `hook.${name}`;
  const { model, filter, prompt, deliver_only: deliverOnly = false } = route;
  const fields = { fields: EVENT_FIELDS };
  return {
    name,
    source,
    secrets,
    scheme: schemeFor(route),
    allowsUnsigned: webhook.allow_unsigned,
    url: webhook.public_url === undefined ? undefined : urlOf(webhook.public_url, name),
    filter: filter === undefined ? null : compileFilter(filter),
    prompt: prompt === undefined ? null : compileTemplate(prompt, { ...fields, allowsRaw: deliverOnly }),
    session: compileTemplate(route.session ?? name ?? ENDPOINT, fields),
    caller: callerFor(source, route.tools),
    model,
    chat: chatFor(config, route.deliver),
    deliverOnly,
    waitMs: (route.sync && route.sync_timeout_ms) || null,
  };
}

/** What is said of a route; of the endpoint itself nothing is. */
function routeOf(routes: Readonly<Record<string, HookRouteConfig>>, name: string | null) {
  if (name === null) return {} as Partial<HookRouteConfig>;
  return (Object.hasOwn(routes, name) ? routes[name] : undefined) ?? null;
}

/**
 * Whom the agent works for. Nobody can be asked, so what needs an approval is denied. Without a word of the operator only what
 * reads the route's own rows can be called; a list may name what writes, but never what only the owner may do.
 */
function callerFor(source: string, tools: readonly string[] | undefined): Caller {
  const caller = { door: "webhook", principal: source, approval: "deny" } as const;
  return tools === undefined
    ? { ...caller, scopes: ["read"] }
    : { ...caller, scopes: ["read", "chat", "tools"], tools };
}

function schemeFor({ scheme, signature }: Partial<HookRouteConfig>): Scheme | null {
  if (scheme === undefined) return null;
  if (scheme !== "generic") return schemeOf(scheme);
  if (signature === undefined) throw new Error("a generic scheme without its signature");
  return genericScheme(signature);
}

function urlOf(endpoint: string, name: string | null): string {
  const bare = endpoint.replace(/\/+$/, "");
  return name === null ? endpoint : `${bare}/${name}`;
}

function chatFor(config: Config, deliver = "none"): HookSettings["chat"] {
  const address = parseChatAddress(deliver);
  const account = address && accountOfChat(config, address);
  if (!address || !account) return null;
  const { chat, thread } = address;
  const { platform, name, settings } = account;
  return {
    target: { platform, account: name, chat, ...(thread === undefined ? {} : { thread }) },
    extra: { scope: "direct", language: settings.language === "zh" ? "zh" : "en" },
  };
}
