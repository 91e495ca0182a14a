import { extname } from "node:path";

/** Kinds by the bytes that files of them begin with, `?` standing for any byte. */
const MAGIC: readonly (readonly [start: string, kind: string])[] = [
  ["\x89PNG\r\n\x1a\n", "image/png"],
  ["\xff\xd8\xff", "image/jpeg"],
  ["GIF87a", "image/gif"],
  ["GIF89a", "image/gif"],
  ["RIFF????WEBP", "image/webp"],
  ["RIFF????WAVE", "audio/wav"],
  ["BM", "image/bmp"],
  ["II*\0", "image/tiff"],
  ["MM\0*", "image/tiff"],
  ["????ftypavif", "image/avif"],
  ["????ftyphei", "image/heic"],
  ["????ftypM4A", "audio/mp4"],
  ["????ftyp", "video/mp4"],
  ["%PDF-", "application/pdf"],
  ["PK\x03\x04", "application/zip"],
  ["\x1f\x8b", "application/gzip"],
  ["BZh", "application/x-bzip2"],
  ["\xfd7zXZ\0", "application/x-xz"],
  ["(\xb5/\xfd", "application/zstd"],
  ["7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"],
  ["SQLite format 3\0", "application/vnd.sqlite3"],
  ["\x7fELF", "application/x-elf"],
  ["MZ", "application/vnd.microsoft.portable-executable"],
  ["\0asm", "application/wasm"],
  ["ID3", "audio/mpeg"],
  ["\xff\xfb", "audio/mpeg"],
  ["OggS", "audio/ogg"],
  ["fLaC", "audio/flac"],
  ["#!AMR", "audio/amr"],
  ["\x1aE\xdf\xa3", "video/webm"],
  ["wOF2", "font/woff2"],
  ["\xd0\xcf\x11\xe0", "application/x-ole-storage"],
];

/** Zip archives that have a name of their own. */
const ZIPPED: Readonly<Record<string, string>> = {
  ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  ".epub": "application/epub+zip",
  ".jar": "application/java-archive",
};

/** The media type by bytes that no text begins with, or null. */
export function certainTypeOf(head: Uint8Array): string | null {
  return MAGIC.find(([start]) => isCertain(start) && beginsWith(head, start))?.[1] ?? null;
}

/** The media type of a binary file by its first bytes, then by its name. */
export function mediaTypeOf(head: Uint8Array, name: string): string {
  const kind = MAGIC.find(([start]) => beginsWith(head, start))?.[1];
  if (kind === "application/zip") return ZIPPED[extname(name).toLowerCase()] ?? kind;
  if (kind) return kind;
  if (Buffer.from(head.subarray(257, 262)).toString("latin1") === "ustar") return "application/x-tar";
  const byName = Bun.file(name).type.split(";")[0] as string;
  return byName.startsWith("text/") ? "application/octet-stream" : byName;
}

function isCertain(start: string): boolean {
  return start.length >= 5 || /[^ -~]/.test(start);
}

function beginsWith(head: Uint8Array, start: string): boolean {
  for (let i = 0; i < start.length; i++)
    if (start[i] !== "?" && head[i] !== start.charCodeAt(i)) return false;
  return head.length >= start.length;
}
