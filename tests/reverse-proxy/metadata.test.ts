import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { curl, INSTALLED, NAME, type Site, startProxy } from "../support/reverse-proxy.ts";
import { openTestServer } from "../support/server.ts";

setDefaultTimeout(60_000);

const METADATA = "/.well-known/oauth-protected-resource/mcp";

/** What a client is told of the address of MCP: in the challenge, in the metadata and on the page for people. */
async function told(site: Site, mcp: Record<string, unknown>, trusted: string[]) {
  await using server = await openTestServer({
    mcp: { auth: { type: "oauth2", issuer: "http://127.0.0.1:9" }, ...mcp },
    config: { network: { trusted_proxies: trusted } },
  });
  const { port, mcpPort } = server;
  await using proxy = await startProxy(site, { api: site === "hermes.conf" ? mcpPort : port, mcp: mcpPort });
  const challenge = await curl(proxy, "/mcp", {
    body: "{}",
    headers: { "content-type": "application/json" },
  });
  expect(challenge.status).toBe(401);
  const page = await curl(proxy, "/mcp", { headers: { accept: "text/html" } });
  const seen = [
    /resource_metadata="([^"]*)"/.exec(challenge.headers.get("www-authenticate") ?? "")?.[1],
    (await curl(proxy, METADATA)).json()["resource"],
    /"url": "([^"]*)"/.exec(page.text)?.[1],
  ];
  return seen.map((address) => String(address).replace(`:${proxy.port}/`, "/")); // Caddy passes the port on
}

const addresses = (base: string) => [`${base}${METADATA}`, `${base}/mcp`, `${base}/mcp`];

for (const site of INSTALLED)
  describe(site, () => {
    test("clients of MCP are told the public address", async () => {
      const mcp = { public_url: "https://public.your-domain.com/mcp", allowed_hosts: [NAME] };
      expect(await told(site, mcp, [])).toEqual(addresses("https://public.your-domain.com"));
    });

    test("without one, the name that they called and the scheme that a trusted proxy says", async () => {
      const mcp = { allowed_hosts: [NAME] };
      expect(await told(site, mcp, ["127.0.0.1/32"])).toEqual(addresses(`https://${NAME}`));
      expect(await told(site, mcp, [])).toEqual(addresses(`http://${NAME}`));
    });
  });
