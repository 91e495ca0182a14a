import type { SafeResponse } from "../lib/safe-fetch.ts";
import type { Part } from "../store/records.ts";
import { certainTypeOf } from "../tools/file/kinds.ts";
import { MAX_IMAGE_BYTES, SEEN_IMAGE_TYPES, toolImage } from "../tools/images.ts";
import { cutText } from "../tools/text.ts";
import { wrapUntrusted } from "../tools/untrusted.ts";
import type { Page } from "../tools/web/contract.ts";
import { type FetchedDocument, readDocument } from "../tools/web/document.ts";
import { readPage } from "../tools/web/reader.ts";

/** Of one document's text; the context is what limits it further. */
const MAX_TEXT_CHARS = 200_000;

/** A document from outside: its bytes, and what they are said to be. */
export type Document = Pick<SafeResponse, "bytes" | "contentType" | "headers" | "finalUrl">;

/**
 * A document from outside as a model takes it: text between untrusted marks, images as they are, anything else in words.
 * What is an image is known by its bytes. `source` says in the marks where it came from. Raises `page_unreadable` for one that is
 * broken, and the reason of `signal`.
 */
export async function documentParts(
  document: Document,
  source: string,
  signal: AbortSignal,
): Promise<Part[]> {
  const { bytes, contentType } = document;
  const image = SEEN_IMAGE_TYPES.find((type) => type === certainTypeOf(bytes));
  if (image !== undefined && bytes.length <= MAX_IMAGE_BYTES)
    return [
      text(wrapUntrusted("The image that follows.", source)),
      { type: "image", ...toolImage(image, bytes) },
    ];
  if (image !== undefined) return [text(wrapUntrusted(tooLarge(image, bytes), source))];
  const read = await readAnyText(document, signal);
  return [
    text(
      wrapUntrusted(
        read.kind === "page" ? cutText(wordsOf(read.page), MAX_TEXT_CHARS) : unreadable(contentType, bytes),
        source,
      ),
    ),
  ];
}

/** Text is read whatever it is called, as chats name many kinds of text after something else. */
async function readAnyText(document: Document, signal: AbortSignal): Promise<FetchedDocument> {
  const response = { status: 200, ...document };
  const read = await readDocument(response, readPage, signal);
  if (read.kind === "page" || certainTypeOf(document.bytes) !== null) return read;
  return readDocument({ ...response, contentType: "", headers: new Headers() }, readPage, signal);
}

function wordsOf({ title, content }: Page): string {
  const heading = title === null || content.startsWith(`# ${title}`) ? "" : `# ${title}\n\n`;
  return heading + (content || "[It holds no text.]");
}

function unreadable(mediaType: string, bytes: Uint8Array): string {
  return `A file of ${mediaType || "unknown type"} with ${bytes.length} bytes, which cannot be read as text.`;
}

function tooLarge(mediaType: string, bytes: Uint8Array): string {
  return `An image of ${mediaType} with ${bytes.length} bytes. Images of more than ${MAX_IMAGE_BYTES} bytes are not shown.`;
}

function text(content: string): Part {
  return { type: "text", text: content };
}
