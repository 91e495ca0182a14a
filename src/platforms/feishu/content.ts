import type { FileKind, InboundFile } from "../contract.ts";
import { type Fields, fieldsOf, objectsOf, textOf } from "../fields.ts";
import { typeByName } from "../media-type.ts";
import { fileRef } from "./file-ref.ts";
import { readPost } from "./post.ts";

/** What a message says. */
export interface Content {
  /** With placeholders for who is mentioned. What is no text is told in brackets. */
  text: string;
  files: InboundFile[];
}

/** What a message shows in the place of a card that its reader cannot show, and so tells nothing. */
const UPGRADE_NOTICE = /请升级至最新版本客户端|upgrade to the latest version/i;

type Reader = (fields: Fields, messageId: string) => Content;

const READERS: Readonly<Record<string, Reader>> = {
  text: ({ text }) => said(textOf(text)),
  post: (fields, messageId) => {
    const { text, images, videos } = readPost(fields);
    const files = [
      ...images.flatMap((key) => fileOf("image", key, messageId)),
      ...videos.flatMap((key) => fileOf("video", key, messageId, { mediaType: "video/mp4" })),
    ];
    return { text, files };
  },
  image: ({ image_key: key }, messageId) => ({ text: "", files: fileOf("image", textOf(key), messageId) }),
  file: ({ file_key: key, file_name: name }, messageId) => {
    const named = { name: textOf(name), mediaType: textOf(name) === "" ? "" : typeByName(textOf(name)) };
    return { text: "", files: fileOf(kindOf(named.mediaType), textOf(key), messageId, named) };
  },
  // What is spoken into the chat comes as Opus in Ogg.
  audio: ({ file_key: key }, messageId) => ({
    text: "",
    files: fileOf("voice", textOf(key), messageId, { mediaType: "audio/ogg" }),
  }),
  media: ({ file_key: key, file_name: name }, messageId) => ({
    text: "",
    files: fileOf("video", textOf(key), messageId, { name: textOf(name), mediaType: "video/mp4" }),
  }),
  // Feishu hands out no bytes of stickers and folders.
  sticker: () => said("[sticker]"),
  folder: ({ file_name: name }) => told("folder", textOf(name)),
  interactive: (fields) => said(cardText(fields)),
  share_chat: ({ chat_id: id }) => told("card of a group", textOf(id)),
  share_user: ({ user_id: id }) => told("card of a person", textOf(id)),
  location: ({ name, latitude, longitude }) =>
    told("location", `${textOf(name)} (${textOf(latitude)}, ${textOf(longitude)})`),
  hongbao: () => said("[red packet]"),
  video_chat: ({ topic }) => told("meeting", textOf(topic)),
  vote: ({ topic, options }) =>
    told(
      "vote",
      [textOf(topic), ...(Array.isArray(options) ? options.map((one) => `- ${textOf(one)}`) : [])].join(" "),
    ),
  todo: ({ summary }) => told("task", readPost(fieldsOf(summary)).text),
  calendar: ({ summary }) => told("event", textOf(summary)),
  general_calendar: ({ summary }) => told("event", textOf(summary)),
  share_calendar_event: ({ summary }) => told("event", textOf(summary)),
  merge_forward: () => said("[forwarded messages]"),
};

/** Reads the content of a message, which is JSON in a text. What is of an unknown type, or cannot be read, is told as such. */
export function readContent(type: string, content: string, messageId: string): Content {
  const read = Object.hasOwn(READERS, type) ? READERS[type] : undefined;
  return read === undefined ? said(`[${type}]`) : read(fieldsIn(content), messageId);
}

function fieldsIn(content: string): Fields {
  try {
    return fieldsOf(JSON.parse(content));
  } catch {
    return {}; // a text that holds nothing
  }
}

/** The words of a card as they come with a message: lines of elements. */
function cardText(fields: Fields): string {
  const lines = Array.isArray(fields["elements"]) ? fields["elements"] : [];
  const words = lines.map((line) =>
    objectsOf(Array.isArray(line) ? line : [line])
      .map(({ text }) => textOf(text) || textOf(fieldsOf(text)["content"]))
      .join(""),
  );
  const text = [textOf(fields["title"]), ...words].filter((one) => one.trim() !== "").join("\n");
  return text === "" || UPGRADE_NOTICE.test(text) ? "[card]" : text;
}

function said(text: string): Content {
  return { text, files: [] };
}

function told(what: string, details: string): Content {
  return said(details.trim() === "" ? `[${what}]` : `[${what}: ${details.trim()}]`);
}

function fileOf(
  kind: FileKind,
  key: string,
  messageId: string,
  { name = "", mediaType = "" } = {},
): InboundFile[] {
  if (key === "") return [];
  const ref = fileRef({ messageId, type: kind === "image" ? "image" : "file", key });
  return [{ kind, ref, ...(name === "" ? {} : { name }), ...(mediaType === "" ? {} : { mediaType }) }];
}

/** What was sent as a file; a picture is one only if models can see it. */
function kindOf(mediaType: string): FileKind {
  if (mediaType.startsWith("audio/")) return "audio";
  return mediaType.startsWith("video/") ? "video" : "document";
}
