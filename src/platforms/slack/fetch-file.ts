import { type FetchedFile, type InboundFile, PlatformError } from "../contract.ts";
import type { SlackApi } from "./api.ts";
import { fileRef } from "./inbound-files.ts";

const MAX_REDIRECTS = 3;
const HINT = "The app needs the scope files:read: add it at api.slack.com/apps, and install the app again.";

/** What `files.info` tells of a file (docs.slack.dev/reference/objects/file-object). */
interface SlackFile {
  name?: string;
  mimetype?: string;
  size?: number;
  url_private?: string;
  url_private_download?: string;
  channels?: string[];
  groups?: string[];
  ims?: string[];
  shares?: { public?: Record<string, unknown>; private?: Record<string, unknown> };
}

/** The bytes of a file that came with a message. The token goes to Slack's own servers and nowhere else. */
export async function fetchFile(
  api: SlackApi,
  { ref }: InboundFile,
  maxBytes: number,
  signal: AbortSignal,
): Promise<FetchedFile> {
  const { fileId, sharedIn } = fileRef(ref);
  const { file = {} } = await api.call<{ file?: SlackFile }>("files.info", { file: fileId }, signal);
  if (sharedIn !== undefined && !isSharedIn(file, sharedIn))
    throw refused("The file was not shared in this conversation.");
  if ((file.size ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const url = URL.parse(file.url_private_download ?? file.url_private ?? "");
  if (url === null) throw refused("Slack has no bytes of this file.");
  const answer = await download(api, url, signal);
  const mediaType = (answer.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (mediaType === "text/html" && file.mimetype !== "text/html") {
    await answer.body?.cancel();
    throw refused("Slack sent a sign-in page instead of the file.", HINT);
  }
  return {
    bytes: await readUpTo(answer, maxBytes, signal),
    mediaType: file.mimetype || mediaType || "application/octet-stream",
    ...(file.name === undefined ? {} : { name: file.name }),
  };
}

async function download(api: SlackApi, first: URL, signal: AbortSignal): Promise<Response> {
  let url = first;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    if (!api.trusts(url)) throw refused("The file is not on a server of Slack.", HINT);
    const answer = await fetch(url, {
      headers: { authorization: `Bearer ${api.token}` },
      redirect: "manual",
      signal,
    }).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new PlatformError("unavailable", "Slack did not send the file.", { cause });
    });
    const location = answer.headers.get("location");
    if (answer.status >= 300 && answer.status < 400 && location !== null) {
      await answer.body?.cancel();
      url = URL.parse(location, url.href) ?? new URL("about:blank");
      continue;
    }
    if (answer.ok) return answer;
    await answer.body?.cancel();
    throw answer.status >= 500 || answer.status === 429
      ? new PlatformError("unavailable", `Slack answered with ${answer.status} instead of the file.`)
      : refused(`Slack answered with ${answer.status} instead of the file.`, HINT);
  }
  throw refused("Slack redirects too often instead of sending the file.", HINT);
}

/** What the header says of the size proves nothing: the bytes are counted. */
async function readUpTo(answer: Response, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const part of answer.body ?? []) {
      sizeBytes += part.byteLength;
      if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
      parts.push(part);
    }
  } catch (cause) {
    if (cause instanceof PlatformError) throw cause;
    signal.throwIfAborted();
    throw new PlatformError("unavailable", "The file broke off.", { cause });
  }
  return Buffer.concat(parts);
}

function isSharedIn(
  { channels = [], groups = [], ims = [], shares = {} }: SlackFile,
  channel: string,
): boolean {
  const places = [...channels, ...groups, ...ims];
  return [...places, ...Object.keys(shares.public ?? {}), ...Object.keys(shares.private ?? {})].includes(
    channel,
  );
}

function tooLarge(maxBytes: number): PlatformError {
  return refused(`The file is larger than ${maxBytes} bytes.`);
}

function refused(message: string, hint?: string): PlatformError {
  return new PlatformError("refused", message, hint === undefined ? {} : { hint });
}
