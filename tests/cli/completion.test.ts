import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { runCommand } from "../support/command.ts";
import { makeHome } from "../support/hermes.ts";

let home: string;
let script: string;
beforeAll(async () => {
  home = makeHome();
  script = (await runCommand(["completion", "bash"], { home })).stdout;
});
afterAll(() => rmSync(home, { recursive: true }));

/** What bash offers behind these words. */
function offered(...words: string[]): string[] {
  const typed = ["hermes", ...words].map((word) => `'${word}'`).join(" ");
  const ask = `COMP_WORDS=(${typed}); COMP_CWORD=${words.length}; _hermes; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = Bun.spawnSync(["bash", "-c", `${script}\n${ask}`]);
  expect(stderr.toString()).toBe("");
  return stdout.toString().trim().split("\n");
}

describe("bash", () => {
  test("offers commands, sub-commands and flags", () => {
    expect(offered("se")).toEqual(["serve", "send", "sessions"]);
    expect(offered("config", "s")).toEqual(["show", "schema"]);
    expect(offered("sessions", "list", "--j")).toEqual(["--json"]);
  });

  test("values of flags do not confuse it", () => {
    expect(offered("api", "--host", "0.0.0.0", "--po")).toEqual(["--port"]);
  });

  test("offers nothing for what it does not know", () => {
    expect(offered("zzz")).toEqual([""]);
  });
});

test("zsh gets the same through its own compatibility", async () => {
  const { stdout } = await runCommand(["completion", "zsh"], { home });
  expect(stdout).toBe(`autoload -Uz bashcompinit && bashcompinit\n${script}`);
});

test("fish: every command with its description", async () => {
  const { stdout } = await runCommand(["completion", "fish"], { home });
  expect(stdout).toContain(`complete -c hermes -n '__hermes_typed \\'\\'' -f -a api -d 'serve the REST API'`);
  expect(stdout).toContain(`-n '__hermes_typed \\' sessions list\\'' -l json -d 'print JSON'`);
});

test("another shell is a usage error", async () => {
  const { code, stderr } = await runCommand(["completion", "tcsh"], { home });
  expect(code).toBe(2);
  expect(stderr).toContain("Allowed choices are bash, zsh, fish.");
});
