import { afterAll, beforeAll, describe, expect, setSystemTime, test } from "bun:test";
import { exportSPKI, SignJWT } from "jose";
import {
  type AuthorizationServer,
  makeSigningKey,
  type SigningKey,
  signToken,
  startAuthorizationServer,
} from "../../support/authorization-server.ts";
import { INITIALIZE, messageOf, modern, rpc, sendMcp } from "../../support/mcp-requests.ts";
import { MCP_TOKENS, openTestServer, type TestServer } from "../../support/server.ts";

let issuer: AuthorizationServer;
let server: TestServer;
let otherKey: SigningKey;
beforeAll(async () => {
  issuer = await startAuthorizationServer();
  otherKey = await makeSigningKey();
  server = await openTestServer({
    mcp: {
      auth: { type: "oauth2", issuer: issuer.issuer, owner: "the-owner", api_keys: [MCP_TOKENS.owner] },
    },
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
});

const ALL =
  "mcp:memory mcp:todolist mcp:session mcp:skill mcp:file mcp:web mcp:delegate mcp:terminal mcp:mcp";
const nowS = () => Math.floor(Date.now() / 1000);

/** The claims of a token that is let in; undefined takes one away. */
function claims(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    iss: issuer.issuer,
    aud: `${server.mcpUrl}/mcp`,
    sub: "alice",
    client_id: "test-client",
    scope: ALL,
    iat: nowS() - 10,
    exp: nowS() + 300,
    ...change,
  };
}
const sign = (change?: Record<string, unknown>, header?: Record<string, unknown>) =>
  issuer.sign(claims(change), header);
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const unsigned = (header: object, change = {}) => `${base64url(header)}.${base64url(claims(change))}.`;
const flipped = (token: string, at: number) => {
  const bytes = token.split(".");
  const part = bytes[at] ?? "";
  bytes[at] = `${part.slice(0, 5)}${part[5] === "A" ? "B" : "A"}${part.slice(6)}`;
  return bytes.join(".");
};

/** Tokens that open nothing, by what is wrong with them. */
const BAD: Record<string, () => Promise<string> | string> = {
  "another audience": () => sign({ aud: "https://other.example.com/mcp" }),
  "the audience of another port": () => sign({ aud: "http://127.0.0.1:1/mcp" }),
  "an audience that only begins like this one": () => sign({ aud: `${server.mcpUrl}/mcp/../../x` }),
  "the client as its audience, as an ID token": () => sign({ aud: "test-client" }),
  "no audience": () => sign({ aud: undefined }),
  "an empty list of audiences": () => sign({ aud: [] }),
  "another issuer": () => sign({ iss: "https://auth.example.com" }),
  "the issuer with a slash more": () => sign({ iss: `${issuer.issuer}/` }),
  "no issuer": () => sign({ iss: undefined }),
  "an end that is over": () => sign({ exp: nowS() - 60 }),
  "no end": () => sign({ exp: undefined }),
  "an end that is text": () => sign({ exp: String(nowS() + 300) }),
  "a beginning to come": () => sign({ nbf: nowS() + 300 }),
  "an issue to come": () => sign({ iat: nowS() + 300 }),
  "no time of issue": () => sign({ iat: undefined }),
  "no subject": () => sign({ sub: undefined }),
  "an empty subject": () => sign({ sub: "" }),
  "a subject beyond measure": () => sign({ sub: "a".repeat(256) }),
  "a nonce, as an ID token": () => sign({ nonce: "n" }),
  "a hash of a token, as an ID token": () => sign({ at_hash: "h" }),
  "the use of an ID token": () => sign({ token_use: "id" }),
  "events, as a logout token": () => sign({ events: {} }),
  "the type of a logout token": () => sign({}, { typ: "logout+jwt" }),
  "no type": () => sign({}, { typ: undefined }),
  "a type that is no text": () => sign({}, { typ: 1 }),
  "no key id": () => sign({}, { kid: undefined }),
  "the id of an unknown key": () => sign({}, { kid: "unknown" }),
  "a foreign key under the known id": () => signToken({ ...otherKey, kid: issuer.key.kid }, claims()),
  "a foreign key that it brings along": () =>
    signToken({ ...otherKey, kid: issuer.key.kid }, claims(), { jwk: otherKey.public }),
  "a foreign key at an address of its own": () =>
    signToken(otherKey, claims(), { jku: `${server.url}/health`, x5u: `${server.url}/health` }),
  "no algorithm": () => unsigned({ alg: "none", typ: "at+jwt", kid: issuer.key.kid }),
  "no algorithm in capitals": () => unsigned({ alg: "NONE", typ: "at+jwt", kid: issuer.key.kid }),
  "an algorithm without a signature": () => unsigned({ alg: "RS256", typ: "at+jwt", kid: issuer.key.kid }),
  "the public key as a shared secret": async () => {
    const { importJWK } = await import("jose");
    const pem = await exportSPKI((await importJWK(issuer.key.public, "RS256")) as CryptoKey);
    return new SignJWT(claims())
      .setProtectedHeader({ alg: "HS256", typ: "at+jwt", kid: issuer.key.kid })
      .sign(Buffer.from(pem));
  },
  "an algorithm that is not listed": async () => {
    const key = await makeSigningKey("RS512");
    return signToken({ ...key, kid: issuer.key.kid }, claims());
  },
  "a critical extension": () =>
    new SignJWT(claims())
      .setProtectedHeader({ alg: "RS256", typ: "at+jwt", kid: issuer.key.kid, crit: ["x"], x: 1 })
      .sign(issuer.key.private, { crit: { x: true } }),
  "a changed claim": async () => flipped(await sign(), 1),
  "a changed header": async () => flipped(await sign(), 0),
  "a changed signature": async () => flipped(await sign(), 2),
  "its end cut off": async () => (await sign()).slice(0, -1),
  "its signature cut off": async () => (await sign()).split(".").slice(0, 2).join("."),
  "one part more": async () => `${await sign()}.abcd`,
  opaque: () => "2YotnFZFEjr1zCsicMWpAA",
  "a key of the configuration": () => MCP_TOKENS.owner,
  "nothing but dots": () => "..",
  "claims that are a list": async () =>
    `${base64url({ alg: "RS256", typ: "at+jwt", kid: issuer.key.kid })}.${base64url([])}.abcd`,
  "more than a token may be long": () => sign({ padding: "x".repeat(9000) }),
};

describe("a good token", () => {
  test("opens both addresses, in both eras, and beside them", async () => {
    const headers = bearer(await sign());
    for (const path of ["/", "/mcp"]) {
      const opened = await sendMcp(server.mcpUrl + path, { headers, body: INITIALIZE });
      expect((await messageOf(opened)).result.serverInfo.name).toBe("hermes");
      const list = modern("tools/list");
      const answer = await sendMcp(server.mcpUrl + path, {
        ...list,
        headers: { ...headers, ...list.headers },
      });
      expect(answer.status).toBe(200);
    }
    expect((await fetch(`${server.mcpUrl}/tools`, { headers })).status).toBe(200);
  });

  for (const [what, change, header] of [
    ["the address without /mcp", () => ({ aud: server.mcpUrl })],
    ["the address with a slash", () => ({ aud: `${server.mcpUrl}/` })],
    ["/mcp with a slash", () => ({ aud: `${server.mcpUrl}/mcp/` })],
    ["the name localhost", () => ({ aud: `http://localhost:${server.mcpPort}/mcp` })],
    ["one audience of several", () => ({ aud: ["https://other.example.com", server.mcpUrl] })],
    ["a clock that goes a little slow", () => ({ exp: nowS() - 10 })],
    ["a clock that goes a little fast", () => ({ iat: nowS() + 10, nbf: nowS() + 10 })],
    ["the type of a media type", () => ({}), { typ: "application/AT+JWT" }],
    ["the plain type", () => ({}), { typ: "JWT" }],
    ["scopes as a list", () => ({ scope: undefined, scp: ["mcp:memory"] })],
  ] as [string, () => Record<string, unknown>, Record<string, unknown>?][])
    test(`is good with ${what}`, async () => {
      const headers = bearer(await sign(change(), header));
      expect((await fetch(`${server.mcpUrl}/tools`, { headers })).status).toBe(200);
    });
});

describe("a bad token", () => {
  test("is one of twenty kinds at least", () => {
    expect(Object.keys(BAD).length).toBeGreaterThanOrEqual(20);
  });

  for (const [what, make] of Object.entries(BAD))
    test(`with ${what} opens nothing`, async () => {
      const token = await make();
      for (const [path, body] of [
        ["/mcp", INITIALIZE],
        ["/", rpc("tools/list")],
        ["/tools", undefined],
        ["/execute", { tool: "memory_search", arguments: { query: "x" } }],
      ] as const) {
        const answer = await sendMcp(server.mcpUrl + path, { headers: bearer(token), body });
        expect([path, answer.status]).toEqual([path, 401]);
        const challenge = answer.headers.get("www-authenticate") ?? "";
        expect(challenge).toContain('error="invalid_token"');
        expect(challenge).toContain(
          `resource_metadata="${server.mcpUrl}/.well-known/oauth-protected-resource`,
        );
        const text = await answer.text();
        for (const leak of [token, "alice", "claim", "signature", "mcp:", "at /", issuer.key.kid])
          expect(text).not.toContain(leak);
      }
    });

  test("locks nobody out: an honest one is refused once it is old", async () => {
    const token = await sign({ exp: nowS() - 60 });
    for (let n = 0; n < 15; n++)
      expect((await fetch(`${server.mcpUrl}/tools`, { headers: bearer(token) })).status).toBe(401);
    expect((await fetch(`${server.mcpUrl}/tools`, { headers: bearer(await sign()) })).status).toBe(200);
  });
});

describe("carriers", () => {
  test("a good token counts only as a bearer", async () => {
    const token = await sign();
    const statusOf = async (headers: Record<string, string>, query = "") =>
      (await fetch(`${server.mcpUrl}/tools${query}`, { headers })).status;
    expect(await statusOf(bearer(token))).toBe(200);
    for (const headers of [
      { "x-api-key": token },
      { authorization: token },
      { authorization: `Basic ${token}` },
      { authorization: `Bearer ${token} x` },
      { "x-api-key": MCP_TOKENS.owner },
      { ...bearer(token), "x-api-key": MCP_TOKENS.owner },
      { cookie: `access_token=${token}` },
    ])
      expect([headers, await statusOf(headers)]).toEqual([headers, 401]);
    for (const name of ["access_token", "token"]) expect(await statusOf({}, `?${name}=${token}`)).toBe(400);
  });

  test("a token is read before the body is", async () => {
    const answer = await fetch(`${server.mcpUrl}/mcp`, {
      method: "POST",
      headers: { ...bearer(await sign({ aud: "x" })), "content-type": "application/json" },
      body: "{".repeat(1000),
    });
    expect(answer.status).toBe(401);
  });
});

describe("metadata", () => {
  test("name the issuer, the resource and the scopes, to anybody", async () => {
    const where = "/.well-known/oauth-protected-resource";
    for (const [path, resource] of [
      [where, server.mcpUrl],
      [`${where}/mcp`, `${server.mcpUrl}/mcp`],
    ] as const) {
      const answer = await fetch(server.mcpUrl + path);
      expect(await answer.json()).toEqual({
        resource,
        authorization_servers: [issuer.issuer],
        scopes_supported: expect.arrayContaining(["mcp:memory", "mcp:terminal"]),
        bearer_methods_supported: ["header"],
        resource_name: "Hermes",
      });
    }
    for (const path of ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"])
      expect((await fetch(server.mcpUrl + path)).status).toBe(404);
  });

  test("a request without a token learns where they are and what to ask for first", async () => {
    for (const [path, suffix] of [
      ["/", ""],
      ["/mcp", "/mcp"],
      ["/tools", ""],
    ] as const) {
      const answer = await sendMcp(server.mcpUrl + path, {
        body: path === "/tools" ? undefined : INITIALIZE,
      });
      expect([path, answer.status]).toEqual([path, 401]);
      expect(answer.headers.get("www-authenticate")).toBe(
        `Bearer realm="hermes", scope="mcp:memory mcp:todolist mcp:skill mcp:session", resource_metadata="${server.mcpUrl}/.well-known/oauth-protected-resource${suffix}"`,
      );
    }
  });

  test("behind a proxy the public address stands in both, and is the audience", async () => {
    await using behind = await openTestServer({
      mcp: {
        public_url: "https://hermes.example.com/mcp",
        auth: { type: "oauth2", issuer: issuer.issuer },
      },
    });
    const metadata = await fetch(`${behind.mcpUrl}/.well-known/oauth-protected-resource/mcp`);
    expect((await metadata.json()).resource).toBe("https://hermes.example.com/mcp");
    const refused = await fetch(`${behind.mcpUrl}/tools`);
    expect(refused.headers.get("www-authenticate")).toContain(
      'resource_metadata="https://hermes.example.com/.well-known/oauth-protected-resource"',
    );
    const statusOf = async (aud: string) => {
      const headers = bearer(await sign({ aud }));
      return (await fetch(`${behind.mcpUrl}/tools`, { headers })).status;
    };
    for (const aud of ["https://hermes.example.com", "https://hermes.example.com/mcp/"])
      expect([aud, await statusOf(aud)]).toEqual([aud, 200]);
    expect(await statusOf(`${behind.mcpUrl}/mcp`)).toBe(401);
  });
});

describe("scopes", () => {
  const namesOf = async (token: string): Promise<string[]> => {
    const answer = await fetch(`${server.mcpUrl}/tools`, { headers: bearer(token) });
    return ((await answer.json()) as { tools: { name: string }[] }).tools.map(({ name }) => name);
  };

  test("narrow the tools, in every list", async () => {
    const token = await sign({ scope: "openid mcp:memory mcp:todolist" });
    const names = await namesOf(token);
    expect(names.filter((name) => !/^(memory|todolist)_/.test(name))).toEqual([]);
    expect(names).toContain("memory_write");
    const { headers, body } = modern("tools/list");
    const answer = await sendMcp(`${server.mcpUrl}/mcp`, { headers: { ...bearer(token), ...headers }, body });
    const listed = (await messageOf(answer)).result.tools as { name: string }[];
    expect(listed.map(({ name }) => name)).toEqual(names);
  });

  test("that are missing are asked for together with those that are there, before anything is done", async () => {
    const token = await sign({ scope: "mcp:memory" });
    const opened = await sendMcp(`${server.mcpUrl}/mcp`, { headers: bearer(token), body: INITIALIZE });
    await opened.text();
    const session = { "mcp-session-id": opened.headers.get("mcp-session-id") ?? "" };
    const call = { name: "todolist_create", arguments: { title: "canary" } };
    const inModern = modern("tools/call", call, "id-7");
    const attempts = [
      await sendMcp(`${server.mcpUrl}/mcp`, {
        headers: { ...bearer(token), ...session },
        body: rpc("tools/call", call, "id-7"),
      }),
      await sendMcp(`${server.mcpUrl}/mcp`, {
        headers: { ...bearer(token), ...inModern.headers },
        body: inModern.body,
      }),
      await sendMcp(`${server.mcpUrl}/mcp`, {
        headers: { ...bearer(token), ...session },
        body: [rpc("ping"), rpc("tools/call", call, "id-7")],
      }),
      await sendMcp(`${server.mcpUrl}/execute`, {
        headers: bearer(token),
        body: { tool: call.name, arguments: call.arguments },
      }),
    ];
    for (const [n, answer] of attempts.entries()) {
      expect([n, answer.status]).toEqual([n, 403]);
      const challenge = answer.headers.get("www-authenticate") ?? "";
      expect(challenge).toContain('error="insufficient_scope", scope="mcp:memory mcp:todolist"');
      expect(challenge).toContain("resource_metadata=");
    }
    expect(await attempts[0]?.text()).toContain('"id":"id-7"');
    const todos = await fetch(`${server.mcpUrl}/execute`, {
      method: "POST",
      headers: { ...bearer(await sign()), "content-type": "application/json" },
      body: JSON.stringify({ tool: "todolist_list", arguments: {} }),
    });
    expect(await todos.text()).not.toContain("canary");
  });

  for (const scope of [
    "",
    "openid",
    "mcp:",
    "mcp:admin",
    "MCP:MEMORY",
    "mcp:memory,mcp:file",
    "xmcp:memory",
    undefined,
  ])
    test(`${JSON.stringify(scope)} is none, and 403`, async () => {
      const token = await sign({ scope });
      for (const [path, body] of [
        ["/mcp", rpc("tools/list")],
        ["/tools", undefined],
      ] as const) {
        const answer = await sendMcp(server.mcpUrl + path, { headers: bearer(token), body });
        expect([path, answer.status]).toEqual([path, 403]);
        expect(answer.headers.get("www-authenticate")).toContain('error="insufficient_scope"');
      }
    });
});

describe("subjects", () => {
  const write = async (token: string, value: string) =>
    (
      await sendMcp(`${server.mcpUrl}/execute`, {
        headers: bearer(token),
        body: { tool: "memory_write", arguments: { key: "whose", value } },
      })
    ).json();

  test("each has its own memory, whatever it is called, and only the configured one is the owner", async () => {
    for (const sub of ["owner", "alice", "a/b", "api:owner", "用户", "a%2Fb"])
      await write(await sign({ sub }), sub);
    expect(await server.store.memory.get("owner", "whose")).toBeNull();
    for (const sub of ["owner", "alice", "a/b", "api:owner", "用户", "a%2Fb"]) {
      const entry = await server.store.memory.get(`oauth:${encodeURIComponent(sub)}`, "whose");
      expect([sub, entry?.value]).toEqual([sub, sub]);
    }
    await write(await sign({ sub: "the-owner" }), "of the owner");
    expect((await server.store.memory.get("owner", "whose"))?.value).toBe("of the owner");
  });

  test("a session goes on with the next token of its holder, and with nobody else's", async () => {
    const first = await sign();
    const opened = await sendMcp(`${server.mcpUrl}/mcp`, { headers: bearer(first), body: INITIALIZE });
    await opened.text();
    const session = { "mcp-session-id": opened.headers.get("mcp-session-id") ?? "" };
    const statusOf = async (change: Record<string, unknown>) => {
      const headers = { ...bearer(await sign(change)), ...session };
      return (await sendMcp(`${server.mcpUrl}/mcp`, { headers, body: rpc("tools/list") })).status;
    };
    expect(await statusOf({ exp: nowS() + 600 })).toBe(200);
    expect(await statusOf({ sub: "bob" })).toBe(404);
    expect(await statusOf({ client_id: "another-client" })).toBe(404);
  });
});

describe("the keys of the authorization server", () => {
  const open = (more: Record<string, unknown> = {}) =>
    openTestServer({ mcp: { auth: { type: "oauth2", issuer: issuer.issuer, ...more } } });
  const statusAt = async (at: TestServer, token: string) =>
    (await fetch(`${at.mcpUrl}/tools`, { headers: bearer(token) })).status;
  const signFor = (at: TestServer, header?: Record<string, unknown>) => sign({ aud: at.mcpUrl }, header);

  test("are asked for once, not for every token, and never for what is no token", async () => {
    await using fresh = await open();
    issuer.requests.length = 0;
    for (const token of ["opaque", unsigned({ alg: "none", typ: "at+jwt", kid: "a" })])
      expect(await statusAt(fresh, token)).toBe(401);
    expect(issuer.requests).toEqual([]);
    const token = await signFor(fresh);
    const statuses = await Promise.all(Array.from({ length: 20 }, () => statusAt(fresh, token)));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(issuer.requests.filter((path) => path === "/jwks")).toHaveLength(1);
    // An unknown key id is no way to make Hermes ask again and again.
    await Promise.all(
      Array.from({ length: 20 }, async () =>
        statusAt(fresh, await signFor(fresh, { kid: crypto.randomUUID() })),
      ),
    );
    expect(issuer.requests.filter((path) => path === "/jwks")).toHaveLength(1);
  });

  test("a new one counts without a restart, an old one no longer; without the server it is 503, never 401", async () => {
    await using fresh = await open();
    const old = await signFor(fresh);
    expect(await statusAt(fresh, old)).toBe(200);
    await issuer.rotate();
    const next = await signFor(fresh);
    try {
      setSystemTime(Date.now() + 6_000); // past the pause between two questions
      expect(await statusAt(fresh, next)).toBe(200);
      expect(await statusAt(fresh, old)).toBe(401);

      await issuer.stop();
      expect(await statusAt(fresh, next)).toBe(200); // its key is known
      setSystemTime(Date.now() + 6_000);
      const answer = await fetch(`${fresh.mcpUrl}/tools`, {
        headers: bearer(await signFor(fresh, { kid: "unknown" })),
      });
      const problem = await answer.json();
      expect([answer.status, problem.code]).toEqual([503, "not_ready"]);
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(JSON.stringify(problem)).not.toContain(issuer.issuer);
      setSystemTime(Date.now() + 700_000); // nobody is trusted for ever on the word of a server that is gone
      const late = await sign({ aud: fresh.mcpUrl });
      expect(await statusAt(fresh, late)).toBe(503);
    } finally {
      setSystemTime();
      await issuer.rotate();
    }
  });

  test("at an address of their own; metadata of another issuer are not believed", async () => {
    await using named = await open({ jwks_url: `${issuer.issuer}/jwks` });
    expect(await statusAt(named, await signFor(named))).toBe(200);
    const liar = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => Response.json({ issuer: issuer.issuer, jwks_uri: `${issuer.issuer}/jwks` }),
    });
    try {
      await using deceived = await open({ issuer: `http://127.0.0.1:${liar.port}` });
      const token = await sign({ iss: `http://127.0.0.1:${liar.port}`, aud: deceived.mcpUrl });
      expect(await statusAt(deceived, token)).toBe(503);
    } finally {
      await liar.stop(true);
    }
  });

  test("metadata cannot make Hermes fetch from a private address", async () => {
    const asked: string[] = [];
    const inside = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request) => {
        asked.push(request.url);
        return Response.json({ keys: [issuer.key.public] });
      },
    });
    const outside = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request): Response =>
        Response.json({
          issuer: new URL(request.url).origin,
          jwks_uri: `http://127.0.0.1:${inside.port}/keys`,
        }),
    });
    const iss = `http://127.0.0.1:${outside.port}`;
    try {
      await using fresh = await open({ issuer: iss });
      expect(await statusAt(fresh, await sign({ iss, aud: fresh.mcpUrl }))).toBe(503);
      expect(asked).toEqual([]);
      await using control = await open({ issuer: iss, jwks_url: `http://127.0.0.1:${inside.port}/keys` });
      expect(await statusAt(control, await sign({ iss, aud: control.mcpUrl }))).toBe(200);
      expect(asked).toHaveLength(1);
    } finally {
      await Promise.all([inside.stop(true), outside.stop(true)]);
    }
  });
});
