import { isLoopback } from "./check-listeners.ts";
import { formatPath, type Path } from "./path.ts";
import type { Findings } from "./problems.ts";
import type { Config } from "./schema.ts";

/** Signatures made with a private key: a secret shared with the authorization server could be turned round to make tokens. */
const SIGNATURES = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

/** Checks how MCP over HTTP is reached, and by whose tokens. */
export function checkMcp(config: Config, findings: Findings): void {
  checkSharedPort(config, findings);
  const { public_url, auth } = config.mcp;
  if (public_url !== undefined) checkAddress(["mcp", "public_url"], public_url, findings);
  if (auth.issuer !== undefined) checkAddress(["mcp", "auth", "issuer"], auth.issuer, findings);
  if (auth.jwks_url !== undefined) checkAddress(["mcp", "auth", "jwks_url"], auth.jwks_url, findings);
  checkAlgorithms(config, findings);
  if (auth.type === "oauth2") checkOAuth(config, findings);
}

/** Both answer `POST /execute`. */
function checkSharedPort({ api, mcp }: Config, { faults }: Findings): void {
  if (!api.enabled || !mcp.enabled || api.base_path !== "") return;
  if (api.port === 0 || api.port !== mcp.port || api.host !== mcp.host) return;
  faults.push({
    path: ["api", "base_path"],
    message: "api.base_path is empty, and MCP answers at the same paths of the same port",
    hint: "Write a path such as /api/v1, or give api.port and mcp.port different values.",
  });
}

function checkOAuth({ mcp }: Config, { faults, warnings }: Findings): void {
  if (mcp.auth.issuer === undefined)
    faults.push({
      path: ["mcp", "auth", "issuer"],
      message: "mcp.auth.issuer is missing: nobody could say which tokens are valid",
      hint: "Write the address of the authorization server, as its metadata has it.",
    });
  if (mcp.public_url === undefined && (!isLoopback(mcp.host) || mcp.allowed_hosts.length > 0))
    warnings.push({
      path: ["mcp", "public_url"],
      message: "mcp.public_url is missing: tokens for another address than the listener's own are refused",
      hint: "Write the address that clients use, such as https://hermes-mcp.your-domain.com.",
    });
}

/** Tokens and their keys go only over TLS, but for an authorization server on this machine (RFC 8414 §2, RFC 9728 §1.2). */
function checkAddress(path: Path, text: string, { faults }: Findings): void {
  const url = URL.parse(text);
  const key = formatPath(path);
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname));
  if (!isSafe)
    faults.push({ path, message: `${key} must begin with https://; http:// only with a loopback address` });
  else if (url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "")
    faults.push({ path, message: `${key} must be an address without query, fragment and user name` });
}

function checkAlgorithms({ mcp }: Config, { faults }: Findings): void {
  const path = ["mcp", "auth", "algorithms"];
  const { algorithms } = mcp.auth;
  if (algorithms.length === 0)
    faults.push({ path, message: "mcp.auth.algorithms is empty: no token is valid" });
  for (const [i, name] of algorithms.entries()) {
    if (SIGNATURES.includes(name)) continue;
    const place = [...path, String(i)];
    const message = `${formatPath(place)} must be a signature by a private key, not ${JSON.stringify(name)}`;
    faults.push({ path: place, message, hint: `Known are ${SIGNATURES.join(", ")}.` });
  }
}
