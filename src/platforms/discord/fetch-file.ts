import { type FetchedFile, type InboundFile, PlatformError } from "../contract.ts";
import type { DiscordClient } from "./client.ts";

/** Where Discord keeps what people attach. Nothing else is fetched: the address comes with the message. */
const HOSTS: ReadonlySet<string> = new Set(["cdn.discordapp.com", "media.discordapp.net"]);
const TIMEOUT_MS = 100_000;

/**
 * Fetches an attachment. Rejects with `refused` for one that is larger than `maxBytes`, whether it says so or not, for an
 * address that is not Discord's, and for one that is gone: addresses hold for a day or so.
 */
export async function fetchFile(
  client: DiscordClient,
  { ref, name, mediaType, sizeBytes }: InboundFile,
  maxBytes: number,
  signal: AbortSignal,
): Promise<FetchedFile> {
  const url = allowedUrl(ref, client.apiBase);
  refuseLarger(sizeBytes, maxBytes);
  const late = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await fetch(url, { redirect: "error", signal: AbortSignal.any([signal, late]) });
    if (!response.ok) throw refusal(response.status);
    const bytes = await readBody(response, maxBytes);
    const told = response.headers.get("content-type")?.split(";")[0]?.trim();
    const type = told || mediaType || "application/octet-stream";
    return { bytes, mediaType: type, ...(name === undefined ? {} : { name }) };
  } catch (error) {
    if (error instanceof PlatformError) throw error;
    const why = signal.aborted ? "The call was given up." : "Discord does not hand out the file in time.";
    throw new PlatformError("unavailable", why);
  }
}

/** Where the API is another one, such as a proxy, its own host may hand out files, too. */
function allowedUrl(ref: string, apiBase: string): URL {
  const url = URL.canParse(ref) ? new URL(ref) : null;
  const isDiscords = url?.protocol === "https:" && url.port === "" && HOSTS.has(url.hostname);
  if (url === null || !(isDiscords || url.origin === new URL(apiBase).origin))
    throw new PlatformError("refused", "The file is not kept by Discord.");
  return url;
}

function refuseLarger(sizeBytes: number | undefined, maxBytes: number): void {
  if (sizeBytes !== undefined && sizeBytes > maxBytes)
    throw new PlatformError(
      "refused",
      `The file has ${sizeBytes} bytes; ${maxBytes} are the most that are taken.`,
    );
}

function refusal(status: number): PlatformError {
  if (status === 429 || status >= 500)
    return new PlatformError("unavailable", `Discord does not hand out the file: ${status}.`);
  return new PlatformError("refused", `Discord does not hand out the file any more: ${status}.`);
}

async function readBody(response: Response, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of response.body ?? []) {
    sizeBytes += part.length;
    refuseLarger(sizeBytes, maxBytes);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
