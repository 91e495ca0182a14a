import { afterAll, describe, expect, test } from "bun:test";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { createSafeFetch, type SafeFetchOptions } from "../../src/lib/safe-fetch.ts";

const ADDRESSES = ["127.77.0.2", "127.77.0.3"];
const NOWHERE = "127.77.0.4";
const LIMITS = { timeoutMs: 10_000, maxBytes: 1000 };

/** Resolves for `name.test` and `other.test` to servers of this test. */
const safeFetch = createSafeFetch({
  allowCidrs: () => ["127.77.0.0/16"],
  resolve: async (name) => (name === "split.test" ? [NOWHERE, ...ADDRESSES] : ADDRESSES.slice(0, 1)),
});

interface Seen {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

const servers: Bun.Server<undefined>[] = [];
afterAll(async () => {
  for (const server of servers) await server.stop(true);
});

/** A server that remembers what it was asked. */
function serve(answer: (request: Request, url: URL) => Response | Promise<Response>) {
  const seen: Seen[] = [];
  const server = Bun.serve({
    hostname: ADDRESSES[0] ?? "",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const { method, url } = request;
      seen.push({ method, url, headers: request.headers.toJSON(), body: await request.clone().text() });
      return answer(request, new URL(url));
    },
  });
  servers.push(server);
  return {
    seen,
    port: server.port ?? 0,
    at: (path: string, host = "name.test") => `http://${host}:${server.port}${path}`,
  };
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const codeOf = (url: string, options: Partial<SafeFetchOptions> = {}) =>
  safeFetch(url, { ...LIMITS, ...options }).then(
    (answer) => answer.status,
    (error: { code?: string }) => error.code,
  );

/** A body that sends a first part and then nothing, and tells when the client has gone. */
function hanging(first: string) {
  const gone = Promise.withResolvers<void>();
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode(first)),
    cancel: () => gone.resolve(),
  });
  return { body, gone: gone.promise };
}

describe("an answer", () => {
  test("comes with status, headers, type and bytes; the request carries the name", async () => {
    const server = serve(
      () =>
        new Response("hi", { status: 404, headers: { "content-type": "Text/HTML; charset=x", "x-a": "b" } }),
    );
    const answer = await safeFetch(server.at("/p?q=1"), {
      ...LIMITS,
      headers: { "x-mine": "1", host: "evil", te: "x" },
    });
    expect(answer).toMatchObject({ status: 404, contentType: "text/html", finalUrl: server.at("/p?q=1") });
    expect([text(answer.bytes), answer.headers.get("x-a")]).toEqual(["hi", "b"]);
    expect(server.seen[0]).toMatchObject({ method: "GET", url: server.at("/p?q=1") });
    expect(server.seen[0]?.headers).toMatchObject({ host: `name.test:${server.port}`, "x-mine": "1" });
    expect(server.seen[0]?.headers).not.toHaveProperty("te");
  });

  test("to POST, HEAD, and with no body at all", async () => {
    const server = serve(
      (request) =>
        new Response(request.method === "POST" ? "posted" : null, {
          status: request.method === "POST" ? 200 : 204,
        }),
    );
    expect(text((await safeFetch(server.at("/"), { ...LIMITS, method: "POST", body: "data" })).bytes)).toBe(
      "posted",
    );
    expect(server.seen[0]).toMatchObject({ method: "POST", body: "data" });
    for (const method of ["HEAD", "GET"] as const)
      expect(await safeFetch(server.at("/"), { ...LIMITS, method })).toMatchObject({
        status: 204,
        contentType: "",
        bytes: new Uint8Array(),
      });
  });

  test("of the next address when the first takes no connection, and the body is sent once", async () => {
    const server = serve(() => new Response("second"));
    expect(
      text((await safeFetch(server.at("/", "split.test"), { ...LIMITS, method: "POST", body: "x" })).bytes),
    ).toBe("second");
    expect(server.seen).toHaveLength(1);
  });

  test("of no second address once a connection was made", async () => {
    const server = serve((request) => {
      request.signal.throwIfAborted();
      throw new Error("unused");
    });
    const listener = Bun.listen({
      hostname: ADDRESSES[0] ?? "",
      port: 0,
      socket: { data: (socket) => void socket.end() },
    });
    const twice = createSafeFetch({ allowCidrs: () => ["127.77.0.0/16"], resolve: async () => ADDRESSES });
    const attempt = twice(`http://x.test:${listener.port}/`, { ...LIMITS, method: "POST", body: "x" });
    await expect(attempt).rejects.toMatchObject({ code: "network_failed" });
    expect(server.seen).toHaveLength(0);
    listener.stop(true);
  });
});

describe("redirects", () => {
  test("are followed three times and not a fourth", async () => {
    const server = serve((_, url) => {
      const left = Number(url.searchParams.get("left"));
      return left > 0 ? Response.redirect(server.at(`/?left=${left - 1}`), 302) : new Response("end");
    });
    expect((await safeFetch(server.at("/?left=3"), LIMITS)).finalUrl).toBe(server.at("/?left=0"));
    expect(await codeOf(server.at("/?left=4"))).toBe("network_refused");
    expect(server.seen).toHaveLength(4 + 4);
  });

  test("are handed back when asked for, body and all", async () => {
    const server = serve(() => new Response("moved", { status: 301, headers: { location: "/x" } }));
    const answer = await safeFetch(server.at("/"), { ...LIMITS, redirects: "return" });
    expect([answer.status, text(answer.bytes), server.seen.length]).toEqual([301, "moved", 1]);
  });

  test("without a location are answers, relative ones are resolved, endless bodies of theirs are not read", async () => {
    const endless = hanging("x".repeat(5000));
    const server = serve((_, url) => {
      if (url.pathname === "/none") return new Response("none", { status: 302 });
      return url.pathname === "/a/b"
        ? new Response(endless.body, { status: 302, headers: { location: "../c?d" } })
        : new Response("end");
    });
    expect(await codeOf(server.at("/none"))).toBe(302);
    expect((await safeFetch(server.at("/a/b"), LIMITS)).finalUrl).toBe(server.at("/c?d"));
    await endless.gone;
  });

  test("change the method as browsers do", async () => {
    const server = serve((_, url) => {
      const status = Number(url.pathname.slice(1));
      return status ? new Response(null, { status, headers: { location: "/end" } }) : new Response("end");
    });
    for (const status of [301, 302, 303, 307, 308]) {
      server.seen.length = 0;
      const headers = { "content-type": "text/x" };
      await safeFetch(server.at(`/${status}`), { ...LIMITS, method: "POST", body: "data", headers });
      const kept = status >= 307;
      expect(server.seen[1]).toMatchObject({ method: kept ? "POST" : "GET", body: kept ? "data" : "" });
      expect(server.seen[1]?.headers["content-type"]).toBe(kept ? "text/x" : undefined);
    }
  });

  test("take no credential to another origin, and all headers to the same one", async () => {
    const headers = { authorization: "Bearer x", cookie: "a=b", "x-api-key": "k", accept: "text/html" };
    const target = serve(() => new Response("end"));
    const source = serve((_, url) =>
      url.pathname === "/end"
        ? new Response("end")
        : Response.redirect(url.searchParams.get("to") ?? "", 307),
    );
    const to = (url: string) =>
      safeFetch(source.at(`/?to=${encodeURIComponent(url)}`), { ...LIMITS, headers });
    await to(source.at("/end"));
    expect(source.seen[1]?.headers).toMatchObject(headers);
    for (const other of [target.at("/"), source.at("/end", "other.test")]) {
      source.seen.length = 0;
      await to(other);
      const arrived = (target.seen.shift() ?? source.seen[1])?.headers;
      expect(arrived?.["accept"]).toBe("text/html");
      for (const name of ["authorization", "cookie", "x-api-key"]) expect(arrived).not.toHaveProperty(name);
    }
  });
});

describe("an origin that the operator configured", () => {
  const strict = createSafeFetch({ allowCidrs: () => [], resolve: async () => ADDRESSES.slice(0, 1) });
  const outcome = (url: string, trustedOrigin?: string) =>
    strict(url, { ...LIMITS, ...(trustedOrigin === undefined ? {} : { trustedOrigin }) }).then(
      ({ bytes }) => text(bytes),
      (error: { code?: string }) => error.code,
    );

  test("is reached at a private address, by its name too, and nothing else is", async () => {
    const server = serve(() => new Response("own"));
    const other = serve(() => new Response("other"));
    const origin = new URL(server.at("/")).origin;
    expect(await outcome(server.at("/"))).toBe("network_refused");
    expect(await outcome(server.at("/"), origin)).toBe("own");
    for (const elsewhere of [other.at("/"), server.at("/", "other.test"), server.at("/", ADDRESSES[0])])
      expect(await outcome(elsewhere, origin)).toBe("network_refused");
    expect(other.seen).toEqual([]);
  });

  test("may redirect within itself; a redirect to elsewhere is checked, also one that comes back", async () => {
    const other = serve((_, url) => Response.redirect(url.searchParams.get("to") ?? "", 302));
    const server = serve((_, url) => {
      const to = url.searchParams.get("to");
      return to ? Response.redirect(to, 302) : new Response("own");
    });
    const origin = new URL(server.at("/")).origin;
    const via = (start: string, to: string) => `${start}?to=${encodeURIComponent(to)}`;
    expect(await outcome(via(server.at("/"), server.at("/end")), origin)).toBe("own");
    expect(await outcome(via(server.at("/"), other.at("/")), origin)).toBe("network_refused");
    expect(await outcome(via(server.at("/"), via(other.at("/"), server.at("/end"))), origin)).toBe(
      "network_refused",
    );
    expect(other.seen).toEqual([]);
  });
});

describe("the size is limited", () => {
  const encoded = (bytes: Uint8Array<ArrayBuffer>, encoding: string) =>
    new Response(bytes, { headers: { "content-encoding": encoding } });

  test("to the byte, plain and decompressed", async () => {
    const server = serve((_, url) => {
      const plain = new Uint8Array(Number(url.searchParams.get("size")));
      const encoding = url.searchParams.get("as") ?? "";
      const make = { gzip: gzipSync, br: brotliCompressSync, deflate: deflateSync }[encoding];
      return make ? encoded(new Uint8Array(make(plain)), encoding) : new Response(plain);
    });
    for (const as of ["", "gzip", "br", "deflate"]) {
      expect((await safeFetch(server.at(`/?size=1000&as=${as}`), LIMITS)).bytes).toEqual(
        new Uint8Array(1000),
      );
      expect(await codeOf(server.at(`/?size=1001&as=${as}`))).toBe("body_too_large");
    }
  });

  test("for a stream without end, whose connection is then closed", async () => {
    const endless = hanging("x".repeat(1001));
    const server = serve(() => new Response(endless.body));
    expect(await codeOf(server.at("/"))).toBe("body_too_large");
    await endless.gone;
  });

  test("for bombs, also packed twice: memory stays near the limit", async () => {
    const bomb = gzipSync(new Uint8Array(300_000_000), { level: 9 });
    const server = serve((_, url) =>
      url.pathname === "/twice" ? encoded(gzipSync(bomb), "gzip, gzip") : encoded(bomb, "gzip"),
    );
    const before = process.memoryUsage.rss();
    for (const path of ["/", "/twice"])
      expect(await codeOf(server.at(path), { maxBytes: 1_000_000 })).toBe("body_too_large");
    expect(process.memoryUsage.rss() - before).toBeLessThan(100_000_000);
  });

  test("and what cannot be decompressed is an error, not an answer", async () => {
    const server = serve((_, url) =>
      url.pathname === "/cut"
        ? encoded(new Uint8Array(gzipSync("hello hello hello").subarray(0, 20)), "gzip")
        : encoded(new Uint8Array([1, 2, 3]), url.pathname.slice(1)),
    );
    for (const path of ["/cut", "/gzip", "/br", "/zstd", "/constructor"])
      expect(await codeOf(server.at(path))).toBe("network_failed");
  });
});

describe("the time is limited", () => {
  test("for an answer that does not come, one that stops, one that drips, and a resolver that hangs", async () => {
    let drip: Timer | undefined;
    const server = serve((_, url) => {
      if (url.pathname === "/never") return new Promise<Response>(() => undefined);
      if (url.pathname === "/stops") return new Response(hanging("x").body);
      const body = new ReadableStream({
        start(controller) {
          drip = setInterval(() => controller.enqueue(new Uint8Array(1)), 10);
        },
        cancel: () => clearInterval(drip),
      });
      return new Response(body);
    });
    for (const path of ["/never", "/stops", "/drips"])
      expect(await codeOf(server.at(path), { timeoutMs: 100 })).toBe("network_timeout");
    clearInterval(drip);
    const deaf = createSafeFetch({ allowCidrs: () => [], resolve: () => new Promise(() => undefined) });
    await expect(deaf("http://x.test/", { ...LIMITS, timeoutMs: 20 })).rejects.toMatchObject({
      code: "network_timeout",
    });
  });

  test("by the caller too, whose reason is passed on and whose connection is closed", async () => {
    const arrived = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const server = serve((request) => {
      request.signal.addEventListener("abort", () => left.resolve());
      arrived.resolve();
      return new Promise<Response>(() => undefined);
    });
    const controller = new AbortController();
    const attempt = safeFetch(server.at("/"), { ...LIMITS, signal: controller.signal });
    await arrived.promise;
    controller.abort(new Error("client left"));
    await expect(attempt).rejects.toThrow("client left");
    await left.promise;
    await expect(safeFetch(server.at("/"), { ...LIMITS, signal: controller.signal })).rejects.toThrow(
      "client left",
    );
    expect(server.seen).toHaveLength(1);
  });
});

describe("failures", () => {
  test("are told apart from refusals", async () => {
    const failing = (resolve: () => Promise<string[]>) =>
      createSafeFetch({ allowCidrs: () => ["127.77.0.0/16"], resolve })("http://x.test:1/", LIMITS);
    for (const resolve of [
      async () => [],
      () => Promise.reject(new Error("ENOTFOUND")),
      async () => [NOWHERE],
    ])
      await expect(failing(resolve)).rejects.toMatchObject({
        code: "network_failed",
        hint: expect.any(String),
      });
  });

  test("of an exemption that is no CIDR stop the request", async () => {
    const broken = createSafeFetch({ allowCidrs: () => ["everything"], resolve: async () => ["10.0.0.1"] });
    await expect(broken("http://x.test/", LIMITS)).rejects.toMatchObject({ code: "config_invalid" });
  });

  test("exemptions are read anew for each request", async () => {
    const server = serve(() => new Response("in"));
    let allowed: string[] = [];
    const live = createSafeFetch({ allowCidrs: () => allowed, resolve: async () => ADDRESSES.slice(0, 1) });
    await expect(live(server.at("/"), LIMITS)).rejects.toMatchObject({ code: "network_refused" });
    allowed = ["127.77.0.2/32"];
    expect((await live(server.at("/"), LIMITS)).status).toBe(200);
  });
});
