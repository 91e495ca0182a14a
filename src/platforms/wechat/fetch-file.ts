import { type FetchedFile, type InboundFile, PlatformError } from "../contract.ts";
import { readUpTo, requestBytes } from "../json-api.ts";
import type { WeixinApi } from "../weixin-api.ts";
import { describedBy } from "../weixin-media.ts";
import { isDenied } from "./errors.ts";
import type { Timing } from "./timing.ts";

/** Where WeChat keeps pictures; addresses elsewhere are not followed. */
const PICTURE_HOST = /(?:^|\.)qpic\.cn$/;

/** What fetching works with. */
export interface FetchParts {
  api: WeixinApi;
  /** Another server that speaks the API, which may have the pictures, too. */
  apiBase: string | undefined;
  timing: Timing;
}

/**
 * The bytes of a file that came with a message, for three days (https://developers.weixin.qq.com/doc/offiaccount/Asset_Management/Get_temporary_materials.html).
 * Accounts that may not fetch files have pictures by their public address.
 */
export async function fetchFile(
  parts: FetchParts,
  file: InboundFile,
  maxBytes: number,
  signal: AbortSignal,
): Promise<FetchedFile> {
  const { mediaType = "application/octet-stream" } = file;
  const [id, address] = refOf(file);
  try {
    if (id === "") return await fetchPicture(parts, address, maxBytes, signal);
    const call = { path: "media/get", query: { media_id: id } };
    const { bytes, headers } = await parts.api.download(call, maxBytes, signal);
    return { bytes, mediaType, ...describedBy(headers) };
  } catch (error) {
    if (!isDenied(error) || address === "") throw error;
    return fetchPicture(parts, address, maxBytes, signal);
  }
}

async function fetchPicture(
  { apiBase, timing }: FetchParts,
  address: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<FetchedFile> {
  const url = URL.parse(address);
  const isOurs = url?.origin === URL.parse(apiBase ?? "")?.origin || PICTURE_HOST.test(url?.hostname ?? "");
  if (url === null || !isOurs || !/^https?:$/.test(url.protocol))
    throw new PlatformError("refused", "The picture is not on a server of WeChat.");
  const answer = await requestBytes("WeChat", { method: "GET", url, timeoutMs: timing.transferMs, signal });
  if (!answer.ok || !answer.headers.get("content-type")?.startsWith("image/"))
    throw new PlatformError("refused", "WeChat did not answer with a picture.");
  const bytes = await readUpTo("WeChat", answer, maxBytes, signal);
  return { bytes, mediaType: "image/jpeg", ...describedBy(answer.headers) };
}

function refOf({ ref }: InboundFile): readonly [id: string, address: string] {
  try {
    const [id, address] = JSON.parse(ref) as unknown[];
    return [String(id ?? ""), String(address ?? "")];
  } catch {
    return ["", ""]; // none that was made here
  }
}
