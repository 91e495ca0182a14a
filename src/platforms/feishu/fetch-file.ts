import { type FetchedFile, type InboundFile, PlatformError } from "../contract.ts";
import { readUpTo } from "../json-api.ts";
import { type FeishuApi, pathOf } from "./api.ts";
import { readFileRef } from "./file-ref.ts";

/** What says nothing about a file. */
const ANY_TYPE = "application/octet-stream";

/**
 * Fetches the bytes of a file of a message (open.feishu.cn/document/server-docs/im-v1/message/get-2). Rejects with `refused` for one
 * that is larger than `maxBytes`, whether Feishu says so or not.
 */
export async function fetchFile(
  api: FeishuApi,
  file: InboundFile,
  maxBytes: number,
  signal: AbortSignal,
): Promise<FetchedFile> {
  const ref = readFileRef(file.ref);
  if (ref === null) throw new PlatformError("refused", "This is no file of Feishu's.");
  const path = pathOf`/im/v1/messages/${ref.messageId}/resources/${ref.key}`;
  const response = await api.download({ path, query: { type: ref.type } }, signal);
  const bytes = await readUpTo("Feishu", response, maxBytes, signal);
  const told = response.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? ANY_TYPE;
  return {
    bytes,
    mediaType: told === ANY_TYPE || told === "" ? (file.mediaType ?? ANY_TYPE) : told,
    ...(file.name === undefined ? {} : { name: file.name }),
  };
}
