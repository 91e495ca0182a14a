import type { Message } from "grammy/types";
import type { FileKind, InboundFile } from "../contract.ts";

/** A file of a message as the Bot API names it. */
interface TelegramFile {
  file_id: string;
  file_name?: string;
  mime_type?: string;
  file_size?: number;
}

/** The files of a message: one, or none. */
export function filesOf(message: Message): InboundFile[] {
  const { photo, voice, audio, video, video_note: videoNote, animation, document, sticker } = message;
  if (photo) return photo.slice(-1).map((largest) => file("image", largest, "image/jpeg"));
  if (voice) return [file("voice", voice, "audio/ogg")];
  if (audio) return [file("audio", audio, "audio/mpeg")];
  if (video) return [file("video", video, "video/mp4")];
  if (videoNote) return [file("video", videoNote, "video/mp4")];
  if (animation) return [file("video", animation, "video/mp4")]; // before `document`, which Telegram sets as well
  if (document) return [file(kindOf(document.mime_type), document)];
  if (sticker && !sticker.is_animated && !sticker.is_video) return [file("image", sticker, "image/webp")];
  return [];
}

function file(
  kind: FileKind,
  { file_id, file_name, mime_type, file_size }: TelegramFile,
  usual?: string,
): InboundFile {
  const mediaType = mime_type ?? usual;
  return {
    kind,
    ref: file_id,
    ...(file_name === undefined ? {} : { name: file_name }),
    ...(mediaType === undefined ? {} : { mediaType }),
    ...(file_size === undefined ? {} : { sizeBytes: file_size }),
  };
}

/** What a file that was sent as a file is. Only pictures that models can see count as pictures. */
function kindOf(mediaType = ""): FileKind {
  if (/^image\/(jpeg|png|webp|gif)$/.test(mediaType)) return "image";
  if (mediaType.startsWith("audio/")) return "audio";
  if (mediaType.startsWith("video/")) return "video";
  return "document";
}
