import { extname } from "node:path";
import { type OutboundFile, PlatformError } from "../contract.ts";
import { fieldsOf, textOf } from "../fields.ts";
import { tooLarge } from "../file-sizes.ts";
import type { FeishuApi } from "./api.ts";
import type { NewMessage } from "./messages.ts";
import type { Timing } from "./timing.ts";

/** open.feishu.cn/document/server-docs/im-v1/image/create */
const MAX_IMAGE_BYTES = 10 * 1024 * 1024;
const IMAGE_TYPES: ReadonlySet<string> = new Set([
  "image/jpeg",
  "image/png",
  "image/webp",
  "image/gif",
  "image/bmp",
]);
/** By the end of its name, Feishu shows what a file is; anything else is a `stream`. */
const FILE_TYPES: Readonly<Record<string, string>> = {
  ".pdf": "pdf",
  ".doc": "doc",
  ".docx": "doc",
  ".xls": "xls",
  ".xlsx": "xls",
  ".ppt": "ppt",
  ".pptx": "ppt",
};

/** A file that Feishu has and shows nowhere yet, and the message that shows it. */
export interface Uploaded extends Pick<NewMessage, "type" | "content"> {
  file: OutboundFile;
}

/** Uploads a file as what people see it best as: a picture, a sound, a film, or a file. */
export async function upload(
  api: FeishuApi,
  file: OutboundFile,
  timing: Timing,
  signal: AbortSignal,
): Promise<Uploaded> {
  const { mediaType, bytes } = file;
  if (IMAGE_TYPES.has(mediaType) && bytes.length <= MAX_IMAGE_BYTES) {
    const form = formOf({ image_type: "message" }, "image", file);
    const key = await send(api, "/im/v1/images", "image_key", form, timing, signal);
    return { file, type: "image", content: { image_key: key } };
  }
  if (mediaType === "audio/ogg" || mediaType === "audio/opus")
    return { file, type: "audio", content: { file_key: await sendFile(api, file, "opus", timing, signal) } };
  if (mediaType === "video/mp4")
    return { file, type: "media", content: { file_key: await sendFile(api, file, "mp4", timing, signal) } };
  return uploadAsFile(api, file, timing, signal);
}

/** Uploads a file that is to be shown as a file, whatever it holds. */
export async function uploadAsFile(
  api: FeishuApi,
  file: OutboundFile,
  timing: Timing,
  signal: AbortSignal,
): Promise<Uploaded> {
  const type = FILE_TYPES[extname(file.name).toLowerCase()] ?? "stream";
  return { file, type: "file", content: { file_key: await sendFile(api, file, type, timing, signal) } };
}

async function sendFile(
  api: FeishuApi,
  file: OutboundFile,
  type: string,
  timing: Timing,
  signal: AbortSignal,
): Promise<string> {
  const { name, bytes } = file;
  const problem = tooLarge("feishu", "Feishu", { name, sizeBytes: bytes.length });
  if (problem !== null) throw new PlatformError("refused", problem);
  const form = formOf({ file_type: type, file_name: name }, "file", file);
  return send(api, "/im/v1/files", "file_key", form, timing, signal);
}

async function send(
  api: FeishuApi,
  path: string,
  key: string,
  body: FormData,
  { transferMs: timeoutMs }: Timing,
  signal: AbortSignal,
): Promise<string> {
  const uploaded = textOf(fieldsOf(await api.call({ method: "POST", path, body, timeoutMs }, signal))[key]);
  if (uploaded === "") throw new PlatformError("unavailable", "Feishu took a file and told no key of it.");
  return uploaded;
}

/** The bytes of an outbound file are its own: no view of shared memory. */
function formOf(
  fields: Record<string, string>,
  name: string,
  { name: fileName, mediaType, bytes }: OutboundFile,
): FormData {
  const form = new FormData();
  for (const [key, value] of Object.entries(fields)) form.set(key, value);
  form.set(name, new Blob([bytes as Uint8Array<ArrayBuffer>], { type: mediaType }), fileName);
  return form;
}
