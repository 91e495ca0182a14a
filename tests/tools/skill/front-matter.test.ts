import { describe, expect, test } from "bun:test";
import { isSkillName, parseSkill } from "../../../src/tools/skill/front-matter.ts";

const skill = (...fields: string[]) => `---\n${fields.join("\n")}\n---\n\n# Steps\n`;
const good = ["name: pdf-forms", "description: Fills PDF forms."];

/** [what, the text, the line of the problem, a part of its message]. Every one is an error: the skill is not used. */
const BROKEN: [string, string, number | null, string][] = [
  ["no front matter", "# Steps\n", 1, "must begin with front matter"],
  ["front matter further down", `\n${skill(...good)}`, 1, "must begin with front matter"],
  ["front matter without an end", "---\nname: pdf-forms\n", 1, "another --- line"],
  ["an empty front matter", "---\n---\ntext", null, "must be fields"],
  ["a list", skill("- name"), null, "must be fields"],
  ["no name", skill("description: x"), null, "name is missing"],
  ["no description", skill("name: pdf-forms"), null, "description is missing"],
  ["an empty description", skill("name: pdf-forms", 'description: "  "'), 3, "description is empty"],
  ["a long description", skill("name: pdf-forms", `description: ${"x".repeat(1025)}`), 3, "1025 characters"],
  ["a description that is a number", skill("name: pdf-forms", "description: 7"), 3, "must be text"],
  ["a colon that is not quoted", skill("name: pdf-forms", "description: Use it: now"), 3, "in quotes"],
  ["the name of another folder", skill("name: other", "description: x"), 2, "the folder is pdf-forms"],
  ["capitals", skill("name: PDF-forms", "description: x"), 2, "lower case"],
  ["a hyphen at the start", skill("name: -pdf", "description: x"), 2, "lower case"],
  ["two hyphens", skill("name: pdf--forms", "description: x"), 2, "lower case"],
  ["a path as a name", skill("name: ../pdf", "description: x"), 2, "lower case"],
  ["a field twice", skill(...good, "name: pdf-forms"), 4, "second time"],
  ["a tab", skill("name: pdf-forms", "description:\n\t- x"), 4, "tab"],
  ["long compatibility", skill(...good, `compatibility: ${"x".repeat(501)}`), 4, "501 characters"],
  ["a list as metadata", skill(...good, "metadata: [a]"), 4, "metadata must be fields"],
  ["numbers as allowed-tools", skill(...good, "allowed-tools: [1]"), 4, "allowed-tools must be"],
  ["a bomb of aliases", skill(...bomb()), 2, "nested too deep"],
  [
    "brackets in brackets",
    skill(...good, `metadata: ${"[".repeat(100)}${"]".repeat(100)}`),
    2,
    "nested too deep",
  ],
  ["a front matter of 20 KB", skill(...good, `# ${"x".repeat(20_000)}`), 1, "16384 characters"],
];

function bomb(): string[] {
  const level = (i: number) =>
    `a${i}: &a${i} [${Array(10)
      .fill(`*a${i - 1}`)
      .join(", ")}]`;
  return ["a0: &a0 [x]", ...Array.from({ length: 8 }, (_, i) => level(i + 1)), ...good];
}

describe("a SKILL.md that cannot be used", () => {
  test.each(BROKEN)("%s", (_, text, line, message) => {
    const { frontMatter, problems } = parseSkill(text, "pdf-forms");
    expect(frontMatter).toBeNull();
    const found = problems.find((problem) => problem.message.includes(message));
    expect(found ?? problems).toMatchObject({
      skill: "pdf-forms",
      file: "SKILL.md",
      line,
      severity: "error",
    });
  });
});

describe("a SKILL.md that can", () => {
  test("has all its fields, whatever its line ends", () => {
    const text = skill(
      ...good,
      "license: Apache-2.0",
      "compatibility: Requires poppler",
      "metadata:",
      "  author: someone",
      '  version: "1.0"',
      "allowed-tools: Bash(git:*) Read",
    );
    for (const spelling of [text, text.replaceAll("\n", "\r\n"), `\uFEFF${text}`]) {
      const { frontMatter, instructions, problems } = parseSkill(spelling, "pdf-forms");
      expect(frontMatter).toEqual({
        name: "pdf-forms",
        description: "Fills PDF forms.",
        license: "Apache-2.0",
        compatibility: "Requires poppler",
        metadata: { author: "someone", version: "1.0" },
        allowedTools: ["Bash(git:*)", "Read"],
      });
      expect(instructions.trim()).toBe("# Steps");
      expect(problems).toEqual([]);
    }
  });

  test("may use every way of YAML to write a text, and a list of tools", () => {
    const text = skill(
      "name: pdf-forms",
      "description: >",
      "  Fills",
      "  forms.",
      "allowed-tools:",
      "- Read",
    );
    expect(parseSkill(text, "pdf-forms").frontMatter).toEqual({
      name: "pdf-forms",
      description: "Fills forms.",
      allowedTools: ["Read"],
    });
  });

  test("is used with a warning for what is odd about it", () => {
    const odd = ["metadata:", "  version: 1.10", "licence: MIT"];
    const { frontMatter, problems } = parseSkill(
      `${skill(...good, ...odd).replace("# Steps", "")}`,
      "pdf-forms",
    );
    expect(frontMatter?.metadata).toEqual({ version: "1.10" });
    expect(problems.map(({ line, severity, message }) => `${line} ${severity} ${message}`)).toEqual([
      "6 warning the field licence is not part of the format and is not used; did you mean license?",
      "5 warning metadata.version should be text; put it in quotes",
      "null warning there are no instructions below the front matter",
    ]);
  });

  test("a line of hyphens in the instructions ends nothing", () => {
    expect(parseSkill(`${skill(...good)}---\nmore\n`, "pdf-forms").instructions).toEndWith("---\nmore\n");
  });
});

test("a name has 1 to 64 lower case letters, digits and single hyphens", () => {
  for (const name of ["a", "7", "a-b", "x".repeat(64), "a1-b2-c3"])
    expect([name, isSkillName(name)]).toEqual([name, true]);
  for (const name of [
    "",
    "A",
    "a_b",
    "a.b",
    "..",
    "a/b",
    "a-",
    "-a",
    "a--b",
    "ä",
    "a\n",
    "a\0",
    "x".repeat(65),
    "a b",
  ])
    expect([name, isSkillName(name)]).toEqual([name, false]);
});
