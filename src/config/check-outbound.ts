import { isInCidrs, isPublicAddress } from "../lib/address.ts";
import { NEW_SECRET, SHORT_SECRET_CHARS } from "./check-listeners.ts";
import { formatPath, type Path } from "./path.ts";
import type { Findings } from "./problems.ts";
import type { Config } from "./schema.ts";
import { DEFAULT_ENDPOINT } from "./webhook-endpoints.ts";
import { isBrokenSecret } from "./webhook-schemes.ts";

/** This machine, as addresses call it. */
const OWN_NAMES = ["127.0.0.1", "localhost", "[::1]"];
const OUTBOUND: Path = ["gateway", "webhook", "outbound"];

/** Checks where events are sent to, and with which secrets. */
export function checkOutbound(config: Config, findings: Findings): void {
  const { outbound } = config.gateway.webhook;
  checkEndpoint(outbound, OUTBOUND, config, findings);
  for (const [i, endpoint] of outbound.endpoints.entries())
    checkEndpoint(endpoint, [...OUTBOUND, "endpoints", String(i)], config, findings);
  checkNames(outbound.endpoints, findings);
  if (outbound.enabled) checkComplete(outbound, findings);
}

type Outbound = Config["gateway"]["webhook"]["outbound"];

function checkComplete({ url, secret, endpoints }: Outbound, { faults }: Findings): void {
  const missing = (key: string, why: string, hint?: string) => {
    const path = [...OUTBOUND, key];
    faults.push({ path, message: `${formatPath(path)} is missing: ${why}`, ...(hint && { hint }) });
  };
  if (url === undefined && endpoints.length === 0) missing("url", "there is nowhere to send events");
  if (secret === undefined && (url !== undefined || endpoints.length === 0))
    missing(
      "secret",
      "the receiver could not tell who sent an event",
      "Set it, or HERMES_WEBHOOK_OUTBOUND_SECRET.",
    );
}

/** Deliveries are kept under the name. */
function checkNames(endpoints: Outbound["endpoints"], { faults }: Findings): void {
  const seen = new Set([DEFAULT_ENDPOINT]);
  for (const [i, { name }] of endpoints.entries()) {
    const path = [...OUTBOUND, "endpoints", String(i), "name"];
    const taken =
      name === DEFAULT_ENDPOINT ? `the name of ${formatPath([...OUTBOUND, "url"])}` : "there twice";
    if (seen.has(name)) faults.push({ path, message: `${formatPath(path)}: ${name} is ${taken}` });
    seen.add(name);
  }
}

function checkEndpoint(
  endpoint: { url?: string; secret?: string; previous_secret?: string },
  path: Path,
  config: Config,
  { faults, warnings }: Findings,
): void {
  for (const key of ["secret", "previous_secret"] as const) {
    const value = endpoint[key];
    const at = [...path, key];
    if (value !== undefined && value.length < SHORT_SECRET_CHARS)
      warnings.push({
        path: at,
        message: `${formatPath(at)} is short and can be guessed`,
        hint: NEW_SECRET,
      });
    if (value === undefined || !isBrokenSecret(value)) continue;
    const message = `${formatPath(at)} begins with whsec_, but what follows is not Base64`;
    faults.push({ path: at, message, hint: `Copy it anew, or write a text without whsec_. ${NEW_SECRET}` });
  }
  const { url } = endpoint;
  const parsed = url === undefined ? null : URL.parse(url);
  if (!parsed) return;
  const at = [...path, "url"];
  if (isOwn(parsed, config))
    warnings.push({
      path: at,
      message: `${formatPath(at)} is where Hermes itself takes events: each event would make the next one`,
      hint: "Send them to another program; a route hands on what it is sent with `deliver`.",
    });
  if (parsed.username || parsed.password)
    faults.push({
      path: at,
      message: `${formatPath(at)} must not contain a user name or a password`,
      hint: "Receivers know Hermes by its signature.",
    });
  const address = parsed.hostname === "localhost" ? "127.0.0.1" : parsed.hostname.replace(/^\[|\]$/g, "");
  const isAddress = /^[\d.]+$/.test(address) || address.includes(":");
  if (isAddress && !isPublicAddress(address) && !isCovered(address, config.network.allow_cidrs))
    warnings.push({
      path: at,
      message: `${formatPath(at)} is at a private address, to which nothing is sent`,
      hint: `Add ${address}/${address.includes(":") ? 128 : 32} to network.allow_cidrs.`,
    });
}

/** True for an address at which Hermes would take its own events, and tell of each of them again. */
function isOwn(url: URL, { gateway: { webhook } }: Config): boolean {
  if (!webhook.enabled) return false;
  const { host, port, path, public_url } = webhook;
  const own = [...OWN_NAMES, host].map((name) => `http://${name}:${port}${path}`);
  return [...own, ...(public_url === undefined ? [] : [public_url])].some((endpoint) => {
    const bare = endpoint.replace(/\/+$/, "");
    return url.href === bare || url.href.startsWith(`${bare}/`);
  });
}

/** False where the list itself is wrong, which is told elsewhere. */
function isCovered(address: string, cidrs: readonly string[]): boolean {
  return cidrs.some((cidr) => {
    try {
      return isInCidrs(address, [cidr]);
    } catch {
      return false; // no CIDR: `checkCidrs` says so
    }
  });
}
