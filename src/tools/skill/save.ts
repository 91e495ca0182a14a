import { fsyncSync, mkdirSync, renameSync, rmSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  entryPath,
  openDirectoryBeneath,
  type Root,
  requireRegular,
  walkBeneath,
} from "../../lib/beneath.ts";
import { attempt } from "../../lib/beneath-errors.ts";
import { makeDirectoriesBeneath, writeBeneath } from "../../lib/beneath-write.ts";
import { AppError } from "../../lib/errors.ts";
import { newId } from "../../lib/ids.ts";
import type { FileChange } from "./diff.ts";
import { openSkillsRoot } from "./folder.ts";
import { SKILL_FILE } from "./front-matter.ts";

/**
 * Makes a new skill: its folder is written whole beside its place, to the disk, and then renamed into it. Raises `conflict`
 * when there is one by now.
 */
export async function createFolder(
  home: string,
  name: string,
  changes: readonly FileChange[],
): Promise<void> {
  mkdirSync(join(home, "skills"), { recursive: true, mode: 0o700 });
  const skills = openSkillsRoot(home) as Root;
  const staged = `.${newId("new")}`;
  try {
    for (const { path, after } of changes)
      if (after !== null) await writeBeneath(skills, `${staged}/${path}`, after, { makeDirectories: true });
    renameFolder(skills, staged, name);
  } finally {
    rmSync(join(skills.path, staged), { recursive: true, force: true });
  }
}

function renameFolder(skills: Root, staged: string, name: string): void {
  using top = openDirectoryBeneath(skills, "");
  try {
    renameSync(entryPath(top.fd, staged), entryPath(top.fd, name));
  } catch (cause) {
    throw new AppError("conflict", `There is something at skills/${name} by now; nothing was written.`, {
      hint: "Load the skill and try again.",
      cause,
    });
  }
  fsyncSync(top.fd);
}

/**
 * Changes the files of a skill. All new content is on the disk, beside the old, before the first file takes its place; what
 * follows are renames alone, SKILL.md last, so that only the loss of the machine in these microseconds can leave some files
 * new and others old; each file is whole at any time. A new file takes no execute right over from the one it replaces.
 */
export async function changeFolder(root: Root, changes: readonly FileChange[]): Promise<void> {
  const staging = `.${newId("save")}`;
  const inOrder = changes.toSorted((a, b) => Number(a.path === SKILL_FILE) - Number(b.path === SKILL_FILE));
  try {
    for (const [index, { path, after }] of inOrder.entries()) {
      if (after === null) continue;
      await writeBeneath(root, `${staging}/${index}`, after, { makeDirectories: true });
      makeDirectoriesBeneath(root, dirname(path));
    }
    for (const [index, { path, after }] of inOrder.entries())
      if (after !== null) moveInto(root, `${staging}/${index}`, path);
    for (const { path, after } of inOrder) if (after === null) remove(root, path);
  } finally {
    rmSync(join(root.path, staging), { recursive: true, force: true });
  }
}

function moveInto(root: Root, staged: string, path: string): void {
  using from = walkBeneath(root, staged);
  using to = walkBeneath(root, path);
  if (to.found) requireRegular(to.found.stats, path);
  attempt(path, () => {
    renameSync(entryPath(from.directory, from.name ?? ""), entryPath(to.directory, to.name ?? ""));
    using directory = openDirectoryBeneath(root, dirname(path));
    fsyncSync(directory.fd);
  });
}

function remove(root: Root, path: string): void {
  using place = walkBeneath(root, path);
  if (place.found) attempt(path, () => unlinkSync(entryPath(place.directory, place.name ?? "")));
}
