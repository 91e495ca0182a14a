import { createHash } from "node:crypto";

const MAX_CHUNK_BYTES = 512 * 1024;
const MAX_CHUNKS = 100;

/** A file that was uploaded whole. */
export interface UploadedFile {
  type: string;
  name: string;
  bytes: Buffer;
}

/** Takes files piece by piece. */
export interface Uploads {
  /** The body of the acknowledgement or the number of an error; null for another command. */
  take(cmd: string, body: Record<string, unknown>): Record<string, unknown> | number | null;
  get(mediaId: string): UploadedFile | undefined;
}

interface Upload {
  type: string;
  filename: string;
  total_size: number;
  total_chunks: number;
  md5: string;
  chunks: Map<number, Buffer>;
}

export function createUploads(): Uploads {
  const open = new Map<string, Upload>();
  const files = new Map<string, UploadedFile>();

  const finish = (upload: Upload): Record<string, unknown> | number => {
    const pieces = Array.from({ length: upload.total_chunks }, (_, index) => upload.chunks.get(index));
    const bytes = Buffer.concat(pieces.flatMap((piece) => piece ?? []));
    const isWhole = bytes.length === upload.total_size && !pieces.includes(undefined);
    if (!isWhole || createHash("md5").update(bytes).digest("hex") !== upload.md5) return 40006;
    const id = `media-${files.size + 1}`;
    files.set(id, { type: upload.type, name: upload.filename, bytes });
    return { type: upload.type, media_id: id, created_at: "1380000000" };
  };

  return {
    take(cmd, body) {
      if (cmd === "aibot_upload_media_init") {
        const id = crypto.randomUUID();
        const upload = { ...(body as unknown as Upload), chunks: new Map<number, Buffer>() };
        if (!(upload.total_chunks >= 1 && upload.total_chunks <= MAX_CHUNKS)) return 40058;
        open.set(id, upload);
        return { upload_id: id };
      }
      if (cmd !== "aibot_upload_media_chunk" && cmd !== "aibot_upload_media_finish") return null;
      const upload = open.get(String(body["upload_id"]));
      if (upload === undefined) return 40007;
      if (cmd === "aibot_upload_media_finish") return finish(upload);
      const chunk = Buffer.from(String(body["base64_data"]), "base64");
      if (chunk.length === 0 || chunk.length > MAX_CHUNK_BYTES) return 40006;
      upload.chunks.set(Number(body["chunk_index"]), chunk);
      return {};
    },
    get: (id) => files.get(id),
  };
}
