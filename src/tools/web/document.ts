import type { SafeResponse } from "../../lib/safe-fetch.ts";
import { SEEN_IMAGE_TYPES } from "../images.ts";
import { headOf } from "../text.ts";
import { cleanUntrusted } from "../untrusted.ts";
import { decodeText, decodeUntypedText } from "./charset.ts";
import { MAX_PAGE_CHARS, type Page } from "./contract.ts";
import type { ReadPage } from "./reader.ts";

const HTML_TYPES = new Set(["text/html", "application/xhtml+xml"]);
const PDF_TYPES = new Set(["application/pdf", "application/x-pdf"]);
const TEXT_TYPES = /^(text\/|application\/(json|xml|yaml|toml|javascript|x-ndjson|[\w.-]+\+(json|xml))$)/;
const UNNAMED_TYPES = new Set(["", "application/octet-stream", "binary/octet-stream"]);
const LOOKS_LIKE_HTML = /^\s*(?:<!--[\s\S]{0,500}?-->\s*)?<(?:!doctype html|html)\b/i;

/** What was fetched, as it can be handed to a model. */
export type FetchedDocument =
  | { kind: "page"; page: Page }
  /** One that models see. */
  | { kind: "image"; mediaType: string }
  /** Nothing that can be read as text. */
  | { kind: "other"; mediaType: string };

/**
 * Reads what was fetched by its type: HTML and PDF as Markdown, text in its own charset. What has no type is known by its
 * beginning. Raises what `read` does.
 */
export async function readDocument(
  { bytes, contentType: mediaType, headers, finalUrl }: SafeResponse,
  read: ReadPage,
  signal: AbortSignal,
): Promise<FetchedDocument> {
  if (SEEN_IMAGE_TYPES.includes(mediaType)) return { kind: "image", mediaType };
  const contentType = headers.get("content-type") ?? "";
  const source = { bytes, contentType, url: finalUrl };
  const unnamed = UNNAMED_TYPES.has(mediaType);
  const text = unnamed ? decodeUntypedText(bytes) : null;
  if (PDF_TYPES.has(mediaType) || (unnamed && startsAsPdf(bytes)))
    return { kind: "page", page: await read({ kind: "pdf", ...source }, signal) };
  if (HTML_TYPES.has(mediaType) || (text !== null && LOOKS_LIKE_HTML.test(text)))
    return { kind: "page", page: await read({ kind: "html", ...source }, signal) };
  if (TEXT_TYPES.test(mediaType)) return { kind: "page", page: textPage(decodeText(bytes, contentType)) };
  return text === null ? { kind: "other", mediaType } : { kind: "page", page: textPage(text) };
}

function startsAsPdf(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, 1024)).includes("%PDF-");
}

function textPage(text: string): Page {
  const content = cleanUntrusted(text);
  return {
    content: headOf(content, MAX_PAGE_CHARS),
    title: null,
    byline: null,
    published: null,
    links: [],
    cut: content.length > MAX_PAGE_CHARS,
  };
}
