import { Document, isMap, parseDocument } from "yaml";
import { AppError } from "../../lib/errors.ts";
import type { SkillDraft } from "./contract.ts";
import { isSkillPath } from "./folder.ts";
import { isSkillName, parseSkill, SKILL_FILE, splitSkill } from "./front-matter.ts";

/** Of all texts of a draft together: somebody is to read it before agreeing. */
export const MAX_DRAFT_BYTES = 256 * 1024;
const MAX_PATH_CHARS = 200;

/** Names of files that a draft may have: what every file system takes and nobody mistakes. */
const DRAFT_PATH = /^[\p{L}\p{N}_][\p{L}\p{N}._ -]*(\/[\p{L}\p{N}_][\p{L}\p{N}._ -]*){0,4}$/u;

/**
 * Characters that a person who reads a diff does not see, or sees in another order: control characters, the marks that
 * turn the direction of writing, blanks without width, and the tags and selectors in which whole texts can be hidden.
 */
const UNSEEN =
  /[[\p{Cc}--[\n\t]]\u200B\u2028\u2029\u202A-\u202E\u2060-\u2064\u2066-\u2069\uFEFF\u{E0000}-\u{E007F}\u{E0100}-\u{E01EF}]/v;

/** The draft with line ends as they are kept. Raises `invalid_request` with all that is wrong with it. */
export function checkDraft(draft: SkillDraft): SkillDraft {
  const files = (draft.files ?? []).map(({ path, content }) => ({
    path: path.normalize("NFC"),
    content: content === null ? null : lineEnds(content),
  }));
  const problems = [...(isSkillName(draft.name) ? [] : [NAME_PROBLEM]), ...files.flatMap(fileProblems)];
  const paths = new Set(files.map(({ path }) => path.toLowerCase()));
  if (paths.size < files.length) problems.push("two of the files have the same path");
  const { description, instructions, license, compatibility } = draft;
  const texts = { description, instructions, license, compatibility };
  for (const [field, text] of Object.entries(texts))
    if (text !== undefined) problems.push(...textProblems(field, lineEnds(text)));
  const contents = [...Object.values(texts), ...files.map(({ content }) => content)];
  const sizeBytes = contents.reduce((sum, text) => sum + Buffer.byteLength(text ?? ""), 0);
  if (sizeBytes > MAX_DRAFT_BYTES)
    problems.push(`it has ${sizeBytes} bytes in all; ${MAX_DRAFT_BYTES} are the most`);
  if (problems.length > 0) throw refused(draft.name, problems);
  return { ...draft, files, ...(instructions === undefined ? {} : { instructions: lineEnds(instructions) }) };
}

/**
 * The SKILL.md that a checked draft makes of the present one. Fields and comments that the draft says nothing about stay.
 * Raises `invalid_request` when what comes out is not valid.
 */
export function writeSkillFile(present: string | null, draft: SkillDraft): string {
  const source = present === null ? null : splitSkill(present);
  const parsed = source === null ? null : parseDocument(source.yaml);
  const fields = parsed?.errors.length === 0 && isMap(parsed.contents) ? parsed : new Document({});
  fields.set("name", draft.name);
  for (const field of ["description", "license", "compatibility"] as const) {
    const text = draft[field];
    if (text !== undefined) fields.set(field, text.replaceAll(/\s+/g, " ").trim());
  }
  const instructions =
    draft.instructions === undefined ? (source?.instructions ?? "") : `\n${draft.instructions.trim()}\n`;
  // Texts on one line each: simple readers of front matter take nothing else.
  const text = `---\n${fields.toString({ lineWidth: 0 })}---\n${instructions}`;
  const { problems } = parseSkill(text, draft.name);
  const errors = problems.filter(({ severity }) => severity === "error").map(({ message }) => message);
  if (instructions.trim() === "") errors.push("the instructions are missing");
  if (errors.length > 0) throw refused(draft.name, errors);
  return text;
}

const NAME_PROBLEM = "a name has 1 to 64 lower case letters, digits and single hyphens between them";

function fileProblems({ path, content }: { path: string; content: string | null }): string[] {
  const shown = JSON.stringify(path.slice(0, MAX_PATH_CHARS));
  if (path.toLowerCase() === SKILL_FILE.toLowerCase())
    return [`${SKILL_FILE} is written from description and instructions; leave it out of files`];
  if (!DRAFT_PATH.test(path) || !isSkillPath(path) || path.length > MAX_PATH_CHARS)
    return [`${shown} cannot be the path of a file; write it like references/guide.md`];
  return content === null ? [] : textProblems(shown, content);
}

function textProblems(what: string, text: string): string[] {
  const unseen = UNSEEN.exec(text)?.[0];
  if (unseen === undefined) return text.isWellFormed() ? [] : [`${what} is not valid Unicode`];
  const code = unseen.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0");
  return [`${what} has the character U+${code}, which a reader cannot see; leave it out`];
}

function lineEnds(text: string): string {
  return text.replaceAll("\r\n", "\n");
}

function refused(name: string, problems: readonly string[]): AppError {
  return new AppError(
    "invalid_request",
    `The skill ${JSON.stringify(name.slice(0, 80))} cannot be saved: ${problems.join("; ")}.`,
  );
}
