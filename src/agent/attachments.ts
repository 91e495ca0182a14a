import { AppError, toAppError } from "../lib/errors.ts";
import type { SafeFetch, SafeResponse } from "../lib/safe-fetch.ts";
import type { NewMessage, Part } from "../store/contract.ts";
import { cutText } from "../tools/text.ts";
import { wrapUntrusted } from "../tools/untrusted.ts";
import { htmlToText } from "./html-text.ts";

export const MAX_ATTACHMENTS = 8;
const MAX_BYTES = 5 * 1024 * 1024;
const TIMEOUT_MS = 30_000;
/** Of one attachment's text; the context is what limits it further. */
const MAX_TEXT_CHARS = 200_000;

const IMAGE_TYPES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
const TEXT_TYPES = /^(text\/|application\/(json|xml|yaml|toml|javascript|x-ndjson|[\w.-]+\+(json|xml))$)/;
const CHARSET = /\bcharset\s*=\s*["']?([\w-]+)/i;
const HTML_TYPES = new Set(["text/html", "application/xhtml+xml"]);

/** Throws `attachment_refused` when there are too many. */
export function checkAttachmentCount(urls: readonly string[]): void {
  if (urls.length <= MAX_ATTACHMENTS) return;
  throw new AppError("attachment_refused", `${urls.length} attachments are too many.`, {
    hint: `Send ${MAX_ATTACHMENTS} at most.`,
  });
}

/**
 * Fetches the attachments of a turn as one message for the model, text between untrusted marks and images as they are. Throws
 * `attachment_refused` naming the URL and why, and the reason of `signal`.
 */
export async function fetchAttachments(
  urls: readonly string[],
  fetch: SafeFetch,
  signal: AbortSignal,
): Promise<NewMessage> {
  const fetched = await Promise.all(urls.map((url) => fetchOne(url, fetch, signal)));
  return { role: "user", parts: fetched.flat() };
}

async function fetchOne(url: string, fetch: SafeFetch, signal: AbortSignal): Promise<Part[]> {
  const response = await fetch(url, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, signal }).catch((error) => {
    signal.throwIfAborted();
    const { code, message, hint } = toAppError(error);
    throw refused(
      url,
      message,
      code === "body_too_large" ? `An attachment has ${MAX_BYTES} bytes at most.` : hint,
      error,
    );
  });
  if (response.status < 200 || response.status > 299)
    throw refused(
      url,
      `The server answered ${response.status}.`,
      "Check that the URL can be opened without signing in.",
    );
  return describe(url, response);
}

function describe(url: string, { contentType, headers, bytes }: SafeResponse): Part[] {
  if (IMAGE_TYPES.has(contentType))
    return [
      text(wrapUntrusted("The image that follows.", url)),
      { type: "image", mediaType: contentType, data: Buffer.from(bytes).toString("base64") },
    ];
  const content = readText(contentType, decoderOf(headers.get("content-type") ?? "", bytes), bytes);
  if (content !== null) return [text(wrapUntrusted(cutText(content, MAX_TEXT_CHARS), url))];
  const kind = contentType || "unknown type";
  return [
    text(wrapUntrusted(`A file of ${kind} with ${bytes.length} bytes, which cannot be read as text.`, url)),
  ];
}

/** The text of a text file, or null for anything else. A file without a type counts as text when it is valid UTF-8. */
function readText(contentType: string, decoder: TextDecoder, bytes: Uint8Array): string | null {
  if (HTML_TYPES.has(contentType)) return htmlToText(decoder.decode(bytes));
  if (TEXT_TYPES.test(contentType)) return decoder.decode(bytes);
  if (contentType !== "" && contentType !== "application/octet-stream") return null;
  try {
    const content = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return content.includes("\0") ? null : content;
  } catch {
    return null; // not text, which is an answer and not a fault
  }
}

/** By the charset of the header, else the one that a page names in its beginning; UTF-8 without a known one. */
function decoderOf(header: string, bytes: Uint8Array): TextDecoder {
  const named = CHARSET.exec(header) ?? CHARSET.exec(Buffer.from(bytes.subarray(0, 1024)).toString("latin1"));
  try {
    return new TextDecoder(named?.[1] as Bun.Encoding | undefined);
  } catch {
    return new TextDecoder(); // a charset that nobody knows
  }
}

function text(content: string): Part {
  return { type: "text", text: content };
}

function refused(url: string, why: string, hint?: string, cause?: unknown): AppError {
  return new AppError("attachment_refused", `The attachment ${shown(url)} was refused. ${why}`, {
    cause,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** An address as it may be repeated: without the name and the password that it may hold. */
function shown(url: string): string {
  return cutText(url.replace(/\/\/[^/?#]*@/, "//"), 500);
}
