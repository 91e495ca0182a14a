import { type FetchedFile, type InboundFile, PlatformError } from "../contract.ts";
import { textOf } from "../fields.ts";
import { readUpTo } from "../json-api.ts";
import { toldType, typeByName } from "../media-type.ts";
import type { DingTalkApi } from "./api.ts";

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
  const mediaType = toldType(answer.headers) ?? typeByName(name ?? "");
  return { bytes, mediaType, ...(name === undefined ? {} : { name }) };
}
