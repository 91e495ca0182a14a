import { InputFile, type RawApi } from "grammy";
import type { Message, MessageEntity } from "grammy/types";
import { type OutboundFile, type OutboundMessage, PlatformError, type Sent } from "../contract.ts";
import { tooLarge } from "../file-sizes.ts";
import { toPlainText } from "../plain.ts";
import { adapting, type Form, textOf } from "./adapt.ts";
import type { GrammySignal, TelegramClient } from "./client.ts";
import { TelegramError } from "./errors.ts";
import { keyboardOf, type Place, placeOf } from "./place.ts";

const MAX_CAPTION_CHARS = 1024;

/** What stands beside a file. */
type Extras = Place & { caption?: string; parse_mode?: "HTML"; caption_entities?: MessageEntity[] };
type Method = (api: RawApi, file: InputFile, extras: Extras, signal: GrammySignal) => Promise<Message>;

const asDocument: Method = (api, document, extras, signal) =>
  api.sendDocument({ document, ...extras }, signal);
const asPhoto: Method = (api, photo, extras, signal) => api.sendPhoto({ photo, ...extras }, signal);
/** How a file is shown, by its media type; whatever is not here is shown as a file. */
const METHODS: Readonly<Record<string, Method>> = {
  "image/jpeg": asPhoto,
  "image/png": asPhoto,
  "image/webp": asPhoto,
  "audio/ogg": (api, voice, extras, signal) => api.sendVoice({ voice, ...extras }, signal),
  "audio/mpeg": (api, audio, extras, signal) => api.sendAudio({ audio, ...extras }, signal),
  "audio/mp4": (api, audio, extras, signal) => api.sendAudio({ audio, ...extras }, signal),
  "video/mp4": (api, video, extras, signal) => api.sendVideo({ video, ...extras }, signal),
};

/** True for a text that can stand below a file. */
export function fitsCaption(markdown: string): boolean {
  return toPlainText(markdown).length <= MAX_CAPTION_CHARS;
}

export interface Upload {
  client: TelegramClient;
  message: OutboundMessage;
  file: OutboundFile;
  /** Whether the text and the buttons go with the file. */
  isCaption: boolean;
  timeoutMs: number;
  signal: AbortSignal;
}

/** Sends one file of a message. What Telegram does not take as a picture, a sound or a film is sent as a file. */
export async function sendFile({
  client,
  message,
  file,
  isCaption,
  timeoutMs,
  signal,
}: Upload): Promise<Sent> {
  const problem = tooLarge("telegram", "Telegram", { name: file.name, sizeBytes: file.bytes.length });
  if (problem !== null) throw new PlatformError("refused", problem);
  const upload = (method: Method) =>
    adapting(message, (form) =>
      client.call((api, ended) => method(api, inputFile(file), extrasOf(message, form, isCaption), ended), {
        signal,
        timeoutMs,
        retries: true,
      }),
    );
  const method = METHODS[file.mediaType] ?? asDocument;
  const { message_id: id } = await upload(method).catch((error: unknown) => {
    const isRefused = error instanceof TelegramError && error.kind === "refused" && method !== asDocument;
    if (!isRefused) throw error;
    return upload(asDocument);
  });
  return { messageId: String(id) };
}

function extrasOf(message: OutboundMessage, form: Form, isCaption: boolean): Extras {
  const place = placeOf(message, form.isInTopic);
  if (!isCaption) return place;
  const { text, entities, ...mode } = textOf(message, form);
  const marks = entities === undefined ? mode : { caption_entities: entities };
  return { ...place, ...(text === "" ? {} : { caption: text, ...marks }), ...keyboardOf(message.buttons) };
}

/** grammY writes the name as it is, and one with a space or a semicolon would end there: the quotes are ours. */
function inputFile({ name, bytes }: OutboundFile): InputFile {
  return new InputFile(bytes, `"${name.replace(/["\\\r\n]/g, "_")}"`);
}
