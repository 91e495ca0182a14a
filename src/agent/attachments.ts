import { AppError, toAppError } from "../lib/errors.ts";
import type { SafeFetch } from "../lib/safe-fetch.ts";
import type { NewMessage, Part } from "../store/records.ts";
import { cutText } from "../tools/text.ts";
import { documentParts } from "./document-parts.ts";

export const MAX_ATTACHMENTS = 8;
const MAX_BYTES = 5 * 1024 * 1024;
const TIMEOUT_MS = 30_000;

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
  return documentParts(response, url, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    const { message, hint } = toAppError(error);
    throw refused(url, message, hint, error);
  });
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
