import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  Client,
  type OAuthClientInformationMixed,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type OAuthTokens,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from "@modelcontextprotocol/client";
import {
  type AuthorizationServer,
  CLIENT_ID,
  REDIRECT_URI,
  startAuthorizationServer,
} from "../../support/authorization-server.ts";
import { INITIALIZE, sendMcp } from "../../support/mcp-requests.ts";
import { openTestServer, type TestServer } from "../../support/server.ts";
import { probeTool } from "../../support/tools.ts";

let issuer: AuthorizationServer;
let server: TestServer;
beforeAll(async () => {
  issuer = await startAuthorizationServer();
  server = await openTestServer({
    mcp: { auth: { type: "oauth2", issuer: issuer.issuer } },
    tools: [probeTool([], { name: "web_probe", group: "web", effect: "read" })],
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
});

const parameterOf = (challenge: string, name: string) =>
  new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? "";

/** Gets a token the way a client does that has only a challenge: metadata, PKCE, login, consent, code. */
async function authorize(challenge: string, account: string, given: { resource?: string } = {}) {
  const metadata = await (await fetch(parameterOf(challenge, "resource_metadata"))).json();
  const [authorizationServer] = metadata.authorization_servers as string[];
  const found = await (await fetch(`${authorizationServer}/.well-known/openid-configuration`)).json();
  const verifier = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const resource = given.resource ?? metadata.resource;
  const url = new URL(found.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: CLIENT_ID,
    redirect_uri: REDIRECT_URI,
    response_type: "code",
    scope: parameterOf(challenge, "scope"),
    state: "a-state",
    code_challenge: Buffer.from(hash).toString("base64url"),
    code_challenge_method: "S256",
    resource,
  }).toString();
  const back = await issuer.logIn(url, account);
  expect(back.searchParams.get("state")).toBe("a-state");
  const answer = await fetch(found.token_endpoint, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code",
      code: back.searchParams.get("code") ?? "",
      redirect_uri: REDIRECT_URI,
      client_id: CLIENT_ID,
      code_verifier: verifier,
      resource,
    }),
  });
  const token = await answer.json();
  expect([answer.status, token.token_type]).toEqual([200, "Bearer"]);
  return token.access_token as string;
}

describe("by hand", () => {
  for (const path of ["/", "/mcp"])
    test(`challenge, login, call, step up, call at ${path}`, async () => {
      const url = server.mcpUrl + path;
      const refused = await sendMcp(url, { body: INITIALIZE });
      expect(refused.status).toBe(401);
      const first = await authorize(refused.headers.get("www-authenticate") ?? "", "alice");
      const opened = await sendMcp(url, { headers: { authorization: `Bearer ${first}` }, body: INITIALIZE });
      expect(opened.status).toBe(200);
      await opened.text();
      const session = { "mcp-session-id": opened.headers.get("mcp-session-id") ?? "" };
      const call = (token: string) =>
        sendMcp(url, {
          headers: { authorization: `Bearer ${token}`, ...session },
          body: { jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "web_probe", arguments: {} } },
        });
      const lacking = await call(first);
      expect(lacking.status).toBe(403);
      const challenge = lacking.headers.get("www-authenticate") ?? "";
      expect(parameterOf(challenge, "scope").split(" ")).toEqual([
        "mcp:memory",
        "mcp:todolist",
        "mcp:web",
        "mcp:skill",
        "mcp:session",
      ]);
      const second = await authorize(challenge, "alice");
      const done = await call(second);
      expect([done.status, await done.text()]).toEqual([200, expect.stringContaining("done")]);
      // Somebody else with every scope still cannot speak in this session.
      const stranger = await authorize(challenge, "mallory");
      expect((await call(stranger)).status).toBe(404);
    });

  test("a token for another resource of the same server opens nothing", async () => {
    const refused = await sendMcp(`${server.mcpUrl}/mcp`, { body: INITIALIZE });
    const challenge = refused.headers.get("www-authenticate") ?? "";
    const token = await authorize(challenge, "alice", { resource: "https://other.example.com/mcp" });
    const headers = { authorization: `Bearer ${token}` };
    expect((await sendMcp(`${server.mcpUrl}/mcp`, { headers, body: INITIALIZE })).status).toBe(401);
  });
});

/** What a client keeps between the steps of the flow. */
class Provider implements OAuthClientProvider {
  readonly redirectUrl = REDIRECT_URI;
  readonly clientMetadata = { redirect_uris: [REDIRECT_URI], client_name: "test" };
  asked: URL | undefined;
  #tokens: OAuthTokens | undefined;
  #discovered: OAuthDiscoveryState | undefined;
  #verifier = "";
  clientInformation(): OAuthClientInformationMixed {
    return { client_id: CLIENT_ID };
  }
  tokens() {
    return this.#tokens;
  }
  saveTokens(tokens: OAuthTokens) {
    this.#tokens = tokens;
  }
  redirectToAuthorization(url: URL) {
    this.asked = url;
  }
  saveDiscoveryState(state: OAuthDiscoveryState) {
    this.#discovered = state;
  }
  discoveryState() {
    return this.#discovered;
  }
  saveCodeVerifier(verifier: string) {
    this.#verifier = verifier;
  }
  codeVerifier() {
    return this.#verifier;
  }
}

describe("the SDK's client", () => {
  for (const mode of ["legacy", "auto"] as const)
    for (const path of ["", "/mcp"])
      test(`logs in, calls and steps up by itself (${mode}, ${path || "without a path"})`, async () => {
        const provider = new Provider();
        const connect = async () => {
          const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode } });
          const transport = new StreamableHTTPClientTransport(new URL(server.mcpUrl + path), {
            authProvider: provider,
          });
          return { client, transport, connected: client.connect(transport) };
        };
        /** Lets the user log in where the client asked for it. */
        const finish = async (transport: StreamableHTTPClientTransport) => {
          const back = await issuer.logIn(provider.asked as URL, "alice");
          await transport.finishAuth(back.searchParams);
        };
        const first = await connect();
        await expect(first.connected).rejects.toBeInstanceOf(UnauthorizedError);
        expect(provider.asked?.searchParams.get("scope")).toBe(
          "mcp:memory mcp:todolist mcp:skill mcp:session",
        );
        expect(provider.asked?.searchParams.get("code_challenge_method")).toBe("S256");
        await finish(first.transport);
        const { client, transport, connected } = await connect();
        await connected;
        const { tools } = await client.listTools();
        expect(tools.some(({ name }) => name === "memory_write")).toBe(true);
        expect(tools.some(({ name }) => name === "web_probe")).toBe(false);
        const call = () => client.callTool({ name: "web_probe", arguments: {} });
        await expect(call()).rejects.toBeInstanceOf(UnauthorizedError);
        expect(provider.asked?.searchParams.get("scope")).toContain("mcp:web");
        expect(provider.asked?.searchParams.get("scope")).toContain("mcp:memory");
        await finish(transport);
        expect(await call()).toMatchObject({ content: [{ type: "text", text: "done" }] });
        await client.close();
      });
});
