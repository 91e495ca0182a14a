import { hash } from "node:crypto";
import { type OutboundFile, PlatformError } from "../../contract.ts";
import { textOf } from "../../fields.ts";
import type { MediaKind } from "../../weixin-media.ts";
import type { Request } from "./streams.ts";

/** Before it is written in base64. */
const CHUNK_BYTES = 512 * 1024;

/** Uploads a file piece by piece, to be sent within three days. Resolves to its `media_id`. */
export async function uploadFile(
  request: Request,
  kind: MediaKind,
  { name, bytes }: OutboundFile,
  chunkMs: number,
  signal: AbortSignal,
): Promise<string> {
  const chunks = Math.ceil(bytes.byteLength / CHUNK_BYTES);
  const file = { type: kind, filename: name, total_size: bytes.byteLength, total_chunks: chunks };
  const begun = await request("aibot_upload_media_init", { ...file, md5: hash("md5", bytes, "hex") }, {});
  const upload = { upload_id: told(begun["upload_id"]) };
  for (let index = 0; index < chunks; index += 1) {
    if (signal.aborted) throw new PlatformError("unavailable", "The call was given up.");
    const chunk = bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
    const body = { ...upload, chunk_index: index, base64_data: Buffer.from(chunk).toString("base64") };
    await request("aibot_upload_media_chunk", body, { timeoutMs: chunkMs });
  }
  const done = await request("aibot_upload_media_finish", upload, { timeoutMs: chunkMs });
  return told(done["media_id"]);
}

function told(id: unknown): string {
  if (textOf(id) === "") throw new PlatformError("unavailable", "WeCom took the file and told no id of it.");
  return textOf(id);
}
