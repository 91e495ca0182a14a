import type { SearchProvider } from "../contract.ts";
import { listAt, pageOf } from "./answer.ts";

/** The most results that it gives. */
const MAX_RESULTS = 100;
const SNIPPET_CHARS = 500;

/** Exa's search endpoint (exa.ai/docs/reference/search). It has no pages: more results are asked for, and the first ones dropped. */
export const exa: SearchProvider = {
  name: "exa",
  defaultBaseUrl: "https://api.exa.ai",
  keyVariable: "EXA_API_KEY",
  call: ({ query, limit, page }, key) => ({
    path: "/search",
    headers: { "x-api-key": key },
    body: {
      query,
      numResults: Math.min(MAX_RESULTS, page * limit),
      contents: { text: { maxCharacters: SNIPPET_CHARS } },
    },
  }),
  maxPage: ({ limit }) => Math.ceil(MAX_RESULTS / limit),
  results: (answer, request) => pageOf(listAt(answer, "results"), request),
  fields: { title: "title", url: "url", snippet: ["text", "summary"], published: ["publishedDate"] },
  statusHints: { 402: "The credits of its key are used up." },
};
