import { Command } from "commander";
import { AppError } from "../lib/errors.ts";
import type { Skill, SkillFile, SkillLibrary, SkillProblem } from "../tools/skill/contract.ts";
import { describeProblem } from "../tools/skill/problem.ts";
import { type CommonOptions, withConfigOption, withJsonOption } from "./options.ts";
import { print, printable, printJson, printTable, say } from "./output.ts";
import { AlreadyTold } from "./report.ts";

type SkillOptions = CommonOptions & { json?: true };

/** `hermes skills list | show | check`, read straight from the skills directory, whether Hermes runs or not. */
export function skillsCommand(): Command {
  const list = withJsonOption(withConfigOption(new Command("list")))
    .description("list the skills")
    .action(async (options: SkillOptions) => listSkills(await open(options), options));
  const show = withJsonOption(withConfigOption(new Command("show")))
    .description("show the instructions of a skill, or one of its files")
    .argument("<name>", "as `hermes skills list` prints it")
    .argument("[file]", "such as references/guide.md")
    .action(async (name: string, file: string | undefined, options: SkillOptions) => {
      const library = await open(options);
      return file === undefined ? showSkill(library, name, options) : showFile(library, name, file, options);
    });
  const check = withJsonOption(withConfigOption(new Command("check")))
    .description("say what is wrong with the skills; exit code 1 when one cannot be used")
    .argument("[name]", "this one only")
    .action(async (name: string | undefined, options: SkillOptions) =>
      checkSkills(await open(options), name, options),
    );
  return new Command("skills")
    .description("look at the skills that the agent can load")
    .addCommand(list)
    .addCommand(show)
    .addCommand(check);
}

async function open(options: SkillOptions): Promise<SkillLibrary> {
  const { openSkills } = await import("../app/offline.ts");
  return openSkills(options);
}

async function listSkills(library: SkillLibrary, { json }: SkillOptions): Promise<void> {
  const { skills, problems } = await library.list();
  if (json) return printJson({ skills, problems });
  if (skills.length > 0)
    printTable(
      ["SKILL", "DESCRIPTION"],
      skills.map(({ name, description }) => [name, description.slice(0, 100)]),
    );
  const broken = new Set(problems.filter(isError).map(({ skill }) => skill)).size;
  if (broken > 0) say(`${broken} cannot be used: \`hermes skills check\` says why.`);
  else if (skills.length === 0)
    say("There are no skills yet. One is a folder with a SKILL.md below $HERMES_HOME/skills.");
}

async function showSkill(library: SkillLibrary, name: string, { json }: SkillOptions): Promise<void> {
  const skill = await library.read(name);
  if (json) return printJson(skillJson(skill));
  print(printable([...factsOf(skill), "", skill.instructions.trim()].join("\n")));
}

/** In the spelling of every other JSON that Hermes prints. */
function skillJson({ frontMatter, instructions, files, warnings }: Skill): object {
  const { allowedTools, ...fields } = frontMatter;
  return {
    front_matter: { ...fields, ...(allowedTools ? { allowed_tools: allowedTools } : {}) },
    instructions,
    files: files.map(fileJson),
    warnings,
  };
}

function fileJson({ path, sizeBytes, mediaType }: SkillFile): object {
  return { path, size_bytes: sizeBytes, media_type: mediaType };
}

function factsOf({ frontMatter, files }: Skill): string[] {
  const { name, description, license, compatibility, metadata, allowedTools } = frontMatter;
  const facts = {
    name,
    description,
    license,
    compatibility,
    ...metadata,
    "allowed tools": allowedTools?.join(" "),
    files: files.map(({ path }) => path).join(" "),
  };
  return Object.entries(facts).flatMap(([what, value]) => (value === undefined ? [] : `${what}: ${value}`));
}

async function showFile(
  library: SkillLibrary,
  name: string,
  path: string,
  { json }: SkillOptions,
): Promise<void> {
  const content = await library.readFile(name, path);
  const bytes = Buffer.from(content.bytes);
  if (json) return printJson({ ...fileJson(content), base64: bytes.toString("base64") });
  print(printable(bytes.toString()));
}

async function checkSkills(
  library: SkillLibrary,
  name: string | undefined,
  { json }: SkillOptions,
): Promise<void> {
  const { skills, problems: found } = await library.list();
  const known = skills.some((skill) => skill.name === name) || found.some(({ skill }) => skill === name);
  if (name !== undefined && !known) await library.read(name); // says what was meant
  const isMeant = (skill: string) => name === undefined || skill === name;
  // Listing reads each SKILL.md only; what is odd about the other files shows when a skill is read.
  const read = await Promise.all(
    skills.filter((skill) => isMeant(skill.name)).map((skill) => library.read(skill.name)),
  );
  const usable = new Set(skills.map((skill) => skill.name));
  const problems = [
    ...found.filter(({ skill }) => isMeant(skill) && !usable.has(skill)),
    ...read.flatMap(({ warnings }) => warnings),
  ];
  if (json) printJson({ ok: !problems.some(isError), checked: read.length, problems });
  else tellProblems(problems, read.length);
  const broken = problems.filter(isError).length;
  if (broken > 0) throw new AlreadyTold(new AppError("invalid_request", `${broken} problems.`));
}

function tellProblems(problems: readonly SkillProblem[], usable: number): void {
  for (const problem of problems) print(printable(describeProblem(problem)));
  say(usable === 1 ? "1 skill can be used." : `${usable} skills can be used.`);
}

function isError({ severity }: SkillProblem): boolean {
  return severity === "error";
}
