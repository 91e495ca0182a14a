import type { FileKind, InboundFile } from "../contract.ts";
import { type Fields, fieldsOf, objectsOf, textOf } from "../fields.ts";
import { asForeign } from "../foreign-files.ts";

/** What Slack says of a file whose bytes it does not have, or does not give. */
const WITHOUT_BYTES: ReadonlySet<string> = new Set(["tombstone", "hidden_by_limit", "external"]);

/** Where a file is, as `InboundFile.ref` tells it. */
export interface FileRef {
  fileId: string;
  /** The channel that the file must be shared in: set where only the text of the message names the file. */
  sharedIn?: string;
}

/**
 * The files of a message. An `app_mention` may come without its list of files; then the blocks of the text name them
 * (docs.slack.dev/reference/block-kit/block-elements/file-element).
 */
export function filesOf(event: Fields, channel: string): readonly InboundFile[] {
  const listed = objectsOf(event["files"]).flatMap((file) =>
    textOf(file["user"]) === textOf(event["user"]) ? listedFile(file) : asForeign(listedFile(file)),
  );
  if (Array.isArray(event["files"])) return listed;
  const named = new Set(objectsOf(event["blocks"]).flatMap(namedFileIds));
  return [...named].map((fileId) => ({ kind: "document", ref: `${fileId}@${channel}` }));
}

/** The parts of an `InboundFile.ref`. */
export function fileRef(ref: string): FileRef {
  const [fileId = "", sharedIn] = ref.split("@");
  return sharedIn === undefined ? { fileId } : { fileId, sharedIn };
}

function listedFile(file: Fields): InboundFile[] {
  const id = textOf(file["id"]);
  if (id === "" || WITHOUT_BYTES.has(textOf(file["mode"]))) return [];
  const [name, mediaType, size] = [textOf(file["name"]), textOf(file["mimetype"]), file["size"]];
  return [
    {
      kind: kindOf(textOf(file["subtype"]), mediaType),
      ref: id,
      ...(name === "" ? {} : { name }),
      ...(mediaType === "" ? {} : { mediaType }),
      ...(typeof size === "number" ? { sizeBytes: size } : {}),
    },
  ];
}

/** Clips that were recorded in Slack say so by their subtype; those with sound alone come as MP4 as well. */
function kindOf(subtype: string, mediaType: string): FileKind {
  if (subtype === "slack_audio") return "voice";
  if (subtype === "slack_video") return "video";
  const [kind] = mediaType.split("/");
  return kind === "image" || kind === "audio" || kind === "video" ? kind : "document";
}

function namedFileIds(block: Fields): string[] {
  if (block["type"] === "file" && textOf(block["file_id"]) !== "") return [textOf(block["file_id"])];
  return objectsOf(block["elements"]).flatMap((element) => namedFileIds(fieldsOf(element)));
}
