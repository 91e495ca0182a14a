import type { LiveConfig } from "../../config/live.ts";
import { peekBeneath, readBeneath } from "../../lib/beneath-read.ts";
import { AppError } from "../../lib/errors.ts";
import type { OutboundFile } from "../../platforms/contract.ts";
import type { Caller } from "../../tools/contract.ts";
import { mediaTypeOf } from "../../tools/file/kinds.ts";
import { createLocator } from "../../tools/file/locate.ts";
import type { ToolRegistry } from "../../tools/registry.ts";

/** In an answer: how a line begins that names a file to be sent. */
const FILE_MARK = "MEDIA:";
const FENCE = /^\s{0,3}(```+|~~~+)/;
const MAX_FILES = 10;

/** Enough to tell what is in a file. */
const HEAD_BYTES = 4_096;

/** A file that can be sent. Its bytes are in memory only while it is. */
export interface FileToSend {
  name: string;
  /** Rejects with what is wrong with it by now, in words for a person. */
  read(): Promise<OutboundFile>;
}

/** Finds a file for a caller. Rejects with what is wrong with it, in words for a person. */
export type OpenFile = (path: string, caller: Caller | undefined, maxBytes: number) => Promise<FileToSend>;

/** The answer without the lines that name files, and the files, in order. Lines within a code block are text. */
export function extractFiles(answer: string): { text: string; paths: string[] } {
  if (!answer.includes("MEDIA:")) return { text: answer, paths: [] };
  const paths: string[] = [];
  let fence: string | null = null;
  const kept = answer.split("\n").filter((line) => {
    const mark = FENCE.exec(line)?.[1];
    if (mark !== undefined) {
      if (fence === null) fence = mark;
      else if (mark.startsWith(fence)) fence = null;
    }
    const path = fence === null ? fileIn(line) : "";
    if (path === "" || paths.length >= MAX_FILES) return true;
    paths.push(path.replace(/^`(.*)`$/, "$1"));
    return false;
  });
  return { text: kept.join("\n").trim(), paths };
}

/** The path that a line names; empty for any other line. However long the line is, it is gone through once. */
function fileIn(line: string): string {
  const said = line.trim();
  return said.startsWith(FILE_MARK) ? said.slice(FILE_MARK.length).trim() : "";
}

/** Opens what the caller's own file_read could open, below the same roots and by descriptor. */
export function createFileOpener(config: LiveConfig, home: string, tools: ToolRegistry): OpenFile {
  const { locate } = createLocator(config, home);
  return async (path, caller, maxBytes) => {
    if (caller === undefined || !mayRead(tools, caller))
      throw new AppError("forbidden", "files cannot be read here.");
    const { root, below, name } = locate(path, "read");
    await peekBeneath(root, below, maxBytes, HEAD_BYTES);
    const shown = name(below).split("/").at(-1) ?? "file";
    return {
      name: shown,
      async read() {
        const bytes = await readBeneath(root, below, maxBytes);
        const mediaType = mediaTypeOf(bytes.subarray(0, HEAD_BYTES), shown);
        return { name: shown, mediaType, bytes: bytes as Uint8Array };
      },
    };
  };
}

/** Whether a caller may read files at all. */
export function mayRead(tools: ToolRegistry, caller: Caller): boolean {
  return tools.list(caller).some((tool) => tool.name === "file_read");
}
