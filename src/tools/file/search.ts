import { posix } from "node:path";
import { type Static, Type } from "typebox";
import {
  lookAt,
  type Opened,
  openDirectoryBeneath,
  openLooked,
  type Root,
  requireOpen,
  walkBeneath,
} from "../../lib/beneath.ts";
import { readAt } from "../../lib/beneath-read.ts";
import { AppError } from "../../lib/errors.ts";
import { defineTool, type Tool, type ToolResult } from "../contract.ts";
import { errorResult } from "../result.ts";
import { stringEnum } from "../string-enum.ts";
import { wrapUntrusted } from "../untrusted.ts";
import { answer } from "./answer.ts";
import { type Cursor, readCursor, writeCursor } from "./cursor.ts";
import { encodingOf } from "./encoding.ts";
import { certainTypeOf } from "./kinds.ts";
import type { Location, Locator } from "./locate.ts";
import { createMatcher, createNameMatcher, type Matcher } from "./match.ts";
import type { TextFile } from "./page.ts";
import { createPause } from "./pause.ts";
import { scan } from "./scan.ts";
import { closed, directoryField, restFields } from "./schema.ts";
import { type TreeEntry, walkTree } from "./tree.ts";

const SEARCH_MS = 10_000;
const MAX_ENTRIES = 500_000;
const MAX_DEPTH = 64;
const DEFAULT_MATCHES = 100;
const MAX_CHARS = 16_000;
const CHARS_BESIDE_TEXT = 24;
const HEAD_BYTES = 8 * 1024;
/** Directories that are not gone into unless they are asked for: large, and seldom what is meant. */
const LEFT_OUT: readonly string[] = [".git", "node_modules"];

const input = Type.Object(
  {
    query: Type.String({
      minLength: 1,
      maxLength: 1000,
      description: "By name: a glob, or a part of a name.",
    }),
    by: Type.Optional(stringEnum(["content", "name"])),
    path: directoryField("Where. Default: the first root."),
    regex: Type.Optional(Type.Boolean({ description: "query is an RE2 regular expression." })),
    ignore_case: Type.Optional(Type.Boolean()),
    files: Type.Optional(Type.String({ maxLength: 1000, description: "Glob of the files to search." })),
    all: Type.Optional(Type.Boolean({ description: "Also .git and node_modules." })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    cursor: Type.Optional(Type.String({ maxLength: 8192 })),
  },
  closed,
);
type Wanted = Static<typeof input>;

interface Match {
  path: string;
  line?: number;
  text?: string;
}

/** How much one call may do. */
export interface SearchLimits {
  timeMs?: number;
  entries?: number;
}

/** Looks for files by name or by what is in them. What does not fit in one answer is found with its cursor. */
export function searchTool({ locate }: Locator, limits: SearchLimits = {}): Tool {
  return defineTool({
    name: "file_search",
    group: "file",
    title: "Search files",
    description: "Find text in files, line by line, or files by their names.",
    input,
    output: Type.Object(
      {
        matches: Type.Array(
          Type.Object(
            {
              path: Type.String(),
              line: Type.Optional(Type.Integer()),
              text: Type.Optional(Type.String()),
            },
            closed,
          ),
        ),
        ...restFields,
      },
      closed,
    ),
    effect: "read",
    run: (wanted, { signal }) =>
      answer(async () => {
        const cursor = wanted.cursor === undefined ? undefined : readCursor(wanted.cursor);
        if (cursor === null) return errorResult("The cursor is not one that file_search gave.");
        const place = placeOf(locate(wanted.path ?? "", "read"));
        return await search(place, wanted, cursor, limits, signal);
      }),
  });
}

/** Where to search: a directory, or one file in it. */
interface Place extends Location {
  only?: string;
}

/** A file that is reached through a link or `..` is refused like anything else that is no directory. */
function placeOf(location: Location): Place {
  const path = posix.normalize(location.below);
  using found = walkBeneath(location.root, location.below);
  if (!found.found?.stats.isFile() || found.name !== posix.basename(path)) return location;
  return { ...location, below: posix.dirname(path), only: found.name };
}

async function search(
  { root, below, name, only }: Place,
  wanted: Wanted,
  cursor: Cursor | undefined,
  { timeMs = SEARCH_MS, entries = MAX_ENTRIES }: SearchLimits,
  signal: AbortSignal,
): Promise<ToolResult> {
  const byName = wanted.by === "name";
  const matcher = byName
    ? null
    : await createMatcher(wanted.query, wanted.regex ?? false, wanted.ignore_case ?? false);
  const glob = byName ? wanted.query : wanted.files;
  const matches = glob === undefined ? () => true : createNameMatcher(glob);
  const fits = (path: string, own: string) => (only === undefined || path === only) && matches(path, own);
  const found = createFindings(wanted.limit ?? DEFAULT_MATCHES, (path) => name(`${below}/${path}`));
  const pause = createPause(signal);
  const deadline = performance.now() + timeMs;
  let seen = 0;
  using directory = openDirectoryBeneath(root, below);
  const tree = walkTree(root, directory, {
    maxDepth: only === undefined ? MAX_DEPTH : 1,
    skip: (own) => !wanted.all && LEFT_OUT.includes(own),
    from: cursor?.path.split("/") ?? [],
    skipped: found.leaveOut,
  });
  for (const entry of tree) {
    await pause();
    if (seen > 0 && (seen >= entries || performance.now() > deadline)) {
      found.stopAt({ path: entry.path, byte: 0, line: 1, fromLine: 1 });
      break;
    }
    if (!fits(entry.path, entry.name)) {
      if (only === undefined) seen += 1;
      continue;
    }
    seen += 1;
    if (!matcher) found.add({ path: entry.path }, { path: entry.path, byte: 0, line: 1, fromLine: 1 });
    else if (entry.kind === "file") {
      const from = cursor?.path === entry.path ? cursor : undefined;
      await searchFile(root, entry, matcher, from, found, async () => {
        await pause();
        return performance.now() > deadline;
      });
    }
    if (found.next) break;
  }
  return report(name(below), found);
}

/** Adds the lines of a file that match. Files that are not text, or may not be read, are left out. */
async function searchFile(
  root: Root,
  entry: TreeEntry,
  matcher: Matcher,
  from: Cursor | undefined,
  found: Findings,
  isOver: () => Promise<boolean>,
): Promise<void> {
  try {
    using opened = openEntry(root, entry);
    const file = opened && (await textOf(opened, entry.path));
    if (!file) return;
    for await (const step of scan(file, matcher, from ?? { byte: 0, line: 1 })) {
      if ("hit" in step) {
        const { line, text, mark } = step.hit;
        if (line < (from?.fromLine ?? 1)) continue;
        found.add({ path: entry.path, line, text }, { path: entry.path, ...mark, fromLine: line });
      } else if (step.done.byte < file.sizeBytes && (await isOver()))
        found.stopAt({
          path: entry.path,
          ...step.done,
          fromLine: Math.max(step.done.line, from?.fromLine ?? 1),
        });
      if (found.next) return;
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    found.leaveOut();
  }
}

function openEntry(root: Root, { directory, name, path }: TreeEntry): Opened | null {
  using looked = lookAt(directory, name, path);
  if (!looked) return null;
  requireOpen(root, looked.stats, path);
  return openLooked(looked, path);
}

async function textOf({ fd, stats }: Opened, path: string): Promise<TextFile | null> {
  const head = await readAt(fd, path, 0, HEAD_BYTES);
  const encoding = certainTypeOf(head) ? null : encodingOf(head, head.length < HEAD_BYTES);
  return encoding && { fd, path, encoding, sizeBytes: stats.size };
}

/** What a search has found so far. */
interface Findings {
  readonly matches: readonly Match[];
  /** Where to go on; set once there is no more room or time. */
  readonly next: Cursor | undefined;
  readonly unreadable: number;
  /** `here` is the cursor that would find this match first. */
  add(match: Match, here: Cursor): void;
  stopAt(next: Cursor): void;
  leaveOut(): void;
}

function createFindings(limit: number, nameOf: (path: string) => string): Findings {
  const matches: Match[] = [];
  let chars = 0;
  let next: Cursor | undefined;
  let unreadable = 0;
  return {
    matches,
    get next() {
      return next;
    },
    get unreadable() {
      return unreadable;
    },
    add(match, here) {
      const path = nameOf(match.path);
      chars += path.length + (match.text?.length ?? 0) + CHARS_BESIDE_TEXT;
      if (matches.length === limit || (chars > MAX_CHARS && matches.length > 0)) next = here;
      else matches.push({ ...match, path });
    },
    stopAt(cursor) {
      next = cursor;
    },
    leaveOut() {
      unreadable += 1;
    },
  };
}

function report(where: string, { matches, next, unreadable }: Findings): ToolResult {
  const cursor = next && writeCursor(next);
  const structured = {
    matches,
    truncated: cursor !== undefined,
    ...(cursor === undefined ? {} : { next_cursor: cursor }),
    ...(unreadable === 0 ? {} : { unreadable }),
  };
  const lines = matches.map(({ path, line, text }) =>
    line === undefined ? path : `${path}:${line}: ${text}`,
  );
  const notes = [
    unreadable > 0 ? `\n${unreadable} files or directories were left out: they may not be read.` : "",
    cursor === undefined ? "" : `\nNot everything was searched. Go on with cursor ${cursor}`,
  ].join("");
  if (matches.length === 0) return { text: `Nothing was found in ${where}.${notes}`, structured };
  return { text: wrapUntrusted(lines.join("\n"), where) + notes, structured };
}
