import { type FetchedFile, type InboundFile, PlatformError } from "../contract.ts";
import { textOf } from "../fields.ts";
import { readUpTo } from "../json-api.ts";
import type { DingTalkApi } from "./api.ts";

/** What says nothing about a file. */
const ANY_TYPE = "application/octet-stream";

/**
 * Fetches the bytes of a file by its download code
 * (help.dingtalk.io/open/development/download-the-file-content-of-the-robot-receiving-message).
 */
export async function fetchFile(
  api: DingTalkApi,
  { ref, name }: InboundFile,
  maxBytes: number,
  signal: AbortSignal,
): Promise<FetchedFile> {
  const json = { downloadCode: ref, robotCode: api.robotCode };
  const told = await api.call("POST", "v1.0/robot/messageFiles/download", json, "the file", signal);
  const url = URL.parse(textOf(told["downloadUrl"]));
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new PlatformError("refused", "DingTalk has no bytes of this file.");
  const answer = await api.download(url, signal);
  if (!answer.ok) {
    await answer.body?.cancel();
    const kind = answer.status === 429 || answer.status >= 500 ? "unavailable" : "refused";
    throw new PlatformError(kind, `DingTalk does not hand out the file: ${answer.status}.`);
  }
  const bytes = await readUpTo("DingTalk", answer, maxBytes, signal);
  return { bytes, mediaType: mediaTypeOf(answer, name), ...(name === undefined ? {} : { name }) };
}

function mediaTypeOf({ headers }: Response, name = ""): string {
  const told = headers.get("content-type")?.split(";")[0]?.trim();
  if (told && told !== ANY_TYPE) return told;
  return Bun.file(name).type.split(";")[0] ?? ANY_TYPE;
}
