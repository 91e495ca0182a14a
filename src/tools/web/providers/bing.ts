import type { SearchProvider } from "../contract.ts";
import { listAt } from "./answer.ts";

/**
 * Bing Web Search v7 (learn.microsoft.com, bing-web-api-v7-reference) as others go on offering it: Microsoft's own ended in
 * 2025, so the address has to be configured.
 */
export const bing: SearchProvider = {
  name: "bing",
  defaultBaseUrl: null,
  keyVariable: "BING_API_KEY",
  call({ query, limit, page, language }, key) {
    const params = new URLSearchParams({
      q: query,
      count: String(limit),
      offset: String((page - 1) * limit),
      textFormat: "Raw",
    });
    if (language !== undefined) params.set(language.includes("-") ? "mkt" : "setLang", language);
    return { path: `/search?${params}`, headers: { "ocp-apim-subscription-key": key } };
  },
  // No results at all: there is no `webPages` then.
  results: (answer) => listAt(answer, "webPages", "value") ?? (isSearchAnswer(answer) ? [] : null),
  fields: {
    title: "name",
    url: "url",
    snippet: ["snippet"],
    published: ["datePublished", "dateLastCrawled"],
  },
};

function isSearchAnswer(answer: unknown): boolean {
  return (
    typeof answer === "object" && answer !== null && "_type" in answer && answer._type === "SearchResponse"
  );
}
