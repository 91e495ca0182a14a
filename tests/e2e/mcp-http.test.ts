import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { type AuthorizationServer, startAuthorizationServer } from "../support/authorization-server.ts";
import { type Hermes, startHermes, testConfig } from "../support/hermes.ts";

setDefaultTimeout(60_000);

let issuer: AuthorizationServer;
const started: Hermes[] = [];
beforeAll(async () => {
  issuer = await startAuthorizationServer();
});
afterAll(async () => {
  for (const hermes of started) await hermes.remove();
  await issuer[Symbol.asyncDispose]();
});

/** Hermes with this section `mcp`, and the address where it serves that. */
async function start(mcp: object): Promise<{ hermes: Hermes; url: string }> {
  const config = { ...testConfig("http://127.0.0.1:9", "echo"), mcp: { enabled: true, port: 0, ...mcp } };
  const hermes = await startHermes({ config, args: ["serve"] });
  started.push(hermes);
  return { hermes, url: /serves MCP at (\S+)/.exec(hermes.service.output())?.[1] ?? "" };
}

/** What the client finds and gets, with these headers. */
async function useTools(url: string, mode: "legacy" | "auto", headers: Record<string, string>) {
  const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
  const { tools } = await client.listTools();
  await client.callTool({ name: "memory_write", arguments: { key: mode, value: "kept" } });
  const { structuredContent } = await client.callTool({ name: "memory_read", arguments: { key: mode } });
  await client.close();
  return { tools: tools.length, structuredContent };
}

for (const mode of ["legacy", "auto"] as const)
  for (const path of ["", "/mcp"])
    test(`a client of the ${mode} mode calls tools with a key at ${path || "the bare address"}`, async () => {
      const { hermes, url } = await start({ auth: { api_keys: ["a-key-of-mcp-for-tests"] } });
      const used = await useTools(url + path, mode, { "x-api-key": "a-key-of-mcp-for-tests" });
      expect(used).toMatchObject({ tools: expect.any(Number), structuredContent: { value: "kept" } });
      expect(await hermes.service.stop()).toBe(0);
    });

test("an access token opens what its scopes name", async () => {
  const { hermes, url } = await start({ auth: { type: "oauth2", issuer: issuer.issuer } });
  const nowS = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer.issuer, aud: url, sub: "alice", iat: nowS, exp: nowS + 60 };
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const good = await issuer.sign({ ...claims, scope: "mcp:memory" });
  expect(await useTools(url, "auto", bearer(good))).toMatchObject({ structuredContent: { value: "kept" } });
  const foreign = await issuer.sign({ ...claims, aud: "https://other.example.com", scope: "mcp:memory" });
  expect((await fetch(`${url}/tools`, { headers: bearer(foreign) })).status).toBe(401);
  expect(await hermes.service.stop()).toBe(0);
});
