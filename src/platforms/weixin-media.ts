import { type OutboundFile, PlatformError } from "./contract.ts";
import { textOf } from "./fields.ts";
import { MAX_FILE_BYTES } from "./file-sizes.ts";
import { toldType } from "./media-type.ts";
import type { WeixinApi } from "./weixin-api.ts";

const MB = 1024 * 1024;
/** WeCom and WeChat take no file that is smaller. */
const MIN_BYTES = 5;

/** How a file is shown. */
export type MediaKind = "image" | "voice" | "video" | "file";

interface Medium {
  kind: MediaKind;
  maxBytes: number;
}

/** What is shown as more than a file, by its media type (https://developer.work.weixin.qq.com/document/path/90253). */
const MEDIA: Readonly<Record<string, Medium>> = {
  "image/jpeg": { kind: "image", maxBytes: 10 * MB },
  "image/png": { kind: "image", maxBytes: 10 * MB },
  "audio/amr": { kind: "voice", maxBytes: 2 * MB },
  "video/mp4": { kind: "video", maxBytes: 10 * MB },
};

/** How a file is sent: as what it is where that is possible, else as a file. `refused` where no way is left. */
export function mediaKindOf({ name, mediaType, bytes }: OutboundFile): MediaKind {
  const sizeBytes = bytes.byteLength;
  if (sizeBytes < MIN_BYTES) throw new PlatformError("refused", `${name} is empty.`);
  const medium = MEDIA[mediaType];
  if (medium !== undefined && sizeBytes <= medium.maxBytes) return medium.kind;
  if (sizeBytes <= MAX_FILE_BYTES.wecom) return "file";
  throw new PlatformError("refused", `${name} has ${sizeBytes} bytes; 20 MB are the most that can be sent.`);
}

/** Uploads a file, to be sent within three days. Resolves to its `media_id`. */
export async function uploadMedia(
  api: WeixinApi,
  kind: MediaKind,
  { name, mediaType, bytes }: OutboundFile,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string> {
  const body = new FormData();
  // The bytes of an outbound file are its own: no view of shared memory.
  body.append("media", new Blob([bytes as Uint8Array<ArrayBuffer>], { type: mediaType }), name);
  const answer = await api.call({ path: "media/upload", query: { type: kind }, body, timeoutMs }, signal);
  const id = textOf(answer["media_id"]);
  if (id === "") throw new PlatformError("unavailable", "The file was taken, and no id of it was told.");
  return id;
}

/** The media type and the name that the head of a file tells. */
export function describedBy(headers: Headers): { mediaType?: string; name?: string } {
  const mediaType = toldType(headers);
  const name = fileNameIn(headers.get("content-disposition") ?? "");
  return { ...(mediaType === undefined ? {} : { mediaType }), ...(name === "" ? {} : { name }) };
}

/** Percent-encoded, or UTF-8 as it is, which a header shows byte by byte. */
function fileNameIn(disposition: string): string {
  const given =
    /filename\*\s*=\s*UTF-8''([^;]+)/i.exec(disposition)?.[1] ??
    /filename\s*=\s*"([^"]*)"/i.exec(disposition)?.[1] ??
    /filename\s*=\s*([^;\s"]+)/i.exec(disposition)?.[1] ??
    "";
  try {
    return /[\x80-\xff]/.test(given) ? Buffer.from(given, "latin1").toString() : decodeURIComponent(given);
  } catch {
    return given; // a percent sign of its own
  }
}
