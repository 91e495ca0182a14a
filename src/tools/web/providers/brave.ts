import type { SearchProvider } from "../contract.ts";
import { listAt } from "./answer.ts";

/** The last page that it gives. */
const MAX_PAGE = 10;

/** Brave's Web Search API (api-dashboard.search.brave.com/api-reference/web/search/get). Its `offset` counts pages. */
export const brave: SearchProvider = {
  name: "brave",
  defaultBaseUrl: "https://api.search.brave.com/res/v1",
  keyVariable: "BRAVE_API_KEY",
  call({ query, limit, page, language }, key) {
    const params = new URLSearchParams({ q: query, count: String(limit), offset: String(page - 1) });
    if (language !== undefined) params.set("search_lang", languageOf(language));
    return { path: `/web/search?${params}`, headers: { "x-subscription-token": key } };
  },
  maxPage: () => MAX_PAGE,
  results: (answer) => listAt(answer, "web", "results"),
  fields: { title: "title", url: "url", snippet: ["description"], published: ["page_age", "age"] },
};

/** It tells the two Chinese scripts apart, and takes no regions but for English and Portuguese. */
function languageOf(tag: string): string {
  const [language = "", ...rest] = tag.toLowerCase().split("-");
  if (language === "zh")
    return rest.some((part) => ["hant", "tw", "hk", "mo"].includes(part)) ? "zh-hant" : "zh-hans";
  if (language === "ja") return "jp"; // as its list of languages has it
  if (language === "pt") return rest.includes("pt") ? "pt-pt" : "pt-br";
  return language;
}
