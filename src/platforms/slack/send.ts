import { type OutboundFile, type OutboundMessage, PlatformError, type Sent } from "../contract.ts";
import type { SlackApi } from "./api.ts";
import { clientMessageId, contentOf } from "./message.ts";

/** Posts a message, and its files after it. Nothing of it unfurls: an address in an answer is fetched by nobody. */
export async function post(api: SlackApi, message: OutboundMessage, signal: AbortSignal): Promise<Sent> {
  // The bytes go first: when that fails, nothing is to be seen yet.
  const files = await Promise.all((message.files ?? []).map((file) => upload(api, file, signal)));
  const [file] = files;
  // A file alone makes a message that cannot be changed; the id of the file names it all the same.
  const isFileAlone = file !== undefined && message.markdown.trim() === "";
  const sent = isFileAlone ? { messageId: file.id } : await postText(api, message, signal);
  if (file !== undefined) await share(api, files, message, signal);
  return sent;
}

async function postText(api: SlackApi, message: OutboundMessage, signal: AbortSignal): Promise<Sent> {
  const args = {
    channel: message.address.chat,
    ...threadOf(message),
    ...contentOf(message),
    mrkdwn: true,
    unfurl_links: false,
    unfurl_media: false,
    client_msg_id: clientMessageId(message.idempotencyId),
  };
  const { ts } = await api.call<{ ts?: string }>("chat.postMessage", args, signal);
  if (ts === undefined)
    throw new PlatformError("unavailable", "Slack took the message and told no id of it.");
  return { messageId: ts };
}

function threadOf({ address }: OutboundMessage): { thread_ts?: string } {
  return address.thread === undefined ? {} : { thread_ts: address.thread };
}

/** A file that Slack has and shows nowhere yet. */
interface Uploaded {
  id: string;
  title: string;
}

/** docs.slack.dev/reference/methods/files.getUploadURLExternal */
async function upload(api: SlackApi, file: OutboundFile, signal: AbortSignal): Promise<Uploaded> {
  const place = await api.call<{ upload_url?: string; file_id?: string }>(
    "files.getUploadURLExternal",
    { filename: file.name, length: file.bytes.byteLength },
    signal,
  );
  const url = URL.parse(place.upload_url ?? "");
  if (url === null || !api.trusts(url))
    throw new PlatformError("unavailable", "Slack gave no address of its own to upload the file to.");
  // The bytes of an outbound file are its own: no view of shared memory.
  const body = new Blob([file.bytes as Uint8Array<ArrayBuffer>], { type: file.mediaType });
  const answer = await fetch(url, { method: "POST", body, redirect: "error", signal }).catch(
    (cause: unknown) => {
      signal.throwIfAborted();
      throw new PlatformError("unavailable", "The file could not be uploaded to Slack.", { cause });
    },
  );
  await answer.body?.cancel();
  if (!answer.ok)
    throw new PlatformError("unavailable", `Slack answered the upload of the file with ${answer.status}.`);
  return { id: place.file_id ?? "", title: file.name };
}

async function share(
  api: SlackApi,
  files: readonly Uploaded[],
  message: OutboundMessage,
  signal: AbortSignal,
): Promise<void> {
  const place = { channel_id: message.address.chat, ...threadOf(message) };
  await api.call("files.completeUploadExternal", { files, ...place }, signal);
}
