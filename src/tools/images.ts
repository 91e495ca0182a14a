import type { ToolImage } from "./contract.ts";

/** The media types that models which see take. */
export const SEEN_IMAGE_TYPES: readonly string[] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/** The largest image that is handed to a model; providers refuse larger ones. */
export const MAX_IMAGE_BYTES = 5 * 1024 * 1024;

/** Bytes of one of `SEEN_IMAGE_TYPES` as a tool answers with them. */
export function toolImage(mediaType: string, bytes: Uint8Array): ToolImage {
  return {
    mediaType,
    data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64"),
  };
}
