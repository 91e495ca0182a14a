import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Root } from "../../lib/beneath.ts";
import { readBeneath } from "../../lib/beneath-read.ts";
import { toAppError } from "../../lib/errors.ts";
import type { SkillCatalogue, SkillProblem, SkillSummary } from "./contract.ts";
import { existingFolder, textOf } from "./folder.ts";
import { isSkillName, MAX_SKILL_BYTES, type ParsedSkill, parseSkill, SKILL_FILE } from "./front-matter.ts";

export const MAX_SKILLS = 1_000;
/** So long after a change the clock of any file system has moved on: the next change gives another stamp. */
const SETTLED_MS = 100;

interface Entry {
  /** Changes with the file. Null when the file is missing, or so new that it could change without it. */
  stamp: string | null;
  skill: SkillSummary | null;
  problems: readonly SkillProblem[];
}

/**
 * Lists the skills of a directory, and remembers every SKILL.md for as long as it stays as it is: with nothing changed, a
 * listing costs one look at each, and gives the same object. One listing at a time.
 */
export function createCatalogueReader(): (root: Root | null) => Promise<SkillCatalogue> {
  let known = new Map<string, Entry>();
  let catalogue: SkillCatalogue = { skills: [], problems: [] };

  return async (root) => {
    const names = root === null ? [] : foldersOf(root);
    const now = new Map<string, Entry>();
    for (const name of names.slice(0, MAX_SKILLS))
      now.set(name, await lookInto(root as Root, name, known.get(name)));
    const next = {
      skills: [...now.values()].flatMap(({ skill }) => skill ?? []),
      problems: [...[...now.values()].flatMap(({ problems }) => problems), ...tooMany(names.length)],
    };
    known = now;
    if (!Bun.deepEquals(next, catalogue)) catalogue = next;
    return catalogue;
  };
}

/** Reads the SKILL.md in the folder of a skill. Never rejects: what is wrong is among the problems. */
export async function readSkillFile(folder: Root, name: string): Promise<ParsedSkill> {
  const failed = (message: string): ParsedSkill => ({
    frontMatter: null,
    instructions: "",
    problems: [problemOf(name, message)],
  });
  try {
    const text = textOf(await readBeneath(folder, SKILL_FILE, MAX_SKILL_BYTES));
    return text === null ? failed("it is not text in UTF-8") : parseSkill(text, name);
  } catch (error) {
    const { code, message, hint } = toAppError(error);
    if (code === "not_found") return failed("the folder has no file of this name");
    return failed([message, hint].filter(Boolean).join(" ").replace(/\.$/, ""));
  }
}

function foldersOf(root: Root): string[] {
  return readdirSync(root.path, { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith(".") && (entry.isDirectory() || entry.isSymbolicLink()))
    .map((entry) => entry.name)
    .sort();
}

async function lookInto(root: Root, name: string, before: Entry | undefined): Promise<Entry> {
  const stamp = stampOf(join(root.path, name, SKILL_FILE));
  if (before && stamp !== null && before.stamp === stamp) return before;
  return { stamp, ...(await readEntry(root, name)) };
}

/** Taken before the file is read, so that a change in between shows at the next look. It only compares; nothing is opened by it. */
function stampOf(path: string): string | null {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = lstatSync(path, { bigint: true });
    return Date.now() - Number(ctimeMs) < SETTLED_MS ? null : [dev, ino, size, mtimeNs, ctimeNs].join(":");
  } catch {
    return null; // reading it tells what is wrong
  }
}

async function readEntry(root: Root, name: string): Promise<Omit<Entry, "stamp">> {
  if (!isSkillName(name))
    return broken(
      name,
      "the name of the folder must be 1 to 64 lower case letters, digits and single hyphens",
    );
  const folder = existingFolder(root, name);
  if (folder === null)
    return broken(name, "this is a link, which is not followed; put the folder itself here");
  const { frontMatter, problems } = await readSkillFile(folder, name);
  return { skill: frontMatter && { name, description: frontMatter.description }, problems };
}

function broken(name: string, message: string): Omit<Entry, "stamp"> {
  return { skill: null, problems: [{ ...problemOf(name, message), file: "" }] };
}

function problemOf(skill: string, message: string): SkillProblem {
  return { skill, file: SKILL_FILE, line: null, message, severity: "error" };
}

function tooMany(count: number): SkillProblem[] {
  if (count <= MAX_SKILLS) return [];
  const message = `there are ${count} folders; only the first ${MAX_SKILLS} are used`;
  return [{ ...problemOf("", message), file: "" }];
}
