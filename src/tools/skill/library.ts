import type { Root } from "../../lib/beneath.ts";
import { readBeneath } from "../../lib/beneath-read.ts";
import { AppError } from "../../lib/errors.ts";
import { createLimit } from "../../lib/limit.ts";
import type { Log } from "../../lib/log.ts";
import { nearest } from "../../lib/nearest.ts";
import { createCatalogueReader, MAX_SKILLS, readSkillFile } from "./catalogue.ts";
import type { SkillCatalogue, SkillLibrary, SkillProblem } from "./contract.ts";
import {
  existingFolder,
  isSkillPath,
  listFiles,
  MAX_FOLDER_BYTES,
  mediaTypeOf,
  openSkillsRoot,
} from "./folder.ts";
import { isSkillName } from "./front-matter.ts";
import { planDraft } from "./plan.ts";
import { describeProblem } from "./problem.ts";
import { changeFolder, createFolder } from "./save.ts";

export interface SkillLibraryParts {
  /** Hermes's own directory; the skills are in `skills` below it. */
  home: string;
  log: Log;
}

/** The library of one home. Several of them, in this process or others, may share it. */
export function createSkillLibrary({ home, log }: SkillLibraryParts): SkillLibrary {
  const readCatalogue = createCatalogueReader();
  const oneListing = createLimit(1);
  const oneSave = createLimit(1);
  let told: SkillCatalogue | null = null;

  const list = () =>
    oneListing(async () => {
      const catalogue = await readCatalogue(openSkillsRoot(home));
      if (catalogue !== told) for (const problem of catalogue.problems) tell(problem, log);
      told = catalogue;
      return catalogue;
    });

  const folderOf = async (name: string): Promise<Root> => {
    const root = isSkillName(name) ? existingFolder(openSkillsRoot(home), name) : null;
    return root ?? Promise.reject(noSuchSkill(name, await list()));
  };

  const readMain = async (name: string) => {
    const root = await folderOf(name);
    const { frontMatter, instructions, problems } = await readSkillFile(root, name);
    if (frontMatter === null) throw brokenSkill(name, problems);
    return { root, frontMatter, instructions, problems };
  };

  return {
    list,

    async read(name) {
      const { root, frontMatter, instructions, problems } = await readMain(name);
      const { files, warnings } = listFiles(root, name);
      return { frontMatter, instructions, files, warnings: [...problems, ...warnings] };
    },

    async readFile(name, path) {
      const { root } = await readMain(name);
      if (!isSkillPath(path))
        throw new AppError("not_found", `The skill ${name} has no file of this name.`, {
          hint: "Loading the skill shows its files.",
        });
      const bytes = await readBeneath(root, path, MAX_FOLDER_BYTES);
      return { path, bytes, sizeBytes: bytes.length, mediaType: mediaTypeOf(path) };
    },

    async plan(draft) {
      return (await planDraft(home, draft)).change;
    },

    save: (draft, expected) =>
      oneSave(async () => {
        const { change, files } = await planDraft(home, draft);
        if (expected !== undefined && change.diff !== expected)
          throw new AppError(
            "conflict",
            `The skill ${draft.name} has changed meanwhile; nothing was written.`,
            {
              hint: "Load it and save again.",
            },
          );
        if (change.created) {
          await refuseTooMany(list);
          await createFolder(home, draft.name, files);
        } else await changeFolder(await folderOf(draft.name), files);
        log.info("a skill was saved", { skill: draft.name, created: change.created, files: change.changed });
        return change;
      }),
  };
}

async function refuseTooMany(list: SkillLibrary["list"]): Promise<void> {
  const { skills } = await list();
  if (skills.length >= MAX_SKILLS)
    throw new AppError("invalid_request", `There are ${skills.length} skills, which is the most.`, {
      hint: "Remove one, or change one that is there.",
    });
}

function noSuchSkill(name: string, { skills }: SkillCatalogue): AppError {
  const near = nearest(
    name,
    skills.map((skill) => skill.name),
  );
  return new AppError("not_found", `There is no skill ${JSON.stringify(name.slice(0, 80))}.`, {
    hint: near ? `Did you mean ${near}?` : "skill_list, or `hermes skills list`, shows those there are.",
  });
}

function brokenSkill(name: string, problems: readonly SkillProblem[]): AppError {
  const errors = problems.filter(({ severity }) => severity === "error").map(describeProblem);
  return new AppError("invalid_request", `The skill ${name} cannot be used. ${errors.join("; ")}.`, {
    hint: "`hermes skills check` tells more.",
  });
}

function tell(problem: SkillProblem, log: Log): void {
  const { skill, severity } = problem;
  const what = severity === "error" ? "a skill cannot be used" : "a skill has something odd";
  log.warn(what, { skill, problem: describeProblem(problem) });
}
