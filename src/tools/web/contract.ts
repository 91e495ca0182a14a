/** The most that is kept of one page, in UTF-16 units. */
export const MAX_PAGE_CHARS = 2_000_000;

/** A link of a page. */
export interface PageLink {
  text: string;
  url: string;
}

/** What is read out of a page or a PDF. */
export interface Page {
  /** Markdown. */
  content: string;
  title: string | null;
  byline: string | null;
  /** As the page writes it. */
  published: string | null;
  /** Absolute http(s) addresses, each once, in the order of the page. */
  links: PageLink[];
  /** The content was cut at the limit of what is kept. */
  cut: boolean;
}

/** A page as it was fetched. */
export interface PageSource {
  kind: "html" | "pdf";
  bytes: Uint8Array;
  /** The whole `Content-Type` header; empty when there was none. */
  contentType: string;
  /** Where it was fetched from; what relative links begin at. */
  url: string;
}

/** What the process that reads pages answers. */
export type ReadingAnswer = { page: Page } | { problem: string };

/** What a search is for. */
export interface SearchRequest {
  query: string;
  /** Results wanted, 20 at most. */
  limit: number;
  /** From 1 on. */
  page: number;
  /** A BCP 47 tag such as `zh-CN`. */
  language?: string;
}

export interface SearchResult {
  title: string;
  url: string;
  snippet: string;
  /** As the provider writes it. */
  published?: string;
}

/** One HTTP request to a provider. */
export interface SearchCall {
  /** Below the base URL, with its query. */
  path: string;
  headers?: Readonly<Record<string, string>>;
  /** Sent as JSON by POST; absent: GET. */
  body?: unknown;
}

/** A provider of web search: how it is asked, and what its answers mean. */
export interface SearchProvider {
  name: "searxng" | "brave" | "tavily" | "exa" | "bing";
  /** Where it is unless the configuration says otherwise; null: the configuration has to say. */
  defaultBaseUrl: string | null;
  /** The variable that holds its key; null: it takes none. */
  keyVariable: string | null;
  call(request: SearchRequest, key: string): SearchCall;
  /** The last page that it can give; absent: it has as many as there are. */
  maxPage?(request: SearchRequest): number;
  /** The results of the page in a JSON answer, as they came. Null when it is no answer of this provider. */
  results(answer: unknown, request: SearchRequest): unknown[] | null;
  /** Under which names a result has what; of several the first that is there. */
  fields: { title: string; url: string; snippet: readonly string[]; published: readonly string[] };
  /** What a refusal by this status means, where it is not what HTTP says. */
  statusHints?: Readonly<Record<number, string>>;
}
