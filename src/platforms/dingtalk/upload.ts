import { extname } from "node:path";
import { type OutboundFile, PlatformError } from "../contract.ts";
import { tooLarge } from "../file-sizes.ts";
import type { DingTalkApi } from "./api.ts";
import type { Template } from "./message.ts";

const PICTURE = /^image\/(png|jpeg|gif|bmp)$/;

/**
 * Uploads a file and makes a message of it. Pictures are shown; everything else is a file: a sound would need to know how long
 * it is, and a film its first picture.
 */
export async function templateOfFile(
  api: DingTalkApi,
  { name, mediaType, bytes }: OutboundFile,
  signal: AbortSignal,
): Promise<Template> {
  const problem = tooLarge("dingtalk", "DingTalk", { name, sizeBytes: bytes.byteLength });
  if (problem !== null) throw new PlatformError("refused", problem);
  const isPicture = PICTURE.test(mediaType);
  // The bytes of an outbound file are its own: no view of shared memory.
  const file = new File([bytes as Uint8Array<ArrayBuffer>], name, { type: mediaType });
  const id = await api.upload(isPicture ? "image" : "file", file, signal);
  if (isPicture) return { msgKey: "sampleImageMsg", msgParam: JSON.stringify({ photoURL: id }) };
  const parameters = { mediaId: id, fileName: name, fileType: extname(name).slice(1) || "file" };
  return { msgKey: "sampleFile", msgParam: JSON.stringify(parameters) };
}
