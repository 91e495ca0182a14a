import { Type } from "typebox";
import type { LiveConfig } from "../../config/live.ts";
import { parseRetryAfter } from "../../lib/backoff.ts";
import type { SafeFetch, SafeResponse } from "../../lib/safe-fetch.ts";
import { defineTool, sessionOwner, type Tool, type ToolContext, type ToolResult } from "../contract.ts";
import { MAX_IMAGE_BYTES, toolImage } from "../images.ts";
import { errorResult } from "../result.ts";
import { headOf } from "../text.ts";
import { cleanUntrusted, wrapUntrusted } from "../untrusted.ts";
import { readDocument } from "./document.ts";
import { createPageCache, type KeptPage, type PageCache } from "./page-cache.ts";
import type { ReadPage } from "./reader.ts";

const DEFAULT_CHARS = 18_000;
const MAX_CHARS = 48_000;
/** A part ends at the end of a line, where one is this near to its limit. */
const LINE_SEARCH = 0.1;
const MAX_SHOWN_URL = 500;
/** Some servers refuse clients that do not say who they are. */
const HEADERS = {
  accept: "text/html,application/xhtml+xml,text/markdown,text/plain,application/pdf;q=0.9,*/*;q=0.5",
  "accept-language": "en,zh;q=0.9,*;q=0.5",
  "user-agent": "Mozilla/5.0 (compatible; Hermes)",
};

export interface ExtractParts {
  config: LiveConfig;
  fetch: SafeFetch;
  read: ReadPage;
}

/** `web_extract`: a page, a PDF or a text as Markdown, part by part. */
export function extractTool({ config, fetch, read }: ExtractParts): Tool {
  const cache = createPageCache();
  return defineTool({
    name: "web_extract",
    group: "web",
    title: "Read a web page",
    description: "Read a web page, a PDF or a text as Markdown.",
    input: Type.Object(
      {
        url: Type.String({ minLength: 1, maxLength: 4000 }),
        offset: Type.Optional(
          Type.Integer({ minimum: 0, default: 0, description: "Go on from next_offset." }),
        ),
        max_chars: Type.Optional(Type.Integer({ minimum: 500, maximum: MAX_CHARS, default: DEFAULT_CHARS })),
      },
      { additionalProperties: false },
    ),
    output: Type.Object(
      {
        url: Type.String({ description: "After redirects." }),
        content_type: Type.String(),
        title: Type.Union([Type.String(), Type.Null()]),
        content: Type.String(),
        byline: Type.Union([Type.String(), Type.Null()]),
        published: Type.Union([Type.String(), Type.Null()]),
        total_chars: Type.Integer(),
        next_offset: Type.Union([Type.Integer(), Type.Null()]),
        truncated: Type.Boolean(),
        links: Type.Array(
          Type.Object({ text: Type.String(), url: Type.String() }, { additionalProperties: false }),
        ),
      },
      { additionalProperties: false },
    ),
    effect: "read",
    openWorld: true,
    async run({ url, offset = 0, max_chars = DEFAULT_CHARS }, context) {
      const owner = sessionOwner(context.caller);
      const kept = offset > 0 ? cache.get(owner, url) : null;
      if (kept) return partOf(kept, offset, max_chars);
      const { timeout_ms, max_bytes } = config.current.tools.web;
      const limits = { timeoutMs: timeout_ms, maxBytes: max_bytes, signal: context.signal };
      const response = await fetch(url, { ...limits, headers: HEADERS });
      if (response.status < 200 || response.status > 299) return errorResult(refusalOf(response));
      return show(response, { read, cache, owner, url, offset, maxChars: max_chars, context });
    },
  });
}

interface Wanted {
  read: ReadPage;
  cache: PageCache;
  owner: string;
  url: string;
  offset: number;
  maxChars: number;
  context: ToolContext;
}

async function show(response: SafeResponse, wanted: Wanted): Promise<ToolResult> {
  const { finalUrl, contentType, bytes } = response;
  const document = await readDocument(response, wanted.read, wanted.context.signal);
  if (document.kind === "image") return imageResult(response, document.mediaType);
  if (document.kind === "other")
    return errorResult(
      `What ${hostOf(finalUrl)} sent is a file of ${contentType || "unknown type"} with ${bytes.length} bytes, which cannot be read as text.`,
    );
  const kept = { page: document.page, url: finalUrl, mediaType: contentType };
  if (document.page.content === "") return errorResult(emptyOf(kept));
  wanted.cache.put(wanted.owner, wanted.url, kept);
  return partOf(kept, wanted.offset, wanted.maxChars);
}

function imageResult({ bytes, finalUrl }: SafeResponse, mediaType: string): ToolResult {
  const text = wrapUntrusted(`An image (${mediaType}, ${bytes.length} bytes).`, shown(finalUrl));
  const structured = describe({ page: NO_TEXT, url: finalUrl, mediaType }, "", null);
  if (bytes.length > MAX_IMAGE_BYTES) return { text: `${text}\nIt is too large to be shown.`, structured };
  return { text, structured, images: [toolImage(mediaType, bytes)] };
}

const NO_TEXT = { content: "", title: null, byline: null, published: null, links: [], cut: false };

/** The part of a page from `offset` on. The parts of a page, put together, are the page. */
function partOf(kept: KeptPage, offset: number, maxChars: number): ToolResult {
  const { page, url } = kept;
  const total = page.content.length;
  if (offset >= total)
    return errorResult(`The page ends before offset ${offset}: it has ${total} characters.`);
  const part = cutAtLine(page.content.slice(offset), maxChars);
  const end = offset + part.length;
  const nextOffset = end < total ? end : null;
  const head = [
    page.title && `Title: ${page.title}`,
    page.byline && `By: ${page.byline}`,
    page.published && `Published: ${page.published}`,
    `URL: ${shown(url)}`,
  ].filter(Boolean);
  const body = offset === 0 ? `${head.join("\n")}\n\n${part}` : part;
  const more =
    nextOffset === null
      ? []
      : [`Characters ${offset} to ${end} of ${total}. Go on with offset ${nextOffset}.`];
  const cut = nextOffset === null && page.cut ? ["The page is longer than what is kept of it."] : [];
  return {
    text: [wrapUntrusted(body, shown(url)), ...more, ...cut].join("\n"),
    structured: describe(kept, part, nextOffset),
  };
}

/** Holds the part as well: some clients show their model nothing but the data. */
function describe({ page, url, mediaType }: KeptPage, part: string, nextOffset: number | null) {
  return {
    url,
    content_type: mediaType,
    title: page.title,
    content: cleanUntrusted(part),
    byline: page.byline,
    published: page.published,
    total_chars: page.content.length,
    next_offset: nextOffset,
    truncated: nextOffset !== null || page.cut,
    links: page.links,
  };
}

function cutAtLine(text: string, maxChars: number): string {
  const part = headOf(text, maxChars);
  if (part.length === text.length) return part;
  const end = part.lastIndexOf("\n") + 1;
  return end > part.length * (1 - LINE_SEARCH) ? part.slice(0, end) : part;
}

function emptyOf({ url, mediaType }: KeptPage): string {
  if (mediaType.endsWith("pdf")) return `The PDF of ${hostOf(url)} holds no text; its pages may be pictures.`;
  return `The page of ${hostOf(url)} holds no text; it may need JavaScript, which is not run. Look for another page with the same.`;
}

function refusalOf({ status, headers, finalUrl }: SafeResponse): string {
  const what = `${hostOf(finalUrl)} answered ${status}`;
  if (status === 404 || status === 410)
    return `${what}: there is no such page. Check the address, or search for it.`;
  if (status === 401 || status === 403)
    return `${what}: it is only for those who sign in, or refuses programs. Look for another page with the same.`;
  if (status === 429) {
    const waitMs = parseRetryAfter(headers.get("retry-after"));
    return `${what}: too many requests. Try again ${waitMs === undefined ? "later" : `in ${Math.ceil(waitMs / 1000)} s`}.`;
  }
  if (status >= 500) return `${what}: the server has a fault. Try again later.`;
  return `${what}, and not the page.`;
}

/** Of bounded length. */
function shown(url: string): string {
  return headOf(url, MAX_SHOWN_URL);
}

/** Outside of the marks only the host is named: the rest of an address is text that a page may have chosen. */
function hostOf(url: string): string {
  return new URL(url).host;
}
