import { type Static, Type } from "typebox";
import { defineTool, type Tool, type ToolResult } from "../contract.ts";
import { MAX_IMAGE_BYTES, SEEN_IMAGE_TYPES, toolImage } from "../images.ts";
import { dataResult, errorResult } from "../result.ts";
import { cutText, headOf } from "../text.ts";
import { removeTemplateTokens } from "../untrusted.ts";
import type { SkillFileContent, SkillLibrary, SkillSummary } from "./contract.ts";
import { textOf } from "./folder.ts";
import { SKILL_FILE } from "./front-matter.ts";
import { describeProblem } from "./problem.ts";
import { skillPrompt } from "./prompt.ts";

const PAGE_SKILLS = 50;
const PAGE_CHARS = 20_000;
const SHOWN_FILES = 100;
const SHOWN_PROBLEMS = 10;
const MAX_DRAFT_FILES = 32;

const closed = { additionalProperties: false } as const;
/** Longer and stranger than a name may be: the library says which name was meant. */
const name = Type.String({ minLength: 1, maxLength: 200 });
const offset = Type.Optional(Type.Integer({ minimum: 0 }));
const nextOffset = Type.Optional(Type.Integer());

const loadInput = Type.Object(
  {
    name,
    path: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1000,
        description: "A file of the skill instead of its instructions.",
      }),
    ),
    offset,
  },
  closed,
);

const saveInput = Type.Object(
  {
    name,
    description: Type.Optional(Type.String({ description: "What it does and when to use it." })),
    instructions: Type.Optional(Type.String({ description: "Markdown." })),
    license: Type.Optional(Type.String()),
    compatibility: Type.Optional(Type.String()),
    files: Type.Optional(
      Type.Array(
        Type.Object({ path: Type.String(), content: Type.Union([Type.String(), Type.Null()]) }, closed),
        {
          maxItems: MAX_DRAFT_FILES,
          description: "Text files, such as references/guide.md; null removes one.",
        },
      ),
    ),
  },
  closed,
);

/**
 * The skill group. What a skill says is not marked as untrusted: somebody with access to Hermes's home has put it there, or a
 * person has agreed to its diff, so that it is the operator's word like the system prompt.
 */
export function skillTools(library: SkillLibrary): Tool[] {
  /** The diff that was agreed to, by the arguments of the call. */
  const agreed = new WeakMap<object, string>();
  return [
    defineTool({
      name: "skill_list",
      group: "skill",
      title: "List skills",
      description: "List the skills there are, all or those with these words.",
      input: Type.Object({ query: Type.Optional(Type.String({ maxLength: 200 })), offset }, closed),
      output: Type.Object(
        {
          skills: Type.Array(Type.Object({ name: Type.String(), description: Type.String() }, closed)),
          total: Type.Integer(),
          next_offset: nextOffset,
          problems: Type.Optional(Type.Array(Type.String(), { description: "Skills that cannot be used." })),
        },
        closed,
      ),
      effect: "read",
      run: (input) => listSkills(library, input.query ?? "", input.offset ?? 0),
    }),
    defineTool({
      name: "skill_load",
      group: "skill",
      title: "Load a skill",
      description:
        "Load the instructions of a skill, or one of its files. Load a skill that fits before the task.",
      input: loadInput,
      output: Type.Object(
        {
          name: Type.String(),
          path: Type.String(),
          media_type: Type.String(),
          total_chars: Type.Optional(Type.Integer()),
          next_offset: nextOffset,
          files: Type.Optional(
            Type.Array(Type.Object({ path: Type.String(), size_bytes: Type.Integer() }, closed)),
          ),
        },
        closed,
      ),
      effect: "read",
      prompt: async () => skillPrompt((await library.list()).skills),
      run: (input) =>
        input.path === undefined ? loadSkill(library, input) : loadFile(library, input.path, input),
    }),
    defineTool({
      name: "skill_save",
      group: "skill",
      title: "Save a skill",
      description:
        "Make a skill, or change one: what is left out stays. A person may have to agree to the diff.",
      input: saveInput,
      output: Type.Object(
        { name: Type.String(), created: Type.Boolean(), changed: Type.Array(Type.String()) },
        closed,
      ),
      effect: "write",
      destructive: true,
      idempotent: true,
      async approval(input) {
        const { created, diff, changed } = await library.plan(input);
        agreed.set(input, diff);
        if (changed.length === 0) return null;
        const question = `${created ? "Make the new skill" : "Change the skill"} ${input.name}?`;
        return { tool: "skill_save", question, details: diff };
      },
      async run(input) {
        const { created, diff, changed } = await library.save(input, agreed.get(input));
        const done = created ? "is made" : changed.length > 0 ? "is changed" : "is as it was";
        return {
          text: `The skill ${input.name} ${done}.\n${cutText(diff, PAGE_CHARS)}`.trim(),
          structured: { name: input.name, created, changed },
        };
      },
    }),
  ];
}

async function listSkills(library: SkillLibrary, query: string, from: number): Promise<ToolResult> {
  const { skills, problems } = await library.list();
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = skills.filter((skill) => words.every((word) => hasWord(skill, word)));
  const errors = problems.filter(({ severity }) => severity === "error").slice(0, SHOWN_PROBLEMS);
  const end = from + PAGE_SKILLS;
  return dataResult({
    skills: found
      .slice(from, end)
      .map(({ name, description }) => ({ name, description: removeTemplateTokens(description) })),
    total: found.length,
    ...(end < found.length ? { next_offset: end } : {}),
    ...(errors.length > 0 && from === 0 ? { problems: errors.map(describeProblem) } : {}),
  });
}

function hasWord({ name, description }: SkillSummary, word: string): boolean {
  return name.includes(word) || description.toLowerCase().includes(word);
}

async function loadSkill(library: SkillLibrary, input: Static<typeof loadInput>): Promise<ToolResult> {
  const { instructions, files } = await library.read(input.name);
  const others = files.filter(({ path }) => path !== SKILL_FILE);
  const listed = others.slice(0, SHOWN_FILES).map(({ path, sizeBytes }) => ({ path, size_bytes: sizeBytes }));
  const about =
    others.length === 0 ? "" : `Files, to be loaded by path: ${listed.map(({ path }) => path).join(", ")}`;
  const more = others.length > listed.length ? `, and ${others.length - listed.length} more` : "";
  const { text, page } = pageOf(instructions, input.offset ?? 0);
  return {
    text: [text, about + more].filter(Boolean).join("\n\n"),
    structured: {
      name: input.name,
      path: SKILL_FILE,
      media_type: "text/markdown",
      ...page,
      ...(listed.length > 0 ? { files: listed } : {}),
    },
  };
}

async function loadFile(
  library: SkillLibrary,
  path: string,
  input: Static<typeof loadInput>,
): Promise<ToolResult> {
  const file = await library.readFile(input.name, path);
  const about = { name: input.name, path, media_type: file.mediaType };
  if (SEEN_IMAGE_TYPES.includes(file.mediaType)) return showImage(file, about);
  const content = textOf(file.bytes);
  if (content === null)
    return errorResult(
      `${path} is a file of ${file.sizeBytes} bytes (${file.mediaType}), which cannot be shown as text.`,
    );
  const { text, page } = pageOf(content, input.offset ?? 0);
  return { text, structured: { ...about, ...page } };
}

function showImage({ path, bytes, sizeBytes, mediaType }: SkillFileContent, about: object): ToolResult {
  if (sizeBytes > MAX_IMAGE_BYTES)
    return errorResult(`${path} has ${sizeBytes} bytes; an image has ${MAX_IMAGE_BYTES} at most.`);
  return {
    text: `The image ${path}, ${sizeBytes} bytes.`,
    structured: about,
    images: [toolImage(mediaType, bytes)],
  };
}

/** A part of a text. Control tokens of chat templates are taken out: a skill may instruct, but not pose as another speaker. */
function pageOf(whole: string, from: number) {
  const content = removeTemplateTokens(whole);
  const text = headOf(content.slice(from), PAGE_CHARS);
  const end = from + text.length;
  const isLast = end >= content.length;
  const note = isLast ? "" : `\n[${end} of ${content.length} characters; go on with offset ${end}]`;
  return {
    text: from > 0 && text === "" ? `[the text has ${content.length} characters]` : text + note,
    page: { total_chars: content.length, ...(isLast ? {} : { next_offset: end }) },
  };
}
