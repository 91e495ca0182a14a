import { Type } from "typebox";
import type { LiveConfig } from "../../config/live.ts";
import type { Config } from "../../config/schema.ts";
import { parseRetryAfter } from "../../lib/backoff.ts";
import type { SafeFetch, SafeResponse } from "../../lib/safe-fetch.ts";
import { defineTool, type Tool, type ToolResult } from "../contract.ts";
import { errorResult } from "../result.ts";
import { headOf } from "../text.ts";
import { removeTemplateTokens, wrapUntrusted } from "../untrusted.ts";
import type { SearchProvider, SearchRequest, SearchResult } from "./contract.ts";
import { decodeEntities } from "./plain-text.ts";
import { fieldOf } from "./providers/answer.ts";
import { bing } from "./providers/bing.ts";
import { brave } from "./providers/brave.ts";
import { exa } from "./providers/exa.ts";
import { searxng } from "./providers/searxng.ts";
import { tavily } from "./providers/tavily.ts";

const PROVIDERS: readonly SearchProvider[] = [searxng, brave, tavily, exa, bing];
const DEFAULT_LIMIT = 8;
const MAX_LIMIT = 20;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const MAX_TITLE_CHARS = 200;
const MAX_SNIPPET_CHARS = 500;
const MAX_URL_CHARS = 2_000;
/** What is looked at of a field, so that a huge one costs nothing. */
const MAX_FIELD_CHARS = 4_000;

const HOW_TO_CONFIGURE =
  "Set one of tools.web.search.searxng.base_url (SEARXNG_URL), brave.api_key (BRAVE_API_KEY), tavily.api_key (TAVILY_API_KEY), exa.api_key (EXA_API_KEY), or bing.api_key (BING_API_KEY) with bing.base_url.";

type SearchConfig = Config["tools"]["web"]["search"];

/** `web_search`: asks the provider that the configuration names, else the first one that is configured. */
export function searchTool({ config, fetch }: { config: LiveConfig; fetch: SafeFetch }): Tool {
  return defineTool({
    name: "web_search",
    group: "web",
    title: "Search the web",
    description: "Search the web. Read a result with web_extract.",
    input: Type.Object(
      {
        query: Type.String({ minLength: 1, maxLength: 400 }),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT })),
        page: Type.Optional(Type.Integer({ minimum: 1, maximum: 50, default: 1 })),
        language: Type.Optional(
          Type.String({ pattern: "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}$", description: "Such as zh-CN." }),
        ),
      },
      { additionalProperties: false },
    ),
    output: Type.Object(
      {
        provider: Type.String(),
        results: Type.Array(
          Type.Object(
            {
              title: Type.String(),
              url: Type.String(),
              snippet: Type.String(),
              published: Type.Optional(Type.String()),
            },
            { additionalProperties: false },
          ),
        ),
        next_page: Type.Union([Type.Integer(), Type.Null()]),
      },
      { additionalProperties: false },
    ),
    effect: "read",
    openWorld: true,
    async run({ query, limit = DEFAULT_LIMIT, page = 1, language }, { signal }) {
      const { search, timeout_ms } = config.current.tools.web;
      const chosen = chooseProvider(search);
      if ("problem" in chosen) return errorResult(chosen.problem);
      const { provider, key, baseUrl } = chosen;
      const request = { query, limit, page, ...(language === undefined ? {} : { language }) };
      const lastPage = provider.maxPage?.(request) ?? Number.POSITIVE_INFINITY;
      if (page > lastPage)
        return errorResult(`${provider.name} has no page ${page}: ${lastPage} is its last one here.`);
      const { path, headers, body } = provider.call(request, key);
      const response = await fetch(baseUrl.href.replace(/\/+$/, "") + path, {
        timeoutMs: timeout_ms,
        maxBytes: MAX_ANSWER_BYTES,
        signal,
        headers: {
          accept: "application/json",
          ...headers,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { method: "POST" as const, body: JSON.stringify(body) }),
        ...(search[provider.name].base_url === undefined ? {} : { trustedOrigin: baseUrl.origin }),
      });
      if (response.status !== 200) return errorResult(refusalOf(provider, response));
      const found = provider.results(parseJson(response), request);
      if (!found)
        return errorResult(
          `${provider.name} sent no search results but something else. ${baseUrlHint(provider)}`,
        );
      const results = toResults(provider, found).slice(0, limit);
      return toToolResult(provider, request, results, found.length > 0 && page < lastPage ? page + 1 : null);
    },
  });
}

type Chosen = { provider: SearchProvider; key: string; baseUrl: URL };

function chooseProvider(search: SearchConfig): Chosen | { problem: string } {
  const named = PROVIDERS.find(({ name }) => name === search.provider);
  const provider =
    named ??
    PROVIDERS.find((one) => missingOf(one, search) === null) ??
    PROVIDERS.find((one) => isBegun(one, search));
  if (!provider) return { problem: `No search provider is configured. ${HOW_TO_CONFIGURE}` };
  const missing = missingOf(provider, search);
  if (missing) return { problem: `${provider.name} is not configured: ${missing} is missing.` };
  const { base_url } = search[provider.name];
  const baseUrl = URL.parse(base_url ?? provider.defaultBaseUrl ?? "");
  if (!baseUrl) return { problem: `tools.web.search.${provider.name}.base_url is not a URL.` };
  return { provider, key: keyOf(provider, search) ?? "", baseUrl };
}

/** The key of the configuration that the provider still needs, with its variable. */
function missingOf(provider: SearchProvider, search: SearchConfig): string | null {
  const at = `tools.web.search.${provider.name}`;
  if (provider.keyVariable !== null && keyOf(provider, search) === undefined)
    return `${at}.api_key (${provider.keyVariable})`;
  if (provider.defaultBaseUrl === null && search[provider.name].base_url === undefined)
    return `${at}.base_url`;
  return null;
}

function isBegun({ name }: SearchProvider, search: SearchConfig): boolean {
  return Object.values(search[name]).some((value) => value !== undefined);
}

function keyOf({ name }: SearchProvider, search: SearchConfig): string | undefined {
  const settings = search[name];
  return "api_key" in settings ? settings.api_key : undefined;
}

function refusalOf(provider: SearchProvider, { status, headers }: SafeResponse): string {
  const { name, keyVariable, statusHints } = provider;
  const hint = statusHints?.[status];
  if (hint) return `${name} refused the search (${status}). ${hint}`;
  if (status === 401 || status === 403)
    return keyVariable === null
      ? `${name} refused the search (${status}). ${baseUrlHint(provider)}`
      : `${name} refused its key (${status}). Check tools.web.search.${name}.api_key (${keyVariable}).`;
  if (status === 429) {
    const waitMs = parseRetryAfter(headers.get("retry-after"));
    return `${name} limits the rate (429). Try again ${waitMs === undefined ? "later" : `in ${Math.ceil(waitMs / 1000)} s`}.`;
  }
  if (status >= 500) return `${name} has a fault of its own (${status}). Try again later.`;
  if (status >= 300 && status < 400)
    return `${name} answered with a redirect (${status}). ${baseUrlHint(provider)}`;
  return `${name} did not take the search (${status}). Try other words. ${baseUrlHint(provider)}`;
}

function baseUrlHint({ name }: SearchProvider): string {
  return `The operator may check tools.web.search.${name}.base_url.`;
}

/** Null for what is no JSON, which no provider takes for an answer. */
function parseJson({ bytes }: SafeResponse): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

/** What the provider found, as plain text without mark-up and chat tokens; each address once, http(s) only. */
function toResults({ fields }: SearchProvider, found: readonly unknown[]): SearchResult[] {
  const results = new Map<string, SearchResult>();
  for (const one of found) {
    const url = URL.parse(textOf(one, [fields.url]));
    if (!url || !/^https?:$/.test(url.protocol) || url.href.length > MAX_URL_CHARS) continue;
    const published = plain(textOf(one, fields.published), MAX_TITLE_CHARS);
    const result = {
      title: plain(textOf(one, [fields.title]), MAX_TITLE_CHARS) || url.host,
      url: url.href,
      snippet: plain(textOf(one, fields.snippet), MAX_SNIPPET_CHARS),
      ...(published === "" ? {} : { published }),
    };
    const same = url.href.replace(/#.*$/s, "").replace(/\/$/, "");
    if (!results.has(same)) results.set(same, result);
  }
  return [...results.values()];
}

function textOf(result: unknown, names: readonly string[]): string {
  const texts = names.map((name) => fieldOf(result, name)).filter((value) => typeof value === "string");
  return headOf(texts[0] ?? "", MAX_FIELD_CHARS);
}

function plain(text: string, maxChars: number): string {
  const words = decodeEntities(text.replace(/<\/?[a-z][^<>]*>/gi, ""))
    .replace(/\s+/g, " ")
    .trim();
  return headOf(removeTemplateTokens(words), maxChars);
}

function toToolResult(
  { name }: SearchProvider,
  { query, page }: SearchRequest,
  results: readonly SearchResult[],
  nextPage: number | null,
): ToolResult {
  const structured = { provider: name, results, next_page: nextPage };
  if (results.length === 0)
    return { text: `Nothing was found${page > 1 ? ` on page ${page}` : ""}. Try other words.`, structured };
  const list = results.map(({ title, url, snippet, published }, i) =>
    [
      `${i + 1}. ${title}${published ? ` (${published})` : ""}`,
      `   ${url}`,
      ...(snippet ? [`   ${snippet}`] : []),
    ].join("\n"),
  );
  return { text: wrapUntrusted(list.join("\n"), `${name}: ${query}`), structured };
}
