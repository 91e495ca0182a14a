import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { skillEntry } from "@modelcontextprotocol/server/ext/skills";
import type { SkillDraft } from "../../../src/tools/skill/contract.ts";
import { createSkillLibrary } from "../../../src/tools/skill/library.ts";
import { openTempSkills, type TempSkills } from "../../support/skills.ts";
import { quietLog } from "../../support/store.ts";

const DRAFT = {
  name: "note",
  description: "Takes notes. Use it: for notes",
  instructions: "# Notes\n\nWrite.",
};
const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error) => error,
  );
const textOf = (t: TempSkills, below: string) => readFileSync(t.path(below), "utf8");
/** Everything below the skills directory, hidden files included. */
const allFiles = (t: TempSkills) =>
  readdirSync(t.path(""), { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => entry.name)
    .sort();

describe("a new skill", () => {
  test("is written with its files, and nothing is left beside it", async () => {
    using t = openTempSkills();
    const files = [{ path: "references/guide.md", content: "# Guide\r\n" }];
    const change = await t.library.save({ ...DRAFT, license: "MIT", files });
    expect([change.created, change.changed]).toEqual([true, ["SKILL.md", "references/guide.md"]]);
    expect(textOf(t, "note/SKILL.md")).toBe(
      '---\nname: note\ndescription: "Takes notes. Use it: for notes"\nlicense: MIT\n---\n\n# Notes\n\nWrite.\n',
    );
    expect(textOf(t, "note/references/guide.md")).toBe("# Guide\n");
    expect(allFiles(t)).toEqual(["SKILL.md", "guide.md"]);
    expect(change.diff).toBe(
      [
        "--- /dev/null",
        "+++ b/SKILL.md",
        "@@ -0,0 +1,9 @@",
        "+---",
        "+name: note",
        '+description: "Takes notes. Use it: for notes"',
        "+license: MIT",
        "+---",
        "+",
        "+# Notes",
        "+",
        "+Write.",
        "--- /dev/null",
        "+++ b/references/guide.md",
        "@@ -0,0 +1,1 @@",
        "+# Guide",
        "",
      ].join("\n"),
    );
  });

  test("is understood by another reader of the format, whatever its texts are", async () => {
    using t = openTempSkills();
    for (const [i, description] of [
      "yes",
      "12",
      "- a list?",
      'it\'s "quoted" # not a comment',
      "多行\n文字",
      "x: y: z",
      "long ".repeat(200),
    ].entries()) {
      const name = `skill-${i}`;
      await t.library.save({
        name,
        description,
        instructions: "x",
        compatibility: description.slice(0, 400),
      });
      const entry = await skillEntry(name, { "SKILL.md": textOf(t, `${name}/SKILL.md`) });
      expect(entry.frontmatter).toMatchObject({
        name,
        description: description.replaceAll(/\s+/g, " ").trim(),
      });
    }
    expect((await t.library.list()).skills).toHaveLength(7);
  });
});

describe("a change", () => {
  test("keeps what the draft says nothing about: fields, comments, other files, their modes", async () => {
    using t = openTempSkills();
    t.write(
      "note/SKILL.md",
      "---\nname: note\ndescription: >\n  Old\n  words.\n# mine\nmetadata:\n  author: me\nx-own: 1\n---\n\nOld.\n",
    );
    t.write("note/scripts/run.sh", "echo old");
    t.write("note/.git/config", "kept");
    chmodSync(t.path("note/scripts/run.sh"), 0o755);
    const change = await t.library.save({ name: "note", description: "New words." });
    expect(change).toMatchObject({ created: false, changed: ["SKILL.md"] });
    expect(change.diff).toContain("-  Old\n");
    expect(change.diff).toContain("+  New words.\n");
    const text = textOf(t, "note/SKILL.md");
    for (const kept of ["# mine", "author: me", "x-own: 1", "\n\nOld.\n"]) expect(text).toContain(kept);
    expect((await t.library.read("note")).frontMatter.description).toBe("New words.");
    expect(statSync(t.path("note/scripts/run.sh")).mode & 0o777).toBe(0o755);
    expect(allFiles(t)).toEqual(["SKILL.md", "config", "run.sh"]);
  });

  test("adds, replaces and removes files; new content may not be executed", async () => {
    using t = openTempSkills();
    t.add("note");
    t.write("note/run.sh", "echo old\n");
    t.write("note/old.md", "old\n");
    chmodSync(t.path("note/run.sh"), 0o755);
    const files = [
      { path: "run.sh", content: "echo new\n" },
      { path: "old.md", content: null },
      { path: "deep/er/new.md", content: "new\n" },
      { path: "never-there.md", content: null },
    ];
    const change = await t.library.save({ name: "note", files });
    expect(change.changed).toEqual(["run.sh", "old.md", "deep/er/new.md"]);
    expect(change.diff).toContain("--- a/old.md\n+++ /dev/null\n");
    expect(textOf(t, "note/run.sh")).toBe("echo new\n");
    expect(statSync(t.path("note/run.sh")).mode & 0o111).toBe(0);
    expect(allFiles(t)).toEqual(["SKILL.md", "new.md", "run.sh"]);
  });

  test("of nothing writes nothing", async () => {
    using t = openTempSkills();
    await t.library.save(DRAFT);
    const before = statSync(t.path("note/SKILL.md"));
    expect(await t.library.save(DRAFT)).toEqual({ created: false, diff: "", changed: [] });
    expect(statSync(t.path("note/SKILL.md")).ino).toBe(before.ino);
  });

  test("mends a skill that was broken", async () => {
    using t = openTempSkills();
    t.write("note/SKILL.md", new Uint8Array([0, 255]));
    const change = await t.library.save(DRAFT);
    expect(change.diff).toContain("-[a file of 2 bytes that is not shown]");
    expect((await t.library.read("note")).instructions).toContain("Write.");
  });

  test("of a very long text gives a diff too, whole and at once", async () => {
    using t = openTempSkills();
    const lines = (word: string) => `${Array.from({ length: 30_000 }, (_, i) => `${word}${i}`).join("\n")}\n`;
    await t.library.save({ ...DRAFT, files: [{ path: "a.txt", content: lines("a") }] });
    const { diff } = await t.library.save({ name: "note", files: [{ path: "a.txt", content: lines("b") }] });
    expect(diff).toStartWith("--- a/a.txt\n+++ b/a.txt\n@@ -1,30000 +1,30000 @@\n-a0\n");
    expect(diff).toEndWith("\n+b29999\n");
  });
});

/** [what, the draft, a part of the message]. */
const REFUSED: [string, SkillDraft, string][] = [
  ["a name that goes up", { ...DRAFT, name: "../note" }, "a name has"],
  ["a hidden name", { ...DRAFT, name: ".note" }, "a name has"],
  ["an absolute name", { ...DRAFT, name: "/tmp/note" }, "a name has"],
  ["a new skill without a description", { name: "note", instructions: "x" }, "description is missing"],
  ["a new skill without instructions", { name: "note", description: "x" }, "instructions are missing"],
  ["a long description", { ...DRAFT, description: "x".repeat(1025) }, "1025 characters"],
  ["an empty description", { ...DRAFT, description: " \n" }, "description is empty"],
  ["long compatibility", { ...DRAFT, compatibility: "x".repeat(501) }, "501 characters"],
  ["300 KB", { ...DRAFT, instructions: "x".repeat(300_000) }, "262144 are the most"],
  ["half of a surrogate pair", { ...DRAFT, instructions: "x\ud800" }, "not valid Unicode"],
  ...[
    "../note2/SKILL.md",
    "../../config.yaml",
    "/etc/cron.d/x",
    "a/../../../x",
    "./a",
    "a//b",
    ".env",
    "a/.git/hooks/pre-commit",
    "a\\b",
    "a\0b",
    "",
    "~/.bashrc",
    "-rf",
    "a/b/c/d/e/f",
    "x".repeat(201),
  ].map((path): [string, SkillDraft, string] => [
    `a file at ${JSON.stringify(path.slice(0, 20))}`,
    { ...DRAFT, files: [{ path, content: "x" }] },
    "cannot be the path of a file",
  ]),
  ["SKILL.md as a file", { ...DRAFT, files: [{ path: "skill.MD", content: "x" }] }, "leave it out of files"],
  [
    "two files at one path",
    { ...DRAFT, files: ["a.md", "A.md"].map((path) => ({ path, content: "x" })) },
    "the same path",
  ],
  ...(
    [
      ["an escape sequence", "\u001b[2K"],
      ["a turned direction", "\u202e"],
      ["an isolate", "\u2066"],
      ["a blank without width", "\u200b"],
      ["hidden tags", "\u{E0041}"],
      ["hidden selectors", "\u{E0100}"],
      ["a line end that is none", "\u2028"],
      ["a carriage return", "\r"],
    ] as const
  ).map(([what, hidden]): [string, SkillDraft, string] => [
    `${what}, which the reader of a diff does not see`,
    { ...DRAFT, files: [{ path: "a.md", content: `safe${hidden}rm` }] },
    "which a reader cannot see",
  ]),
];

describe("is refused, and nothing is written", () => {
  test.each(REFUSED)("%s", async (_, draft, message) => {
    using t = openTempSkills();
    writeFileSync(join(t.home, "config.yaml"), "kept");
    for (const attempt of [t.library.plan(draft), t.library.save(draft)]) {
      const error = await errorOf(attempt);
      expect(error?.code).toBe("invalid_request");
      expect(error.message).toContain(message);
    }
    expect(readdirSync(t.home)).toEqual(["config.yaml"]);
    expect(readFileSync(join(t.home, "config.yaml"), "utf8")).toBe("kept");
  });

  test("the refusals are not for everything: emoji, Chinese and Persian pass", async () => {
    using t = openTempSkills();
    await t.library.save({ ...DRAFT, instructions: "👩‍💻 写 می‌خواهم\tok ✔️" });
    expect(textOf(t, "note/SKILL.md")).toContain("👩‍💻 写 می‌خواهم\tok ✔️");
  });

  test("links that somebody put into the skill lead nowhere", async () => {
    using t = openTempSkills();
    t.add("note");
    writeFileSync(join(t.home, "config.yaml"), "kept");
    symlinkSync("../../config.yaml", t.path("note/link.md"));
    symlinkSync("../..", t.path("note/up"));
    mkdirSync(join(t.home, "elsewhere"));
    symlinkSync(join(t.home, "elsewhere"), t.path("linked"));
    const drafts: SkillDraft[] = [
      { name: "note", files: [{ path: "link.md", content: "owned" }] },
      { name: "note", files: [{ path: "link.md", content: null }] },
      { name: "note", files: [{ path: "up/config.yaml", content: "owned" }] },
      { name: "note", files: [{ path: "up/new/a.md", content: "owned" }] },
      { ...DRAFT, name: "linked" },
    ];
    for (const draft of drafts)
      expect(["forbidden", "conflict"]).toContain((await errorOf(t.library.save(draft))).code);
    expect(readFileSync(join(t.home, "config.yaml"), "utf8")).toBe("kept");
    expect(readdirSync(t.home).sort()).toEqual(["config.yaml", "elsewhere", "skills"]);
    expect(readdirSync(join(t.home, "elsewhere"))).toEqual([]);
    expect(readdirSync(t.path("note")).sort()).toEqual(["SKILL.md", "link.md", "up"]);
  });
});

describe("whole or not at all", () => {
  test("when one file cannot be written, none is", async () => {
    using t = openTempSkills();
    t.add("note", "Old.");
    t.write("note/taken/file.md", "x");
    const before = textOf(t, "note/SKILL.md");
    const files = [
      { path: "a.md", content: "new" },
      { path: "taken", content: "this is a folder" },
    ];
    expect((await errorOf(t.library.save({ name: "note", description: "New.", files }))).code).toBe(
      "invalid_request",
    );
    expect(textOf(t, "note/SKILL.md")).toBe(before);
    expect(allFiles(t)).toEqual(["SKILL.md", "file.md"]);
  });

  test("20 saves at once of one skill, from two libraries: one whole outcome, no rests", async () => {
    using t = openTempSkills();
    t.add("note");
    const libraries = [t.library, createSkillLibrary({ home: t.home, log: quietLog() })];
    const word = (i: number) => `version-${i} `.repeat(500);
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => libraries[i % 2]?.save({ name: "note", instructions: word(i) })),
    );
    const { instructions } = await t.library.read("note");
    expect(Array.from({ length: 20 }, (_, i) => `\n${word(i).trim()}\n`)).toContain(instructions);
    expect(allFiles(t)).toEqual(["SKILL.md"]);
  });

  test("10 makers of one new skill: one makes it, the others change it or are told of it", async () => {
    using t = openTempSkills();
    const make = async (i: number) => {
      const library = createSkillLibrary({ home: t.home, log: quietLog() });
      return library.save({ ...DRAFT, files: [{ path: `${i}.md`, content: `${i}` }] });
    };
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => make(i)));
    const made = outcomes.filter((one) => one.status === "fulfilled" && one.value.created);
    expect(made).toHaveLength(1);
    for (const one of outcomes) if (one.status === "rejected") expect(one.reason.code).toBe("conflict");
    const kept = outcomes.flatMap((one, i) => (one.status === "fulfilled" ? `${i}.md` : []));
    expect(allFiles(t)).toEqual([...kept, "SKILL.md"].sort());
  });

  test("what has changed since it was planned is not written over", async () => {
    using t = openTempSkills();
    t.add("note");
    const draft = { name: "note", instructions: "Mine." };
    const { diff } = await t.library.plan(draft);
    t.add("note", "Edited by hand.");
    expect((await errorOf(t.library.save(draft, diff))).code).toBe("conflict");
    expect(textOf(t, "note/SKILL.md")).toContain("Edited by hand.");
    await t.library.save(draft, (await t.library.plan(draft)).diff);
    expect(textOf(t, "note/SKILL.md")).toContain("Mine.");
  });
});
