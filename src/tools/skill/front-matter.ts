import { parseYaml, type YamlFile } from "../../config/yaml-file.ts";
import { nearest } from "../../lib/nearest.ts";
import type { SkillFrontMatter, SkillProblem } from "./contract.ts";

export const SKILL_FILE = "SKILL.md";
/** Of a whole SKILL.md. */
export const MAX_SKILL_BYTES = 256 * 1024;
export const MAX_NAME_CHARS = 64;
export const MAX_DESCRIPTION_CHARS = 1024;
export const MAX_COMPATIBILITY_CHARS = 500;
const MAX_FRONT_MATTER_CHARS = 16 * 1024;
const MAX_NODES = 1_000;

/** 1 to 64 lower case letters and digits in groups that single hyphens join. */
export const NAME_PATTERN = "^(?=.{1,64}$)[a-z0-9]+(-[a-z0-9]+)*$";
const NAME = new RegExp(NAME_PATTERN);

const FIELDS = ["name", "description", "license", "compatibility", "metadata", "allowed-tools"] as const;
type Field = (typeof FIELDS)[number];

/** The two parts of a SKILL.md as they stand in it. */
export interface SkillSource {
  /** What is between the `---` lines. */
  yaml: string;
  /** Everything below. */
  instructions: string;
}

export interface ParsedSkill {
  /** Null when there is an error among the problems. */
  frontMatter: SkillFrontMatter | null;
  instructions: string;
  problems: SkillProblem[];
}

/** Whether a skill may have this name: everything else never becomes part of a path. */
export function isSkillName(name: string): boolean {
  return NAME.test(name);
}

/** Where a SKILL.md is parted, or null when it does not begin with front matter between two `---` lines. */
export function splitSkill(text: string): SkillSource | null {
  const parts = /^\uFEFF?---[ \t]*\r?\n([\s\S]*?)^---[ \t]*(?:\r?\n|$)/m.exec(text);
  if (parts === null || parts.index !== 0) return null;
  return { yaml: parts[1] ?? "", instructions: text.slice(parts[0].length) };
}

/** Reads the text of a SKILL.md that is in the folder `skill`. Never throws: what is wrong is among the problems. */
export function parseSkill(text: string, skill: string): ParsedSkill {
  const source = splitSkill(text);
  const failed = (message: string): ParsedSkill => ({
    frontMatter: null,
    instructions: "",
    problems: [{ skill, file: SKILL_FILE, line: 1, message, severity: "error" }],
  });
  if (source === null)
    return failed("it must begin with front matter: a --- line, the fields, and another --- line");
  if (source.yaml.length > MAX_FRONT_MATTER_CHARS)
    return failed(`the front matter has more than ${MAX_FRONT_MATTER_CHARS} characters`);
  const checker = createChecker(parseYaml(source.yaml, MAX_NODES), skill);
  const frontMatter = readFields(checker, skill);
  if (source.instructions.trim() === "")
    checker.warn(null, "there are no instructions below the front matter");
  const { problems } = checker;
  const isBroken = problems.some((problem) => problem.severity === "error");
  return { frontMatter: isBroken ? null : frontMatter, instructions: source.instructions, problems };
}

interface Checker {
  /** The fields as they stand. */
  fields: Readonly<Record<string, unknown>>;
  problems: SkillProblem[];
  error(field: string | null, message: string): void;
  warn(field: string | null, message: string): void;
  /** How a plain value was written: a number loses digits, its text does not. */
  written(path: string): string | undefined;
}

function createChecker(yaml: YamlFile, skill: string): Checker {
  const problems: SkillProblem[] = yaml.problems.map(({ line, message }) => ({
    skill,
    file: SKILL_FILE,
    line: line + 1, // the --- line stands above
    message,
    severity: "error",
  }));
  const add = (severity: SkillProblem["severity"]) => (field: string | null, message: string) => {
    const mark = field === null ? undefined : yaml.marks.get(field);
    const at = (mark?.key ?? mark?.value)?.line;
    problems.push({ skill, file: SKILL_FILE, line: at === undefined ? null : at + 1, message, severity });
  };
  const checker: Checker = {
    fields: {},
    problems,
    error: add("error"),
    warn: add("warning"),
    written: (path) => yaml.marks.get(path)?.source,
  };
  if (!yaml.readable) return checker;
  if (typeof yaml.value === "object" && yaml.value !== null && !Array.isArray(yaml.value))
    return { ...checker, fields: yaml.value as Record<string, unknown> };
  checker.error(null, "the front matter must be fields such as `name: my-skill`");
  return checker;
}

function readFields(checker: Checker, skill: string): SkillFrontMatter {
  if (checker.problems.length === 0) refuseMissing(checker);
  warnOfUnknown(checker);
  const name = readText(checker, "name", MAX_NAME_CHARS);
  if (name !== undefined) checkName(checker, name, skill);
  const description = readText(checker, "description", MAX_DESCRIPTION_CHARS);
  const license = readText(checker, "license", MAX_DESCRIPTION_CHARS);
  const compatibility = readText(checker, "compatibility", MAX_COMPATIBILITY_CHARS);
  const metadata = readMetadata(checker);
  const allowedTools = readAllowedTools(checker);
  return {
    name: name ?? "",
    description: description ?? "",
    ...(license === undefined ? {} : { license }),
    ...(compatibility === undefined ? {} : { compatibility }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(allowedTools === undefined ? {} : { allowedTools }),
  };
}

function refuseMissing({ fields, error }: Checker): void {
  for (const field of ["name", "description"])
    if (!Object.hasOwn(fields, field)) error(null, `the field ${field} is missing`);
}

function warnOfUnknown({ fields, warn }: Checker): void {
  for (const field of Object.keys(fields)) {
    if ((FIELDS as readonly string[]).includes(field)) continue;
    const near = nearest(field, FIELDS);
    const meant = near && !Object.hasOwn(fields, near) ? `; did you mean ${near}?` : "";
    warn(field, `the field ${field.slice(0, 80)} is not part of the format and is not used${meant}`);
  }
}

function checkName({ error }: Checker, name: string, skill: string): void {
  if (!isSkillName(name)) {
    error("name", "a name has 1 to 64 lower case letters, digits and single hyphens between them");
  } else if (name !== skill)
    error("name", `the name is ${name} and the folder is ${skill}; both must be the same`);
}

function readText({ fields, error }: Checker, field: Field, maxChars: number): string | undefined {
  if (!Object.hasOwn(fields, field)) return undefined;
  const value = fields[field];
  const text = typeof value === "string" ? value.trim() : "";
  if (typeof value !== "string") error(field, `${field} must be text; put it in quotes`);
  else if (text === "") error(field, `${field} is empty`);
  else if (text.length > maxChars)
    error(field, `${field} has ${text.length} characters; ${maxChars} are the most`);
  return text;
}

function readMetadata({ fields, error, warn, written }: Checker): Record<string, string> | undefined {
  const metadata = fields["metadata"];
  if (metadata === undefined || metadata === null) return undefined;
  if (typeof metadata !== "object" || Array.isArray(metadata)) {
    error("metadata", "metadata must be fields with texts");
    return undefined;
  }
  const texts = Object.entries(metadata).map(([name, value]: [string, unknown]) => {
    const path = `metadata.${name}`;
    if (typeof value === "string") return [name, value];
    warn(path, `${path.slice(0, 80)} should be text; put it in quotes`);
    return [name, typeof value === "object" ? JSON.stringify(value) : (written(path) ?? String(value))];
  });
  return Object.fromEntries(texts) as Record<string, string>;
}

/** A list, or words with blanks between them, such as `Bash(git:*) Read`. */
function readAllowedTools({ fields, error }: Checker): string[] | undefined {
  const value = fields["allowed-tools"];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return value.split(/\s+/).filter(Boolean);
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value;
  error("allowed-tools", "allowed-tools must be names with blanks between them, or a list of names");
  return undefined;
}
