import { type Static, Type } from "typebox";
import { openDirectoryBeneath } from "../../lib/beneath.ts";
import { sizeIn } from "../../lib/beneath-read.ts";
import { defineTool, type Tool, type ToolResult } from "../contract.ts";
import { errorResult } from "../result.ts";
import { stringEnum } from "../string-enum.ts";
import { wrapUntrusted } from "../untrusted.ts";
import { answer } from "./answer.ts";
import { type Cursor, readCursor, writeCursor } from "./cursor.ts";
import type { Location, Locator } from "./locate.ts";
import { createPause } from "./pause.ts";
import type { FileRoot } from "./roots.ts";
import { closed, directoryField, restFields } from "./schema.ts";
import { walkTree } from "./tree.ts";

const DEFAULT_ENTRIES = 200;
const DEFAULT_DEPTH = 8;
const MAX_CHARS = 18_000;
const CHARS_BESIDE_PATH = 24;

const input = Type.Object(
  {
    path: directoryField("Default: the first root, or all roots when there are several."),
    recursive: Type.Optional(Type.Boolean()),
    max_depth: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    cursor: Type.Optional(Type.String({ maxLength: 8192 })),
  },
  closed,
);

interface ListedEntry {
  path: string;
  kind: "file" | "directory" | "link" | "other";
  size_bytes?: number;
}

/** Lists a directory, or a tree of them, in the same order each time. */
export function listTool({ locate, roots }: Locator): Tool {
  return defineTool({
    name: "file_list",
    group: "file",
    title: "List files",
    description: "List what is in a directory, by name, with kinds and sizes.",
    input,
    output: Type.Object(
      {
        entries: Type.Array(
          Type.Object(
            {
              path: Type.String(),
              kind: stringEnum(["file", "directory", "link", "other"]),
              size_bytes: Type.Optional(Type.Integer()),
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
        const path = wanted.path ?? "";
        const all = roots();
        if ((path === "" || path === ".") && all.length > 1) return listRoots(all);
        const cursor = wanted.cursor === undefined ? undefined : readCursor(wanted.cursor);
        if (cursor === null) return errorResult("The cursor is not one that file_list gave.");
        return await list(locate(path, "read"), wanted, cursor, signal);
      }),
  });
}

function listRoots(roots: readonly FileRoot[]): ToolResult {
  const lines = roots.map((root, i) => {
    const notes = [i === 0 ? "relative paths begin here" : "", root.readOnly ? "read-only" : ""].filter(
      Boolean,
    );
    return root.path + (notes.length > 0 ? ` (${notes.join(", ")})` : "");
  });
  const entries: ListedEntry[] = roots.map((root) => ({ path: root.path, kind: "directory" }));
  return { text: `The roots:\n${lines.join("\n")}`, structured: { entries, truncated: false } };
}

async function list(
  { root, below, name }: Location,
  wanted: Static<typeof input>,
  cursor: Cursor | undefined,
  signal: AbortSignal,
): Promise<ToolResult> {
  using directory = openDirectoryBeneath(root, below);
  const pause = createPause(signal);
  const entries: ListedEntry[] = [];
  const limit = wanted.limit ?? DEFAULT_ENTRIES;
  let chars = 0;
  let next: string | undefined;
  let unreadable = 0;
  const tree = walkTree(root, directory, {
    maxDepth: wanted.recursive ? (wanted.max_depth ?? DEFAULT_DEPTH) : 1,
    skip: () => false,
    from: cursor?.path.split("/") ?? [],
    skipped: () => {
      unreadable += 1;
    },
  });
  for (const { path, kind, name: own, directory: parent } of tree) {
    await pause();
    const shownPath = name(`${below}/${path}`);
    chars += shownPath.length + CHARS_BESIDE_PATH;
    if (entries.length === limit || (chars > MAX_CHARS && entries.length > 0)) {
      next = writeCursor({ path, byte: 0, line: 1, fromLine: 1 });
      break;
    }
    const size = kind === "file" ? sizeIn(parent, own) : null;
    entries.push({ path: shownPath, kind, ...(size === null ? {} : { size_bytes: size }) });
  }
  const structured = {
    entries,
    truncated: next !== undefined,
    ...(next === undefined ? {} : { next_cursor: next }),
    ...(unreadable === 0 ? {} : { unreadable }),
  };
  return { text: describe(name(below), entries, next, unreadable), structured };
}

function describe(
  path: string,
  entries: readonly ListedEntry[],
  next: string | undefined,
  unreadable: number,
) {
  if (entries.length === 0) return `${path} is empty.`;
  const lines = entries.map((entry) => {
    if (entry.kind === "directory") return `${entry.path}/`;
    return `${entry.path} (${entry.kind === "file" ? `${entry.size_bytes ?? 0} bytes` : entry.kind})`;
  });
  const notes = [
    unreadable > 0 ? `\n${unreadable} directories could not be read.` : "",
    next === undefined ? "" : `\nMore follows: cursor ${next}`,
  ];
  return wrapUntrusted(lines.join("\n"), path) + notes.join("");
}
