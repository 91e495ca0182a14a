import { isUtf8 } from "node:buffer";
import { type Static, Type } from "typebox";
import { openBeneath } from "../../lib/beneath.ts";
import { readWhole } from "../../lib/beneath-read.ts";
import { writeBeneath } from "../../lib/beneath-write.ts";
import { defineTool, type Tool } from "../contract.ts";
import { errorResult } from "../result.ts";
import { cutText } from "../text.ts";
import { wrapUntrusted } from "../untrusted.ts";
import { answer } from "./answer.ts";
import { type Encoding, encodingOf } from "./encoding.ts";
import type { Locator } from "./locate.ts";
import { lineNumberAt, nearLines } from "./near.ts";
import { closed, pathField } from "./schema.ts";
import { MAX_WRITTEN_BYTES } from "./write.ts";

const MAX_DIFF_CHARS = 10_000;
const DIFF_TIME_MS = 250;
const SHOWN_PLACES = 5;

const input = Type.Object(
  {
    path: pathField(),
    old_text: Type.String({ minLength: 1, description: "Exactly as in the file, found once." }),
    new_text: Type.String(),
    replace_all: Type.Optional(Type.Boolean()),
  },
  closed,
);

/** Replaces text in a file. Line ends, byte order mark and mode stay; a file that changed meanwhile is left alone. */
export function editTool({ locate }: Locator): Tool {
  return defineTool({
    name: "file_edit",
    group: "file",
    title: "Edit file",
    description: "Replace a piece of text in a file by another; answers with the diff.",
    input,
    output: Type.Object(
      {
        path: Type.String(),
        replacements: Type.Integer(),
        diff: Type.String(),
        truncated: Type.Boolean(),
      },
      closed,
    ),
    effect: "write",
    destructive: true,
    run: (wanted) =>
      answer(async () => {
        const { root, below, name } = locate(wanted.path, "write");
        const path = name(below);
        using file = openBeneath(root, below);
        if (file.stats.size > MAX_WRITTEN_BYTES)
          return errorResult(`${path} has ${file.stats.size} bytes; ${MAX_WRITTEN_BYTES} are the most.`);
        const bytes = await readWhole(file.fd, path, MAX_WRITTEN_BYTES);
        const encoding = encodingOf(bytes, true);
        if (!encoding || encoding.name === "unknown" || (encoding.unitBytes === 1 && !isUtf8(bytes)))
          return errorResult(`${path} is not UTF-8 or UTF-16 text, so it cannot be edited.`);
        const mark = bytes.subarray(0, encoding.markBytes);
        const old = encoding.decode(bytes.subarray(encoding.markBytes));
        if (!isFaithful(encoding, old, bytes))
          return errorResult(`${path} has malformed characters, so it cannot be edited.`);
        const edited = replace(old, wanted);
        if ("problem" in edited) return errorResult(`${path}: ${edited.problem}`);
        const content = Buffer.concat([mark, encoding.encode(edited.text)]);
        if (content.length > MAX_WRITTEN_BYTES) return errorResult(`${path}: ${tooLarge(content.length)}`);
        await writeBeneath(root, below, content, { replaces: file.stats });
        return await edits(path, old, edited);
      }),
  });
}

/** True when writing the text back would give the same bytes. */
function isFaithful(encoding: Encoding, text: string, bytes: Buffer): boolean {
  return encoding.unitBytes === 1 || encoding.encode(text).equals(bytes.subarray(encoding.markBytes));
}

type Edited = { text: string; replacements: number };

function replace(text: string, wanted: Static<typeof input>): Edited | { problem: string } {
  const inStyle = lineEndStyle(text);
  const from = inStyle(wanted.old_text);
  const to = inStyle(wanted.new_text);
  if (from === to) return { problem: "old_text and new_text are the same." };
  const places = placesOf(text, from);
  if (places.length === 0) return { problem: notFound(text, from) };
  if (places.length > 1 && !wanted.replace_all) return { problem: ambiguous(text, places) };
  // Before it is made: a long text in many places would take all memory there is. No character takes less than a byte.
  const chars = text.length + places.length * (to.length - from.length);
  if (chars > MAX_WRITTEN_BYTES) return { problem: tooLarge(chars) };
  return { text: text.split(from).join(to), replacements: places.length };
}

/** In a file with CRLF throughout, texts are taken to mean its line ends, whichever they are written with. */
function lineEndStyle(text: string): (given: string) => string {
  const isCrlf = text.includes("\r\n") && !/(?<!\r)\n/.test(text);
  return isCrlf ? (given) => given.replace(/\r?\n/g, "\r\n") : (given) => given;
}

function tooLarge(sizeBytes: number): string {
  return `It would have ${sizeBytes} bytes or more; ${MAX_WRITTEN_BYTES} are the most.`;
}

function placesOf(text: string, part: string): number[] {
  const places: number[] = [];
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) places.push(at);
  return places;
}

function notFound(text: string, part: string): string {
  const near = nearLines(text, part);
  const hint = near.length === 0 ? "" : ` Near to its first line: ${near.join("; ")}.`;
  return `old_text is found 0 times. White space and line ends count; read the file again.${hint}`;
}

function ambiguous(text: string, places: readonly number[]): string {
  const lines = places.slice(0, SHOWN_PLACES).map((at) => lineNumberAt(text, at));
  const rest = places.length > SHOWN_PLACES ? ", ..." : "";
  return `old_text is found ${places.length} times, in lines ${lines.join(", ")}${rest}. Take more text around the one that is meant, or set replace_all.`;
}

async function edits(path: string, old: string, { text, replacements }: Edited) {
  const whole = await unifiedDiff(path, old, text);
  const diff = cutText(whole ?? "", MAX_DIFF_CHARS);
  const count = `${replacements} ${replacements === 1 ? "replacement" : "replacements"} in ${path}`;
  return {
    text:
      whole === null ? `${count}; too many changes for a diff.` : `${count}.\n${wrapUntrusted(diff, path)}`,
    structured: { path, replacements, diff, truncated: diff !== whole },
  };
}

/** Null when the texts differ in so much that it would take long. */
async function unifiedDiff(path: string, old: string, text: string): Promise<string | null> {
  const { createTwoFilesPatch, FILE_HEADERS_ONLY } = await import("diff");
  const options = { headerOptions: FILE_HEADERS_ONLY, timeout: DIFF_TIME_MS };
  return createTwoFilesPatch(path, path, old, text, undefined, undefined, options) ?? null;
}
