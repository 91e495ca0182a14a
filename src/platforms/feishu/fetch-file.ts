import { type FetchedFile, type InboundFile, PlatformError } from "../contract.ts";
import { readUpTo } from "../json-api.ts";
import { ANY_TYPE, toldType } from "../media-type.ts";
import { type FeishuApi, pathOf } from "./api.ts";
import { readFileRef } from "./file-ref.ts";

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
  return {
    bytes,
    mediaType: toldType(response.headers) ?? file.mediaType ?? ANY_TYPE,
    ...(file.name === undefined ? {} : { name: file.name }),
  };
}
