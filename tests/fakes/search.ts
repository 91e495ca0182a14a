/**
 * Search providers as real HTTP servers on loopback, speaking the documented protocols: they refuse a request that the real
 * one would refuse, and answer with its fields, those included that Hermes does not read.
 */
export type FakeProvider = "searxng" | "brave" | "tavily" | "exa" | "bing";

export interface FakeSearch extends AsyncDisposable {
  /** What to configure as `base_url`. */
  readonly baseUrl: string;
  readonly origin: string;
  /** Every request, as it came. */
  readonly requests: {
    method: string;
    path: string;
    params: Record<string, string>;
    body: Record<string, unknown>;
  }[];
  /** What the pages are that are found, from the first result on. */
  found: FakeResult[];
  /** Answers the next requests in this way instead. */
  failWith(failure: Failure | null): void;
}

export interface FakeResult {
  title: string;
  url: string;
  snippet: string;
  published?: string;
}

export type Failure =
  | { status: number; headers?: Record<string, string>; body?: string }
  /** The connection is cut without an answer, and no other is taken. */
  | "drop";

export const FAKE_KEY = "fake-search-key-0123456789abcdef";

interface Asked {
  method: string;
  path: string;
  params: URLSearchParams;
  headers: Headers;
  body: Record<string, unknown>;
}

interface Protocol {
  basePath: string;
  /** Null for what is not there; else the answer. */
  answer(asked: Asked, found: readonly FakeResult[]): Response | null;
}

const json = (body: unknown, status = 200) => Response.json(body, { status });
const pageOf = <T>(all: readonly T[], from: number, count: number) => all.slice(from, from + count);

const PROTOCOLS: Readonly<Record<FakeProvider, Protocol>> = {
  searxng: {
    basePath: "/searx",
    answer({ method, path, params }, found) {
      if (path !== "/search" || method !== "GET") return null;
      if (params.get("format") !== "json") return new Response("Forbidden", { status: 403 });
      const page = Number(params.get("pageno") ?? 1);
      const results = pageOf(found, (page - 1) * 10, 10).map(({ title, url, snippet, published }) => ({
        url,
        title,
        content: snippet,
        publishedDate: published ?? null,
        engine: "fake",
        parsed_url: ["http", "fake", "/", "", "", ""],
        template: "default.html",
        engines: ["fake"],
        positions: [1],
        score: 1,
        category: "general",
      }));
      return json({
        query: params.get("q"),
        number_of_results: 0,
        results,
        answers: [],
        corrections: [],
        infoboxes: [],
        suggestions: [],
        unresponsive_engines: [],
      });
    },
  },
  brave: {
    basePath: "/res/v1",
    answer({ method, path, params, headers }, found) {
      if (path !== "/web/search" || method !== "GET") return null;
      if (headers.get("x-subscription-token") !== FAKE_KEY)
        return json(
          {
            type: "ErrorResponse",
            error: { status: 422, code: "SUBSCRIPTION_TOKEN_INVALID", detail: FAKE_KEY },
          },
          401,
        );
      const count = Number(params.get("count") ?? 20);
      const offset = Number(params.get("offset") ?? 0);
      if (!(count >= 1 && count <= 20) || !(offset >= 0 && offset <= 9))
        return json({ type: "ErrorResponse" }, 422);
      const results = pageOf(found, offset * count, count).map(({ title, url, snippet, published }) => ({
        title,
        url,
        is_source_local: false,
        description: snippet,
        ...(published === undefined ? {} : { page_age: published, age: "3 days ago" }),
        profile: { name: "Fake", url },
        language: "en",
        family_friendly: true,
        type: "search_result",
      }));
      return json({
        type: "search",
        query: { original: params.get("q"), more_results_available: true },
        ...(results.length > 0
          ? { web: { type: "search", results } }
          : { web: { type: "search", results: [] } }),
      });
    },
  },
  tavily: {
    basePath: "",
    answer({ method, path, headers, body }, found) {
      if (path !== "/search" || method !== "POST") return null;
      if (headers.get("authorization") !== `Bearer ${FAKE_KEY}`)
        return json({ detail: { error: "Unauthorized: missing or invalid API key." } }, 401);
      const count = Number(body["max_results"] ?? 5);
      if (typeof body["query"] !== "string" || !(count >= 0 && count <= 20))
        return json({ detail: { error: "Invalid request" } }, 400);
      const results = found.slice(0, count).map(({ title, url, snippet, published }) => ({
        title,
        url,
        content: snippet,
        score: 0.9,
        raw_content: null,
        ...(published === undefined ? {} : { published_date: published }),
      }));
      return json({ query: body["query"], answer: null, images: [], results, response_time: 0.1 });
    },
  },
  exa: {
    basePath: "",
    answer({ method, path, headers, body }, found) {
      if (path !== "/search" || method !== "POST") return null;
      if (headers.get("x-api-key") !== FAKE_KEY)
        return json({ error: "Invalid API key", tag: "INVALID_API_KEY" }, 401);
      const count = Number(body["numResults"] ?? 10);
      if (typeof body["query"] !== "string" || !(count >= 1 && count <= 100))
        return json({ error: "Bad" }, 400);
      const withText = (body["contents"] as { text?: unknown } | undefined)?.text !== undefined;
      const results = found.slice(0, count).map(({ title, url, snippet, published }) => ({
        id: url,
        title,
        url,
        publishedDate: published ?? null,
        author: null,
        ...(withText ? { text: snippet } : {}),
      }));
      return json({ requestId: "r1", resolvedSearchType: "neural", results, costDollars: { total: 0.005 } });
    },
  },
  bing: {
    basePath: "/v7.0",
    answer({ method, path, params, headers }, found) {
      if (path !== "/search" || method !== "GET") return null;
      if (headers.get("ocp-apim-subscription-key") !== FAKE_KEY)
        return json(
          { error: { code: "401", message: "Access denied due to invalid subscription key." } },
          401,
        );
      const count = Number(params.get("count") ?? 10);
      const value = pageOf(found, Number(params.get("offset") ?? 0), count).map(
        ({ title, url, snippet, published }) => ({
          id: url,
          name: title,
          url,
          displayUrl: url,
          snippet,
          dateLastCrawled: published ?? "2026-01-01T00:00:00.0000000Z",
          language: "en",
          isNavigational: false,
        }),
      );
      return json({
        _type: "SearchResponse",
        queryContext: { originalQuery: params.get("q") },
        ...(value.length > 0 ? { webPages: { webSearchUrl: "", totalEstimatedMatches: 99, value } } : {}),
      });
    },
  },
};

/** Starts a provider on a port of its own. `hostname` is another loopback address than 127.0.0.1. */
export function startFakeSearch(provider: FakeProvider, hostname = "127.0.0.1"): FakeSearch {
  const protocol = PROTOCOLS[provider];
  let failure: Failure | null = null;
  const requests: FakeSearch["requests"] = [];
  const server = Bun.serve({
    hostname,
    port: 0,
    async fetch(request) {
      const url = new URL(request.url);
      const body = request.method === "POST" ? ((await request.json()) as Record<string, unknown>) : {};
      const path = url.pathname.slice(protocol.basePath.length);
      requests.push({ method: request.method, path, params: Object.fromEntries(url.searchParams), body });
      if (failure === "drop") {
        await server.stop(true); // cuts this very connection
        return new Response();
      }
      if (failure)
        return new Response(failure.body ?? "", { status: failure.status, headers: failure.headers ?? {} });
      if (!url.pathname.startsWith(protocol.basePath)) return new Response("not found", { status: 404 });
      const asked = {
        method: request.method,
        path,
        params: url.searchParams,
        headers: request.headers,
        body,
      };
      return protocol.answer(asked, fake.found) ?? new Response("not found", { status: 404 });
    },
  });
  const fake: FakeSearch = {
    origin: `http://${hostname}:${server.port}`,
    baseUrl: `http://${hostname}:${server.port}${protocol.basePath}`,
    requests,
    found: [],
    failWith(next) {
      failure = next;
    },
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
  return fake;
}
