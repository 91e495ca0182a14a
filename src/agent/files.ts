import { toAppError } from "../lib/errors.ts";
import { createLimit } from "../lib/limit.ts";
import type { Log } from "../lib/log.ts";
import type { FetchedFile } from "../platforms/contract.ts";
import type { NewMessage, Part } from "../store/records.ts";
import { mediaTypeOf } from "../tools/file/kinds.ts";
import { headOf } from "../tools/text.ts";
import { wrapUntrusted } from "../tools/untrusted.ts";
import type { FetchFile, MessageFile } from "./contract.ts";
import { type Document, documentParts } from "./document-parts.ts";

/** Of one message; some more are named, and all others counted. */
const MAX_FILES = 10;
const MAX_NAMED = 20;
/** As each of them is in memory as a whole. */
const PARALLEL_FETCHES = 3;
/** The largest recording that is handed to a model; the history is read with all that is in it. */
const MAX_AUDIO_BYTES = 10 * 1024 * 1024;
/** Of bytes that tell nothing. */
const UNKNOWN_TYPE = "application/octet-stream";
const MAX_NAME_CHARS = 200;
/** A base for the relative links of a page that has no address. */
const NO_URL = "https://file.invalid/";

const NAMES: Readonly<Record<MessageFile["kind"], string>> = {
  image: "An image",
  voice: "A voice note",
  audio: "A recording",
  video: "A video",
  document: "A file",
};
/** What the model is told of a file that it has not got. */
const LACKING = {
  video: "You cannot watch it: say so if it matters.",
  gone: "It can no longer be fetched: say so, and ask for it again.",
  failed: "It could not be fetched: say so, and ask for it again.",
  tooMany: `Only the first ${MAX_FILES} files of a message are read: say so.`,
  tooLong: `Recordings of more than ${MAX_AUDIO_BYTES} bytes are not played to you: say so.`,
};

/** What files are fetched with. */
export interface FileParts {
  /** Absent where files of chats cannot be fetched. */
  fetchFile: FetchFile | undefined;
  signal: AbortSignal;
  log: Log;
}

/**
 * The files of a message as one further message for the model: text between untrusted marks, images and recordings as they
 * are. Of everything else, and of what cannot be fetched, it is told what came and why it has not got it: a turn never fails for
 * a file. Throws only the reason of `signal`.
 */
export async function fetchFiles(files: readonly MessageFile[], parts: FileParts): Promise<NewMessage> {
  const limit = createLimit(PARALLEL_FETCHES);
  const fetched = await Promise.all(
    files
      .slice(0, MAX_NAMED)
      .map((file, index) =>
        index < MAX_FILES ? limit(() => partsOf(file, parts)) : [note(file, LACKING.tooMany)],
      ),
  );
  return { role: "user", parts: [...fetched.flat(), ...furtherFiles(files.length - MAX_NAMED)] };
}

function furtherFiles(more: number): Part[] {
  return more > 0 ? [{ type: "text", text: `[${more} more files came. ${LACKING.tooMany}]` }] : [];
}

async function partsOf(file: MessageFile, { fetchFile, signal, log }: FileParts): Promise<Part[]> {
  if (file.kind === "video") return [note(file, LACKING.video)];
  if (!fetchFile) return [note(file, LACKING.gone)];
  try {
    const fetched = await fetchFile(file, signal);
    const sound = isSound(file) ? soundType(fetched) : null;
    return sound === null
      ? await documentParts(asDocument(fetched), sourceOf(file), signal)
      : soundParts(file, sound, fetched.bytes);
  } catch (error) {
    signal.throwIfAborted();
    const { message } = toAppError(error);
    log.warn("a file of a message could not be read", { platform: file.platform, kind: file.kind, error });
    return [note(file, LACKING.failed, message)];
  }
}

function isSound({ kind, mediaType }: MessageFile): boolean {
  return kind === "voice" || kind === "audio" || (kind === "document" && isAudio(mediaType));
}

function isAudio(mediaType: string | undefined): boolean {
  return mediaType !== undefined && bareType(mediaType).startsWith("audio/");
}

/** A media type without its parameters; empty for what is none. */
function bareType(mediaType: string): string {
  return /^[\w.+-]+\/[\w.+-]+/.exec(mediaType)?.[0].toLowerCase() ?? "";
}

/** The media type of a recording by its bytes, then by what it is said to be; null for what is none. */
function soundType({ bytes, mediaType }: FetchedFile): string | null {
  const known = mediaTypeOf(bytes, "");
  const said = isAudio(mediaType) ? bareType(mediaType) : null;
  if (isAudio(known)) return known;
  if (known === UNKNOWN_TYPE) return said;
  const container = /^video\/(mp4|webm)$/.exec(known)?.[1]; // it holds sound alone as well
  return container === undefined || said === null ? null : `audio/${container}`;
}

/** What was spoken into the chat is the message itself; any other recording may be anybody's. */
function soundParts(file: MessageFile, mediaType: string, bytes: Uint8Array): Part[] {
  if (bytes.length > MAX_AUDIO_BYTES) return [note(file, LACKING.tooLong)];
  const says =
    file.kind === "voice"
      ? "[The user's message, spoken, follows.]"
      : wrapUntrusted("The recording that follows.", sourceOf(file));
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
  return [
    { type: "text", text: says },
    { type: "audio", mediaType, data },
  ];
}

function asDocument({ bytes, mediaType }: FetchedFile): Document {
  const contentType = bareType(mediaType);
  const charset = /\bcharset=[\w:.-]+/i.exec(mediaType)?.[0] ?? "";
  const headers = new Headers({ "content-type": `${contentType}; ${charset}` });
  return { bytes, contentType, headers, finalUrl: NO_URL };
}

function note(file: MessageFile, sentence: string, why?: string): Part {
  const { name, mediaType, sizeBytes } = file;
  const facts = [
    name === undefined ? "no name" : `name: ${headOf(name, MAX_NAME_CHARS)}`,
    mediaType === undefined ? "unknown type" : `type: ${headOf(mediaType, MAX_NAME_CHARS)}`,
    sizeBytes === undefined ? "unknown size" : `size: ${sizeBytes} bytes`,
    ...(why === undefined ? [] : [why]),
  ];
  const block = wrapUntrusted(facts.join("\n"), sourceOf(file));
  return { type: "text", text: `[${NAMES[file.kind]} came with the message. ${sentence}]\n${block}` };
}

function sourceOf({ platform, kind, name }: MessageFile): string {
  return headOf(`${platform}: ${name ?? kind}`, MAX_NAME_CHARS);
}
