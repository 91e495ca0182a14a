import { type Static, Type } from "typebox";
import { type Opened, openBeneath } from "../../lib/beneath.ts";
import { readAt, readWhole } from "../../lib/beneath-read.ts";
import { defineTool, type Tool, type ToolResult } from "../contract.ts";
import { MAX_IMAGE_BYTES, SEEN_IMAGE_TYPES, toolImage } from "../images.ts";
import { errorResult } from "../result.ts";
import { stringEnum } from "../string-enum.ts";
import { wrapUntrusted } from "../untrusted.ts";
import { answer } from "./answer.ts";
import { type Encoding, encodingOf } from "./encoding.ts";
import { certainTypeOf, mediaTypeOf } from "./kinds.ts";
import type { Locator } from "./locate.ts";
import { findLine, type Page, readPage, type TextFile } from "./page.ts";
import { closed, pathField } from "./schema.ts";

const HEAD_BYTES = 64 * 1024;
const DEFAULT_LINES = 2_000;

const input = Type.Object(
  {
    path: pathField(),
    offset: Type.Optional(Type.Integer({ minimum: 1, description: "First line." })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, description: "Lines." })),
    byte_offset: Type.Optional(Type.Integer({ minimum: 0, description: "Instead of offset." })),
  },
  closed,
);

const output = Type.Object(
  {
    path: Type.String(),
    kind: stringEnum(["text", "image", "binary"]),
    size_bytes: Type.Integer(),
    media_type: Type.Optional(Type.String()),
    encoding: Type.Optional(Type.String()),
    content: Type.Optional(Type.String()),
    byte_offset: Type.Optional(Type.Integer()),
    truncated: Type.Boolean(),
    next_offset: Type.Optional(Type.Integer()),
    next_byte_offset: Type.Optional(Type.Integer()),
  },
  closed,
);

/** Reads text a page at a time, shows images, describes other files. Memory does not depend on the size of the file. */
export function readTool({ locate }: Locator): Tool {
  return defineTool({
    name: "file_read",
    group: "file",
    title: "Read file",
    description: "Read a text file, a page at a time, or look at an image. Other files are described.",
    input,
    output,
    effect: "read",
    run: (wanted, { signal }) =>
      answer(async () => {
        const { root, below, name } = locate(wanted.path, "read");
        using file = openBeneath(root, below);
        const path = name(below);
        const head = await readAt(file.fd, path, 0, HEAD_BYTES);
        const encoding = certainTypeOf(head) ? null : encodingOf(head, head.length < HEAD_BYTES);
        if (!encoding) return await describe(file, path, head);
        return await page({ fd: file.fd, path, encoding, sizeBytes: file.stats.size }, wanted, signal);
      }),
  });
}

async function describe({ fd, stats }: Opened, path: string, head: Buffer): Promise<ToolResult> {
  const mediaType = mediaTypeOf(head, path);
  const facts = { path, size_bytes: stats.size, media_type: mediaType, truncated: false };
  const line = `${path}: ${mediaType}, ${stats.size} bytes`;
  if (!SEEN_IMAGE_TYPES.includes(mediaType))
    return { text: `${line}. It is not text.`, structured: { ...facts, kind: "binary" } };
  if (stats.size > MAX_IMAGE_BYTES)
    return {
      text: `${line}. Images of more than ${MAX_IMAGE_BYTES} bytes are not shown.`,
      structured: { ...facts, kind: "image", truncated: true },
    };
  const image = toolImage(mediaType, await readWhole(fd, path, MAX_IMAGE_BYTES));
  return { text: line, structured: { ...facts, kind: "image" }, images: [image] };
}

async function page(file: TextFile, wanted: Static<typeof input>, signal: AbortSignal): Promise<ToolResult> {
  const { path, encoding, sizeBytes } = file;
  if (wanted.byte_offset !== undefined && wanted.offset !== undefined)
    return errorResult("Give offset (lines) or byte_offset, not both.");
  const line = wanted.byte_offset === undefined ? (wanted.offset ?? 1) : null;
  const start = await startOf(file, line, wanted.byte_offset ?? 0, signal);
  if (typeof start === "string") return errorResult(start);
  const read = await readPage(file, start, wanted.limit ?? DEFAULT_LINES);
  const truncated = read.endByte < sizeBytes && read.endByte > read.startByte; // it may have become shorter
  const nextLine = truncated && line !== null && read.endsLine ? line + read.lines : null;
  return {
    text: `${headline(file, read, line)}\n${wrapUntrusted(read.text, path)}${truncated ? more(read, nextLine) : ""}`,
    structured: {
      path,
      kind: "text",
      size_bytes: sizeBytes,
      encoding: encoding.name,
      content: read.text,
      byte_offset: read.startByte,
      truncated,
      ...(nextLine === null ? {} : { next_offset: nextLine }),
      ...(truncated ? { next_byte_offset: read.endByte } : {}),
    },
  };
}

/** Where to begin, or what is wrong with it. */
async function startOf(file: TextFile, line: number | null, byteOffset: number, signal: AbortSignal) {
  if (line === null) {
    if (byteOffset > file.sizeBytes) return `${file.path} has only ${file.sizeBytes} bytes.`;
    return byteOffset - (byteOffset % file.encoding.unitBytes);
  }
  const found = await findLine(file, line, signal);
  return "byte" in found ? found.byte : `${file.path} has only ${found.lines} lines.`;
}

function headline(
  { path, encoding, sizeBytes }: TextFile,
  { lines, startByte, endByte }: Page,
  line: number | null,
) {
  const place =
    line === null || lines === 0 ? `bytes ${startByte}-${endByte}` : `lines ${line}-${line + lines - 1}`;
  return `${path}: ${place}, ${sizeBytes} bytes in all${encodingNote(encoding)}`;
}

function encodingNote({ name, markBytes }: Encoding): string {
  if (name === "unknown")
    return ". It is not UTF-8: what could not be read shows as \ufffd, and it cannot be edited";
  if (name !== "utf-8") return `, ${name}`;
  return markBytes > 0 ? ", with a byte order mark" : "";
}

function more({ endByte }: Page, nextLine: number | null): string {
  const next =
    nextLine === null ? `byte_offset ${endByte}` : `offset ${nextLine} (or byte_offset ${endByte})`;
  return `\nMore follows: ${next}.`;
}
