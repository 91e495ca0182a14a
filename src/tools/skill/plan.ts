import { type Root, walkBeneath } from "../../lib/beneath.ts";
import { readBeneath } from "../../lib/beneath-read.ts";
import { AppError } from "../../lib/errors.ts";
import type { SkillChange, SkillDraft } from "./contract.ts";
import { type FileChange, unifiedDiff } from "./diff.ts";
import { checkDraft, writeSkillFile } from "./draft.ts";
import { existingFolder, openSkillsRoot, textOf } from "./folder.ts";
import { MAX_SKILL_BYTES, SKILL_FILE } from "./front-matter.ts";

/** What a draft comes to. */
export interface Plan {
  change: SkillChange;
  /** Only what really changes. */
  files: FileChange[];
}

/** Compares a draft with what is there. Raises `invalid_request` with all that is wrong with the draft. */
export async function planDraft(home: string, raw: SkillDraft): Promise<Plan> {
  const draft = checkDraft(raw);
  const root = existingFolder(openSkillsRoot(home), draft.name);
  const present = await presentText(root, SKILL_FILE);
  const wanted: FileChange[] = [{ path: SKILL_FILE, before: present, after: writeSkillFile(present, draft) }];
  for (const { path, content } of draft.files ?? [])
    wanted.push({ path, before: await presentText(root, path), after: content });
  const files = wanted.filter(({ before, after }) => before !== after);
  const change = {
    created: root === null,
    diff: await unifiedDiff(files),
    changed: files.map(({ path }) => path),
  };
  return { change, files };
}

/** What a file says now, for the diff; of one that is no text, or too long to be shown, its size. Null: there is none. */
async function presentText(root: Root | null, path: string): Promise<string | null> {
  if (root === null) return null;
  const size = sizeOf(root, path);
  if (size === null) return null;
  const text = size > MAX_SKILL_BYTES ? null : textOf(await readBeneath(root, path, MAX_SKILL_BYTES));
  return text ?? `[a file of ${size} bytes that is not shown]\n`;
}

function sizeOf(root: Root, path: string): number | null {
  using place = walkBeneath(root, path);
  if (place.name === null)
    throw new AppError("invalid_request", `${path} is a folder of the skill; choose another name.`);
  return place.found?.stats.size ?? null;
}
