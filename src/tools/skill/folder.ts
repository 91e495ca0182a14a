import { lstatSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { lookAt, type Opened, openDirectoryBeneath, type Root } from "../../lib/beneath.ts";
import { entriesOf } from "../../lib/beneath-read.ts";
import type { SkillFile, SkillProblem } from "./contract.ts";
import { SKILL_FILE } from "./front-matter.ts";

/** Of one skill, as the MCP skills extension has it (SEP-2640). */
export const MAX_FILES = 512;
export const MAX_FOLDER_BYTES = 16 * 1024 * 1024;
const MAX_DEPTH = 8;

/** Types that the table of the runtime does not have, or has otherwise. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  py: "text/x-python",
  rb: "text/x-ruby",
  sh: "text/x-shellscript",
  ts: "text/x-typescript",
};

/** The directory of all skills, or null while there is none. A link to it is followed: the operator has put it there. */
export function openSkillsRoot(home: string): Root | null {
  try {
    return { path: realpathSync(join(home, "skills")) };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/** The folder of a skill as a root of its own, so that nothing leads into the skill beside it. Null: there is none; a link is none. */
export function existingFolder(skills: Root | null, name: string): Root | null {
  if (skills === null) return null;
  const path = join(skills.path, name);
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ? { path } : null;
}

/** Whether this can be the path of a file of a skill: names that are not hidden, with `/` between them. */
export function isSkillPath(path: string): boolean {
  return path.split("/").every((name) => name !== "" && !name.startsWith(".")) && !/[\\\p{Cc}]/u.test(path);
}

/** By the ending of the name alone. */
export function mediaTypeOf(path: string): string {
  const ending = /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? "";
  if (Object.hasOwn(MEDIA_TYPES, ending)) return MEDIA_TYPES[ending] as string;
  return Bun.file(path).type.split(";")[0] as string;
}

/** The bytes as text, or null when they are something else. */
export function textOf(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.includes("\0") ? null : text;
  } catch {
    return null; // not UTF-8, which is an answer and not a fault
  }
}

interface Listing {
  root: Root;
  skill: string;
  files: SkillFile[];
  warnings: SkillProblem[];
  sizeBytes: number;
}

/**
 * The files of a skill, SKILL.md first, and what of its folder is not used. Hidden files, such as `.git`, are passed over in
 * silence. Raises what `openDirectoryBeneath` raises.
 */
export function listFiles(root: Root, skill: string): Pick<Listing, "files" | "warnings"> {
  const listing: Listing = { root, skill, files: [], warnings: [], sizeBytes: 0 };
  using top = openDirectoryBeneath(root, "");
  listDirectory(listing, top, "", 1);
  if (isFull(listing))
    warn(listing, "", `no more than ${MAX_FILES} files and ${MAX_FOLDER_BYTES} bytes of a skill are used`);
  const { files, warnings } = listing;
  const first = files.filter((file) => file.path === SKILL_FILE);
  return { files: [...first, ...files.filter((file) => file.path !== SKILL_FILE)], warnings };
}

function listDirectory(listing: Listing, directory: Opened, above: string, depth: number): void {
  for (const { name } of entriesOf(directory.fd, above)) {
    if (isFull(listing)) return;
    if (name.startsWith(".")) continue;
    const path = above + name;
    using found = lookAt(directory.fd, name, path);
    if (!found) continue;
    const why = whyUnused(found, name, depth);
    if (why !== null) warn(listing, path, why);
    else if (found.stats.isDirectory()) {
      using below = openDirectoryBeneath(listing.root, path);
      listDirectory(listing, below, `${path}/`, depth + 1);
    } else {
      listing.sizeBytes += found.stats.size;
      listing.files.push({ path, sizeBytes: found.stats.size, mediaType: mediaTypeOf(path) });
    }
  }
}

function whyUnused({ stats }: Opened, name: string, depth: number): string | null {
  if (stats.isSymbolicLink()) return "this is a link, which is not used; put a copy in its place";
  if (!isSkillPath(name)) return "the name has characters that cannot be used";
  if (stats.isDirectory())
    return depth < MAX_DEPTH ? null : `folders below the ${MAX_DEPTH}th level are not used`;
  if (!stats.isFile()) return "this is a device, a pipe or a socket, which is not used";
  if (stats.nlink > 1)
    return "this file has a second name (a hard link) and is not used; put a copy in its place";
  return null;
}

function isFull({ files, sizeBytes }: Listing): boolean {
  return files.length >= MAX_FILES || sizeBytes >= MAX_FOLDER_BYTES;
}

function warn({ warnings, skill }: Listing, file: string, message: string): void {
  warnings.push({ skill, file, line: null, message, severity: "warning" });
}
