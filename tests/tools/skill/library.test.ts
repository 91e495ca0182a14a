import { describe, expect, test } from "bun:test";
import {
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { openTempSkills, type TempSkills } from "../../support/skills.ts";

const CANARY = "canary-of-another-place";
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "found",
    (error) => error.code,
  );

describe("list", () => {
  test("nothing while there is no directory", async () => {
    using t = openTempSkills();
    expect(await t.library.list()).toEqual({ skills: [], problems: [] });
  });

  test("the usable skills by name, and what is wrong with the others", async () => {
    using t = openTempSkills();
    t.add("writing", "Writes.");
    t.add("coding", "Codes.");
    t.write("empty/notes.md", "x");
    t.write("Bad_Name/SKILL.md", "x");
    t.write("bytes/SKILL.md", new Uint8Array([0xff, 0xfe, 0]));
    t.write("mistaken/SKILL.md", "---\nname: mistaken\n---\n");
    t.write("large/SKILL.md", "x".repeat(300_000));
    t.write(".git/SKILL.md", "x");
    t.write("README.md", "not a skill");
    const { skills, problems } = await t.library.list();
    expect(skills).toEqual([
      { name: "coding", description: "Codes." },
      { name: "writing", description: "Writes." },
    ]);
    expect(problems.map(({ skill, message }) => `${skill}: ${message}`)).toEqual([
      "Bad_Name: the name of the folder must be 1 to 64 lower case letters, digits and single hyphens",
      "bytes: it is not text in UTF-8",
      "empty: the folder has no file of this name",
      'large: "SKILL.md" has 300000 bytes; 262144 are the most that are taken here',
      "mistaken: the field description is missing",
      "mistaken: there are no instructions below the front matter",
    ]);
    expect(t.log.join("")).toContain("SKILL.md: error: it is not text in UTF-8");
  });

  test("what is edited by hand counts at once; what is not gives the same object", async () => {
    using t = openTempSkills();
    t.add("note", "One.");
    const first = await t.library.list();
    expect(await t.library.list()).toBe(first);
    for (const description of ["Two.", "Six.", "Ten."]) {
      t.add("note", description); // as long as before, and within the same tick of the file system's clock
      expect((await t.library.list()).skills).toEqual([{ name: "note", description }]);
    }
    const long = new Date(Date.now() - 60_000);
    utimesSync(t.path("note/SKILL.md"), long, long);
    t.add("other");
    expect((await t.library.list()).skills).toHaveLength(2);
    rmSync(t.path("note"), { recursive: true });
    renameSync(t.path("other"), t.path("renamed"));
    expect((await t.library.list()).skills).toEqual([]);
    expect(await codeOf(t.library.read("note"))).toBe("not_found");
  });

  test("1,000 skills, and not one more", async () => {
    using t = openTempSkills();
    for (let i = 0; i < 1_001; i++) t.add(`skill-${String(i).padStart(4, "0")}`);
    const { skills, problems } = await t.library.list();
    expect(skills).toHaveLength(1_000);
    expect(problems.map(({ message }) => message)).toEqual([
      "there are 1001 folders; only the first 1000 are used",
    ]);
    t.add("skill-0500", "Changed.");
    expect((await t.library.list()).skills[500]).toEqual({ name: "skill-0500", description: "Changed." });
    const draft = { name: "one-more", description: "x", instructions: "x" };
    expect(await codeOf(t.library.save(draft))).toBe("invalid_request");
  }, 30_000);

  test("two listings at once agree", async () => {
    using t = openTempSkills();
    t.add("note");
    const [one, two] = await Promise.all([t.library.list(), t.library.list()]);
    expect(one).toBe(two);
  });
});

describe("read", () => {
  test("front matter, instructions and files, SKILL.md first", async () => {
    using t = openTempSkills();
    t.add("pdf", "Reads PDF.", "See references/guide.md\n");
    t.write("pdf/references/guide.md", "guide");
    t.write("pdf/scripts/run.py", "print(1)");
    t.write("pdf/.git/config", "hidden");
    const skill = await t.library.read("pdf");
    expect(skill).toMatchObject({
      frontMatter: { name: "pdf", description: "Reads PDF." },
      instructions: "See references/guide.md\n",
      warnings: [],
    });
    expect(skill.files.map(({ path, sizeBytes, mediaType }) => [path, sizeBytes > 0, mediaType])).toEqual([
      ["SKILL.md", true, "text/markdown"],
      ["references/guide.md", true, "text/markdown"],
      ["scripts/run.py", true, "text/x-python"],
    ]);
    const file = await t.library.readFile("pdf", "scripts/run.py");
    expect([Buffer.from(file.bytes).toString(), file.sizeBytes, file.mediaType]).toEqual([
      "print(1)",
      8,
      "text/x-python",
    ]);
  });

  test("an unknown name is told with the nearest one, a broken skill with all that is wrong", async () => {
    using t = openTempSkills();
    t.add("writing");
    t.write("broken/SKILL.md", "---\nname: other\n---\nx");
    expect(await t.library.read("writng").catch((error) => error)).toMatchObject({
      code: "not_found",
      hint: "Did you mean writing?",
    });
    const error = await t.library.read("broken").catch((error) => error);
    expect(error.code).toBe("invalid_request");
    expect(error.message).toContain("broken/SKILL.md:2: error: the name is other");
    expect(error.message).toContain("description is missing");
    expect(await codeOf(t.library.readFile("broken", "SKILL.md"))).toBe("invalid_request");
  });

  test("more files than are used are cut off with a warning", async () => {
    using t = openTempSkills();
    t.add("many");
    for (let i = 0; i < 600; i++) t.write(`many/assets/${i}.txt`, "x");
    const { files, warnings } = await t.library.read("many");
    expect(files.length).toBeLessThanOrEqual(512);
    expect(warnings[0]?.message).toContain("no more than 512 files");
  });
});

describe("nothing outside of a skill is reached", () => {
  /** [what, how it is set up, the name, the path]. */
  const ESCAPES: [string, (t: TempSkills) => void, string, string | null][] = [
    ["a name that goes up", () => {}, "..", "outside.txt"],
    ["a name with a slash", () => {}, "note/../../outside", "outside.txt"],
    ["an absolute name", () => {}, "/etc", "passwd"],
    ["a name with NUL", () => {}, "note\0", "SKILL.md"],
    ["the directory itself", () => {}, ".", "secret/SKILL.md"],
    ["an empty name", () => {}, "", "secret/SKILL.md"],
    ["a path that goes up", () => {}, "note", "../../outside.txt"],
    ["a path into another skill", () => {}, "note", "../secret/SKILL.md"],
    ["a path that goes down and up", () => {}, "note", "references/../../../outside.txt"],
    ["an absolute path", () => {}, "note", "/etc/passwd"],
    ["an absolute path of the skill", (t) => t.write("note/a.txt", CANARY), "note", "//a.txt"],
    ["a path with backslashes", () => {}, "note", "..\\..\\outside.txt"],
    ["a path with NUL", () => {}, "note", "SKILL.md\0.png"],
    ["a hidden file", (t) => t.write("note/.env", CANARY), "note", ".env"],
    ["a hidden folder", (t) => t.write("note/.git/config", CANARY), "note", ".git/config"],
    ["a percent sign is only a percent sign", () => {}, "note", "%2e%2e/%2e%2e/outside.txt"],
    [
      "a link to a file",
      (t) => symlinkSync(join(t.home, "outside.txt"), t.path("note/link")),
      "note",
      "link",
    ],
    ["a relative link", (t) => symlinkSync("../../outside.txt", t.path("note/link")), "note", "link"],
    ["a link to a folder", (t) => symlinkSync(t.home, t.path("note/up")), "note", "up/outside.txt"],
    ["a link to another skill", (t) => symlinkSync("../secret", t.path("note/s")), "note", "s/SKILL.md"],
    [
      "a chain of links",
      (t) => {
        symlinkSync("two", t.path("note/one"));
        symlinkSync("../../outside.txt", t.path("note/two"));
      },
      "note",
      "one",
    ],
    ["a hard link", (t) => linkSync(join(t.home, "outside.txt"), t.path("note/hard")), "note", "hard"],
    [
      "a skill that is a link",
      (t) => symlinkSync(join(t.home, "elsewhere"), t.path("linked")),
      "linked",
      null,
    ],
    [
      "a SKILL.md that is a link",
      (t) => {
        mkdirSync(t.path("main"));
        symlinkSync(join(t.home, "elsewhere/SKILL.md"), t.path("main/SKILL.md"));
      },
      "main",
      null,
    ],
    [
      "a SKILL.md that is a device",
      (t) => {
        mkdirSync(t.path("dev"));
        symlinkSync("/dev/zero", t.path("dev/SKILL.md"));
      },
      "dev",
      null,
    ],
    ["a file that is a pipe", (t) => void Bun.spawnSync(["mkfifo", t.path("note/pipe")]), "note", "pipe"],
    ["the environment", (t) => symlinkSync("/proc/self/environ", t.path("note/env")), "note", "env"],
  ];

  test.each(ESCAPES)("%s", async (_, setUp, name, path) => {
    using t = openTempSkills();
    t.add("note");
    t.add("secret", CANARY, CANARY);
    writeFileSync(join(t.home, "outside.txt"), CANARY);
    mkdirSync(join(t.home, "elsewhere"));
    writeFileSync(
      join(t.home, "elsewhere/SKILL.md"),
      `---\nname: linked\ndescription: ${CANARY}\n---\n${CANARY}`,
    );
    setUp(t);
    const read = await (path === null ? t.library.read(name) : t.library.readFile(name, path)).catch(
      (error) => error,
    );
    expect(read).toBeInstanceOf(Error);
    expect(["not_found", "forbidden", "bad_request", "invalid_request"]).toContain(read.code);
    const listed = (await t.library.list()).skills.filter((skill) => skill.name !== "secret");
    const files = (await t.library.read("note")).files.map((file) => file.path);
    expect(JSON.stringify([read.message, listed, files, t.log])).not.toContain(CANARY);
    expect(files.filter((file) => !["SKILL.md", "a.txt"].includes(file))).toEqual([]);
  });

  test("the test could fail: a file inside is read", async () => {
    using t = openTempSkills();
    t.add("note");
    t.write("note/a.txt", CANARY);
    expect(Buffer.from((await t.library.readFile("note", "a.txt")).bytes).toString()).toBe(CANARY);
  });

  test("the directory of all skills may be a link of the operator", async () => {
    using t = openTempSkills();
    t.add("note");
    renameSync(t.path(""), join(t.home, "my-skills"));
    symlinkSync("my-skills", join(t.home, "skills"));
    expect((await t.library.list()).skills).toHaveLength(1);
    await t.library.save({ name: "note", instructions: "New." });
    expect(readFileSync(t.path("note/SKILL.md"), "utf8")).toEndWith("\nNew.\n");
  });
});
