import type { SearchProvider } from "../contract.ts";
import { listAt, pageOf } from "./answer.ts";

/** The most results that it gives. */
const MAX_RESULTS = 20;

/** Tavily's search endpoint (docs.tavily.com). It has no pages: more results are asked for, and the first ones dropped. */
export const tavily: SearchProvider = {
  name: "tavily",
  defaultBaseUrl: "https://api.tavily.com",
  keyVariable: "TAVILY_API_KEY",
  call: ({ query, limit, page }, key) => ({
    path: "/search",
    headers: { authorization: `Bearer ${key}` },
    body: { query, max_results: Math.min(MAX_RESULTS, page * limit) },
  }),
  maxPage: ({ limit }) => Math.ceil(MAX_RESULTS / limit),
  results: (answer, request) => pageOf(listAt(answer, "results"), request),
  fields: { title: "title", url: "url", snippet: ["content"], published: ["published_date"] },
  statusHints: { 432: "The plan of its key is used up.", 433: "The limit of its key is used up." },
};
