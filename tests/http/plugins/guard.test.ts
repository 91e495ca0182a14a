import { describe, expect, test } from "bun:test";
import {
  keepKeys,
  openTestServer,
  rawExchange,
  rawRequest,
  rawStatus,
  TOKENS,
} from "../../support/server.ts";

const right = `Authorization: Bearer ${TOKENS.owner}`;
const wrong = (n: number) => ({ authorization: `Bearer wrong-${n}` });

/** An answer as far as these tests look at it. */
async function seen(answer: Response) {
  const body = answer.headers.get("content-type") === "application/problem+json" ? await answer.json() : null;
  return { status: answer.status, code: body?.code, headers: answer.headers };
}

describe("host and origin", () => {
  test("a foreign Host is 421, also with the right key and on public routes", async () => {
    await using server = await openTestServer();
    for (const path of ["/api/v1/status", "/health", "/swagger"])
      for (const host of ["evil.example", "evil.example:18791", "", "a", "localhost@evil.example"]) {
        const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${right}\r\n\r\n`;
        expect([path, host, rawStatus(await rawExchange(server.port, request))]).toEqual([path, host, 421]);
      }
  });

  test("a foreign Origin is 403 before the key is looked at, and no answer allows it", async () => {
    await using server = await openTestServer();
    for (const origin of ["https://evil.example", "null", "http://localhost:3000"]) {
      const { status, code, headers } = await seen(
        await server.post("/chat", { message: "hi" }, { headers: { origin } }),
      );
      expect([status, code]).toEqual([403, "origin_refused"]);
      expect(headers.get("access-control-allow-origin")).toBeNull();
    }
    expect(server.llm.requests).toEqual([]);
  });

  test("the server's own pages may call", async () => {
    await using server = await openTestServer();
    const answer = await server.call("/status", { headers: { origin: server.url } });
    expect(answer.status).toBe(200);
  });

  test("an allowed origin gets its preflight and its answers, errors too", async () => {
    const origin = "https://app.example.com";
    await using server = await openTestServer({ api: { allowed_origins: [origin] } });
    const preflight = await server.call("/chat", {
      as: null,
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST" },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-headers")).toContain("authorization");
    for (const answer of [
      preflight,
      await server.call("/status", { headers: { origin } }),
      await server.call("/x", { as: null, headers: { origin } }),
    ]) {
      expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
      expect(answer.headers.get("vary")).toBe("origin");
      expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
    }
  });

  test("a preflight of a foreign origin is 403, and OPTIONS without one needs a key", async () => {
    await using server = await openTestServer();
    const headers = { origin: "https://evil.example", "access-control-request-method": "POST" };
    expect((await server.call("/chat", { as: null, method: "OPTIONS", headers })).status).toBe(403);
    expect((await server.call("/chat", { as: null, method: "OPTIONS" })).status).toBe(401);
    expect((await server.call("/chat", { method: "OPTIONS" })).status).toBe(405);
  });
});

describe("credentials", () => {
  test("a key in the address is 400, never used", async () => {
    await using server = await openTestServer();
    for (const name of ["token", "access_token", "api_key", "TOKEN", "%74oken"]) {
      const { status, code } = await seen(await server.call(`/status?${name}=${TOKENS.owner}`, { as: null }));
      expect([name, status, code]).toEqual([name, 400, "bad_request"]);
    }
    expect((await server.call("//health?token=x", { as: null })).status).toBe(400);
  });

  test("loopback has no more rights than anybody", async () => {
    await using server = await openTestServer();
    const headers = { "x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1", forwarded: "for=127.0.0.1" };
    expect((await server.call("/status", { as: null, headers })).status).toBe(401);
  });

  test("without authentication everybody is the owner", async () => {
    await using server = await openTestServer({ api: { auth: { type: "none" } } });
    expect((await server.call("/status", { as: null })).status).toBe(200);
    expect((await server.call("/sessions?owner=api:alice", { as: null })).status).toBe(200);
  });

  test("a key that is taken away counts no more from the next request on, its second one does", async () => {
    await using server = await openTestServer();
    expect((await server.call("/status", { as: "alice" })).status).toBe(200);
    server.config.change((config) => {
      config.api.auth.keys.push({ name: "alice", token: "the-next-token-of-alice", scopes: ["read"] });
    });
    const next = { authorization: "Bearer the-next-token-of-alice" };
    expect((await server.call("/status", { as: "alice" })).status).toBe(200);
    expect((await server.call("/status", { as: null, headers: next })).status).toBe(200);
    server.config.change((config) => {
      config.api.auth.keys = config.api.auth.keys.filter(({ token }) => token !== TOKENS.alice);
    });
    expect((await server.call("/status", { as: "alice" })).status).toBe(401);
    expect((await server.call("/status", { as: null, headers: next })).status).toBe(200);
  });

  test("with every key gone nobody gets in", async () => {
    await using server = await openTestServer();
    server.config.change((config) => {
      delete config.api.auth.token;
      keepKeys(config, []);
    });
    expect((await server.call("/status")).status).toBe(401);
    expect(
      (await server.call("/status", { as: null, headers: { authorization: "Bearer undefined" } })).status,
    ).toBe(401);
  });
});

describe("lock-out", () => {
  test("ten wrong keys lock the address out, from loopback too and whatever carries them", async () => {
    await using server = await openTestServer();
    const carriers = [
      (n: number) => wrong(n),
      (n: number) => ({ "x-api-key": `wrong-${n}` }),
      (n: number) => ({ ...wrong(n), "x-api-key": `wrong-${n}` }),
    ];
    for (let n = 0; n < 10; n++) {
      const headers = carriers[n % 3]?.(n) ?? {};
      expect((await server.call("/status", { as: null, headers })).status).toBe(401);
    }
    const { status, code, headers } = await seen(await server.call("/status"));
    expect([status, code]).toEqual([429, "locked_out"]);
    expect(Number(headers.get("retry-after"))).toBeWithin(1, 61);
    expect((await server.call("//health", { as: null })).status).toBe(200);
    expect(server.log.join("")).toContain("locked out");
    expect(server.log.join("")).not.toContain("wrong-");
  });

  test("requests without any key lock nobody out", async () => {
    await using server = await openTestServer();
    for (let n = 0; n < 20; n++) expect((await server.call("/status", { as: null })).status).toBe(401);
    expect((await server.call("/status")).status).toBe(200);
  });

  test("behind a trusted proxy the client is locked out, not the proxy", async () => {
    await using server = await openTestServer({ config: { network: { trusted_proxies: ["127.0.0.1"] } } });
    const from = (address: string) => ({ "x-forwarded-for": address });
    for (let n = 0; n < 10; n++)
      await server.call("/status", { as: null, headers: { ...wrong(n), ...from("203.0.113.7") } });
    expect((await server.call("/status", { headers: from("203.0.113.7") })).status).toBe(429);
    expect((await server.call("/status", { headers: from("203.0.113.7, 203.0.113.8") })).status).toBe(200);
    expect((await server.call("/status", { headers: from("203.0.113.8, 203.0.113.7") })).status).toBe(429);
  });
});

describe("limits", () => {
  test("past the rate limit a key gets 429 with Retry-After, others do not", async () => {
    await using server = await openTestServer({ api: { rate_limit: { requests_per_minute: 3 } } });
    for (let n = 0; n < 3; n++) {
      const { status, headers } = await seen(await server.call("/status", { as: "alice" }));
      expect([status, headers.get("ratelimit")]).toEqual([200, `"key";r=${2 - n};t=${n === 2 ? 20 : 0}`]);
    }
    const { status, code, headers } = await seen(await server.call("/status", { as: "alice" }));
    expect([status, code]).toEqual([429, "rate_limited"]);
    expect(Number(headers.get("retry-after"))).toBeWithin(1, 21);
    expect(headers.get("ratelimit-policy")).toBe('"key";q=3;w=60');
    expect((await server.call("/status", { as: "bob" })).status).toBe(200);
    server.config.change((config) => {
      config.api.rate_limit.requests_per_minute = 10_000_000;
    });
    expect((await server.call("/status", { as: "alice" })).status).toBe(200);
  });

  test("a body that says it is too long is refused unread", async () => {
    await using server = await openTestServer({ api: { max_body_bytes: 2000 } });
    const lines = ["POST /api/v1/chat HTTP/1.1", "Host: localhost", right, "Content-Type: application/json"];
    const answer = await rawExchange(
      server.port,
      `${lines.join("\r\n")}\r\nContent-Length: 100000000\r\n\r\n{"message":"`,
    );
    expect(rawStatus(answer)).toBe(413);
    expect(answer).toContain("body_too_large");
  });

  for (const type of [
    undefined,
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/json; charset=gbk",
    "application/jsonp",
    "multipart/form-data",
  ])
    test(`a body of type ${type} is 415`, async () => {
      await using server = await openTestServer();
      const answer = await server.call("/chat", {
        method: "POST",
        body: new TextEncoder().encode('{"message":"hi"}'),
        headers: type === undefined ? {} : { "content-type": type },
      });
      expect((await seen(answer)).code).toBe("unsupported_media_type");
      expect(answer.status).toBe(415);
    });

  test("a compressed body is 415, and the answer says which encoding is taken (RFC 9110 §15.5.16)", async () => {
    await using server = await openTestServer();
    const body = Bun.gzipSync(new TextEncoder().encode('{"key":"a","value":1}'));
    const headers = { "content-type": "application/json", "content-encoding": "gzip" };
    const answer = await server.call("/memory", { method: "POST", body, headers });
    expect((await seen(answer)).code).toBe("unsupported_media_type");
    expect([answer.status, answer.headers.get("accept-encoding")]).toEqual([415, "identity"]);
    const plain = { headers: { "content-encoding": "identity" } };
    expect((await server.post("/memory", { key: "a", value: 1 }, plain)).status).toBe(200);
  });

  test("JSON in UTF-8 may say so", async () => {
    await using server = await openTestServer();
    for (const type of ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"']) {
      const headers = { "content-type": type };
      expect((await server.post("/memory", { key: "a", value: 1 }, { headers })).status).toBe(200);
    }
  });
});

describe("addresses and methods", () => {
  test("an unknown address is 404, a known one with another method 405 with Allow", async () => {
    await using server = await openTestServer();
    expect((await seen(await server.call("/nothing"))).code).toBe("not_found");
    for (const [path, method, allow] of [
      ["/memory", "PUT", "GET, HEAD, POST, DELETE"],
      ["/chat", "GET", "POST"],
      ["/runs/run_a", "DELETE", "GET, HEAD"],
      ["/status", "TRACE", "GET, HEAD"],
      ["/sessions/a", "GET", "DELETE"],
    ] as const) {
      const answer = await rawExchange(server.port, rawRequest({ method, path: `/api/v1${path}` }, [right]));
      expect([path, rawStatus(answer)]).toEqual([path, 405]);
      expect(answer).toMatch(new RegExp(`^allow: ${allow}\r$`, "im"));
    }
  });

  test("HEAD answers as GET does, without a body", async () => {
    await using server = await openTestServer();
    for (const path of ["//health", "/status", "/memory"]) {
      const head = await server.call(path, { method: "HEAD" });
      expect([path, head.status, await head.text()]).toEqual([path, 200, ""]);
    }
    expect((await server.call("/status", { as: null, method: "HEAD" })).status).toBe(401);
  });
});

describe("request id", () => {
  test("a harmless one is kept, any other replaced, and it is in every answer", async () => {
    await using server = await openTestServer();
    const idOf = async (given: string, path: string) =>
      (await server.call(path, { headers: { "x-request-id": given } })).headers.get("x-request-id");
    for (const path of ["/status", "/nothing", "//health"]) {
      expect(await idOf("my-id.1_2", path)).toBe("my-id.1_2");
      for (const bad of ["a b", "a".repeat(65), "<script>", "é".normalize("NFD").slice(0, 1).concat(";")])
        expect(await idOf(bad, path)).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});
