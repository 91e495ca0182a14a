import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { runCommand } from "../support/command.ts";
import { openTempSkills } from "../support/skills.ts";

setDefaultTimeout(30_000);

const run = (home: string, ...args: string[]) => runCommand(["skills", ...args], { home });

describe("hermes skills", () => {
  test("none yet: nothing on stdout, and where they go", async () => {
    using t = openTempSkills();
    expect(await run(t.home, "list")).toEqual({
      code: 0,
      stdout: "",
      stderr: "There are no skills yet. One is a folder with a SKILL.md below $HERMES_HOME/skills.\n",
    });
    expect(await run(t.home, "check")).toEqual({ code: 0, stdout: "", stderr: "0 skills can be used.\n" });
  });

  test("list, show and check, without what would steer the terminal", async () => {
    using t = openTempSkills();
    t.add("note", "Takes\u009b notes.", "# Steps\u001b]0;title\u0007\n");
    t.write("note/references/guide.md", "guide\u001b[2K\n");
    t.write("note/SKILL.md.orig", "x");
    expect((await run(t.home, "list")).stdout).toBe("SKILL  DESCRIPTION\nnote   Takes notes.\n");
    expect((await run(t.home, "show", "note")).stdout).toBe(
      "name: note\ndescription: Takes notes.\nfiles: SKILL.md SKILL.md.orig references/guide.md\n\n# Steps]0;title\n",
    );
    expect((await run(t.home, "show", "note", "references/guide.md")).stdout).toBe("guide[2K\n");
    expect(await run(t.home, "check", "note")).toEqual({
      code: 0,
      stdout: "",
      stderr: "1 skill can be used.\n",
    });
  });

  test("check says what is wrong, line by line, and ends with 1", async () => {
    using t = openTempSkills();
    t.add("note");
    t.write("wrong/SKILL.md", "---\nname: other\nversion: 2\n---\nx");
    const checked = await run(t.home, "check");
    expect(checked).toEqual({
      code: 1,
      stdout: [
        "wrong/SKILL.md: error: the field description is missing",
        "wrong/SKILL.md:3: warning: the field version is not part of the format and is not used",
        "wrong/SKILL.md:2: error: the name is other and the folder is wrong; both must be the same",
        "",
      ].join("\n"),
      stderr: "1 skill can be used.\n",
    });
    expect((await run(t.home, "list")).stderr).toBe("1 cannot be used: `hermes skills check` says why.\n");
    expect((await run(t.home, "check", "note")).code).toBe(0);
    const json = JSON.parse((await run(t.home, "check", "--json")).stdout);
    expect(json).toMatchObject({
      ok: false,
      checked: 1,
      problems: [{ skill: "wrong", severity: "error" }, {}, {}],
    });
  });

  test("--json gives the data; an unknown name is told with the nearest", async () => {
    using t = openTempSkills();
    t.add("note", "Takes notes.");
    expect(JSON.parse((await run(t.home, "list", "--json")).stdout)).toEqual({
      skills: [{ name: "note", description: "Takes notes." }],
      problems: [],
    });
    expect(JSON.parse((await run(t.home, "show", "note", "--json")).stdout)).toMatchObject({
      front_matter: { name: "note" },
      files: [{ path: "SKILL.md", size_bytes: expect.any(Number), media_type: "text/markdown" }],
    });
    const file = JSON.parse((await run(t.home, "show", "note", "SKILL.md", "--json")).stdout);
    expect(Buffer.from(file.base64, "base64").toString()).toContain("Takes notes.");
    for (const command of ["show", "check"])
      expect(await run(t.home, command, "nte")).toEqual({
        code: 1,
        stdout: "",
        stderr: 'error: There is no skill "nte".\nhint: Did you mean note?\n',
      });
  });
});
