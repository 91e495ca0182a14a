import ipaddr from "ipaddr.js";
import { checkHooks } from "./check-hooks.ts";
import { checkListeners } from "./check-listeners.ts";
import { checkMcp } from "./check-mcp.ts";
import { checkModels } from "./check-models.ts";
import { checkOutbound } from "./check-outbound.ts";
import { checkPlatforms } from "./check-platforms.ts";
import { checkTools } from "./check-tools.ts";
import { formatPath } from "./path.ts";
import type { Findings } from "./problems.ts";
import { type Config, ConfigSchema } from "./schema.ts";
import { walkConfig } from "./walk.ts";

/** Checks what the schema cannot say: how keys fit one another, and values with a grammar of their own. */
export function checkConfig(config: Config): Findings {
  const findings: Findings = { faults: [], warnings: [] };
  checkListeners(config, findings);
  checkHooks(config, findings);
  checkOutbound(config, findings);
  checkModels(config, findings);
  checkPlatforms(config, findings);
  checkTools(config, findings);
  checkMcp(config, findings);
  checkCidrs(config, findings);
  checkUrls(config, findings);
  checkOrigins(config, findings);
  checkHosts(config, findings);
  return findings;
}

function checkCidrs(config: Config, { faults }: Findings): void {
  for (const key of ["allow_cidrs", "trusted_proxies"] as const)
    for (const [i, text] of config.network[key].entries()) {
      if (ipaddr.isValidCIDR(text)) continue;
      const path = ["network", key, String(i)];
      const hint = `Write it like ${ipaddr.isValid(text) ? asCidr(text) : "10.0.0.0/8"}.`;
      faults.push({ path, message: `${formatPath(path)} must be a CIDR, not ${JSON.stringify(text)}`, hint });
    }
}

function asCidr(address: string): string {
  return `${address}/${ipaddr.parse(address).kind() === "ipv4" ? 32 : 128}`;
}

function checkUrls(config: Config, { faults }: Findings): void {
  for (const { path, value } of walkConfig(ConfigSchema, config)) {
    if (typeof value !== "string" || !/^(base_url|api_base|url)$/.test(path.at(-1) ?? "")) continue;
    if (/^https?:$/.test(URL.parse(value)?.protocol ?? "")) continue;
    faults.push({ path, message: `${formatPath(path)} must begin with http:// or https:// and name a host` });
  }
}

/** They are compared with the header `Origin` (RFC 6454 §7) letter by letter: any other spelling would let nobody in. */
function checkOrigins({ api, mcp }: Config, { faults }: Findings): void {
  for (const [surface, { allowed_origins }] of Object.entries({ api, mcp }))
    for (const [i, text] of allowed_origins.entries()) {
      const meant = originOf(text);
      if (meant === text) continue;
      const path = [surface, "allowed_origins", String(i)];
      const message = `${formatPath(path)} must be an origin, not ${JSON.stringify(text)}`;
      const hint = meant ? `Write it like ${meant}.` : "Name each origin, such as https://your-app.com.";
      faults.push({ path, message, hint });
    }
}

/** The origin of an address as a browser writes it; null for what has none. */
function originOf(text: string): string | null {
  const url = URL.parse(text);
  if (!url?.host) return null;
  // Of other schemes, such as those of browser extensions, only the plain form is known.
  return /^https?:$/.test(url.protocol) ? url.origin : `${url.protocol}//${url.host}`;
}

/** They are compared with the name in the header `Host`. */
function checkHosts({ api, mcp, gateway }: Config, { faults }: Findings): void {
  for (const [surface, { allowed_hosts }] of Object.entries({ api, mcp, "gateway.webhook": gateway.webhook }))
    for (const [i, text] of allowed_hosts.entries()) {
      if (/^[A-Za-z0-9._-]+$/.test(text)) continue;
      const path = [...surface.split("."), "allowed_hosts", String(i)];
      const message = `${formatPath(path)} must be a host name, not ${JSON.stringify(text)}`;
      faults.push({ path, message, hint: "Write the name alone, without scheme, port or path." });
    }
}
