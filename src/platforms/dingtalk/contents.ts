import { AppError } from "../../lib/errors.ts";
import { parseJson } from "../../lib/json.ts";
import type { FileKind, InboundFile } from "../contract.ts";
import { type Fields, fieldsOf, objectsOf, textOf } from "../fields.ts";

/** What a message says and brings. */
export interface Content {
  text: string;
  files: readonly InboundFile[];
  /** They are messages of others, which it passes on. */
  isForward?: true;
}

const NOTHING: Content = { text: "", files: [] };
/** Messages of a forward that are read; more would only fill the model's memory. */
const MAX_FORWARDED = 50;

/**
 * The content of a message by its type (help.dingtalk.io/open/development/receive-message). `botId` is the robot's id as a user,
 * whose mention is left out.
 */
export function contentOf(type: string, message: Fields, botId: string): Content {
  const content = objectIn(message["content"]);
  switch (type) {
    case "text":
      return { text: textOf(fieldsOf(message["text"])["content"]).trim(), files: [] };
    case "richText":
      return richTextOf(content, botId);
    case "picture":
      return { text: "", files: fileOf("image", content) };
    case "audio": {
      // DingTalk has written down what was said: nobody has to listen to it.
      const said = textOf(content["recognition"]).trim();
      return said === "" ? { text: "", files: fileOf("voice", content) } : { text: said, files: [] };
    }
    case "video":
      return { text: "", files: fileOf("video", content) };
    case "file":
      return { text: "", files: fileOf("document", content) };
    case "chatRecord":
      return forwardOf(content, botId);
    default:
      return otherOf(type, message, content);
  }
}

/** What a message replies to, in words. Its content has no field of its own for each type. */
export function quotedContentOf(replied: Fields, botId: string): Content {
  const type = textOf(replied["msgType"]) || "text";
  const { content } = replied;
  if (type !== "text") return contentOf(type, { content }, botId);
  const text = textOf(objectIn(content)["text"]) || textOf(content);
  return { text: text.trim(), files: [] };
}

/** Messages that were forwarded as one, a line for each. What else than words a record has stands in the record itself. */
function forwardOf(content: Fields, botId: string): Content {
  const messages = recordsIn(content["chatRecord"])
    .slice(0, MAX_FORWARDED)
    .map((record) => {
      const isText = record["msgType"] === "text";
      const said = quotedContentOf(isText ? record : { ...record, content: record }, botId);
      return { name: textOf(record["senderNick"]), ...said };
    });
  const lines = messages.map(({ name, text, files }) => {
    const words = [...files.map(({ kind }) => `[${kind}]`), text].filter((part) => part !== "").join(" ");
    return `- ${name === "" ? "" : `${name}: `}${words.replaceAll("\n", "\n  ")}`;
  });
  const about = textOf(content["title"]) || textOf(content["summary"]);
  const text = ["[forwarded messages]", ...(lines.length > 0 ? lines : [about])].join("\n").trim();
  return { text, files: messages.flatMap(({ files }) => files), isForward: true };
}

function recordsIn(value: unknown): readonly Fields[] {
  return objectsOf(typeof value === "string" ? parsed(value) : value);
}

function richTextOf(content: Fields, botId: string): Content {
  const pieces = objectsOf(content["richText"]);
  const text = pieces.map((piece) => wordsOf(piece, botId)).join("");
  return { text: text.trim(), files: pieces.flatMap((piece) => fileOf("image", piece)) };
}

/** In messages that others refer to, a piece has other names than in one that comes. */
function wordsOf(piece: Fields, botId: string): string {
  if (piece["type"] !== "at") return textOf(piece["text"]) || textOf(piece["content"]);
  return textOf(piece["atUserId"]) === botId ? "" : `@${textOf(piece["atName"])} `;
}

/** What nobody has a field for is named, so that the answer can say that it cannot be read. */
function otherOf(type: string, message: Fields, content: Fields): Content {
  const text = textOf(fieldsOf(message["text"])["content"]) || textOf(content["text"]);
  if (text.trim() !== "") return { text: text.trim(), files: [] };
  const about = textOf(content["title"]) || textOf(content["summary"]);
  return type === "" ? NOTHING : { text: `[${type}${about && `: ${about}`}]`, files: [] };
}

function fileOf(kind: FileKind, content: Fields): InboundFile[] {
  const ref = textOf(content["downloadCode"]) || textOf(content["pictureDownloadCode"]);
  if (ref === "") return [];
  const name = textOf(content["fileName"]);
  return [{ kind, ref, ...(name === "" ? {} : { name }) }];
}

/** Some of DingTalk's ways deliver an object as JSON in a string. */
function objectIn(value: unknown): Fields {
  return fieldsOf(typeof value === "string" ? parsed(value) : value);
}

/** Undefined for a text that is no JSON. */
function parsed(text: string): unknown {
  try {
    return parseJson(new TextEncoder().encode(text));
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return undefined;
  }
}
