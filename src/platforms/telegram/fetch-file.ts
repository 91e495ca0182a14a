import { extname } from "node:path";
import { type FetchedFile, type InboundFile, PlatformError } from "../contract.ts";
import type { TelegramClient } from "./client.ts";
import { answered, fromNetwork } from "./errors.ts";

/** In the words of tdlib/telegram-bot-api, `Client::do_get_file`. */
const TOO_BIG = /file is too big/i;
/** What says nothing about a file. */
const ANY_TYPE = "application/octet-stream";

/**
 * Fetches the bytes of a file (https://core.telegram.org/bots/api#getfile). Rejects with `refused` for one that is larger than
 * `maxBytes`, whether it says so or not, and for one over the 20 MB that Telegram hands to bots.
 */
export async function fetchFile(
  client: TelegramClient,
  file: InboundFile,
  maxBytes: number,
  signal: AbortSignal,
): Promise<FetchedFile> {
  refuseLarger(file.sizeBytes, maxBytes);
  const { file_path: path, file_size: sizeBytes } = await client
    .call((api, ended) => api.getFile({ file_id: file.ref }, ended), { signal, retries: true })
    .catch((error: unknown) => {
      if (!answered(error, TOO_BIG)) throw error;
      throw new PlatformError("refused", "The file is larger than the 20 MB that Telegram hands to bots.");
    });
  refuseLarger(sizeBytes, maxBytes);
  if (path === undefined || path.startsWith("/"))
    throw new PlatformError("refused", "The server of the Bot API keeps its files to itself.", {
      hint: "Start it without --local.",
    });
  const response = await client.download(path, signal);
  if (!response.ok) throw refusal(response.status);
  const bytes = await readBody(response, maxBytes, signal);
  const name = file.name ?? path.slice(path.lastIndexOf("/") + 1);
  return { bytes, mediaType: mediaTypeOf(response, file, path), name };
}

function refuseLarger(sizeBytes: number | undefined, maxBytes: number): void {
  if (sizeBytes !== undefined && sizeBytes > maxBytes)
    throw new PlatformError(
      "refused",
      `The file has ${sizeBytes} bytes; ${maxBytes} are the most that are taken.`,
    );
}

function refusal(status: number): PlatformError {
  const again = status === 429 || status >= 500;
  return new PlatformError(
    again ? "unavailable" : "refused",
    `Telegram does not hand out the file: ${status}.`,
  );
}

async function readBody(response: Response, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const part of response.body ?? []) {
      sizeBytes += part.length;
      refuseLarger(sizeBytes, maxBytes);
      parts.push(part);
    }
  } catch (thrown) {
    if (thrown instanceof PlatformError) throw thrown;
    throw fromNetwork(thrown, { stopped: signal.aborted, late: false });
  }
  return Buffer.concat(parts);
}

function mediaTypeOf(response: Response, { mediaType }: InboundFile, path: string): string {
  const told = response.headers.get("content-type")?.split(";")[0]?.trim();
  if (told && told !== ANY_TYPE) return told;
  const byName = extname(path) === ".oga" ? "audio/ogg" : Bun.file(path).type.split(";")[0];
  return mediaType ?? byName ?? ANY_TYPE;
}
