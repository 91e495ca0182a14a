import type { FetchedFile, InboundFile } from "../../contract.ts";
import type { WeixinApi } from "../../weixin-api.ts";
import { describedBy } from "../../weixin-media.ts";

/** The bytes of a file that came with a message (https://developer.work.weixin.qq.com/document/path/90254), for three days. */
export async function fetchFile(
  api: WeixinApi,
  { ref, mediaType }: InboundFile,
  maxBytes: number,
  signal: AbortSignal,
): Promise<FetchedFile> {
  const call = { path: "media/get", query: { media_id: ref } };
  const { bytes, headers } = await api.download(call, maxBytes, signal);
  return { bytes, mediaType: mediaType ?? "application/octet-stream", ...describedBy(headers) };
}
