import type { SearchProvider } from "../contract.ts";
import { listAt } from "./answer.ts";

/** SearXNG's search API with `format=json` (docs.searxng.org/dev/search_api). It chooses the number of results of a page itself. */
export const searxng: SearchProvider = {
  name: "searxng",
  defaultBaseUrl: null,
  keyVariable: null,
  call({ query, page, language }) {
    const params = new URLSearchParams({ q: query, format: "json", pageno: String(page) });
    if (language !== undefined) params.set("language", language);
    return { path: `/search?${params}` };
  },
  results: (answer) => listAt(answer, "results"),
  fields: { title: "title", url: "url", snippet: ["content"], published: ["publishedDate"] },
  statusHints: { 403: "Its settings.yml has to list json under search.formats." },
};
