import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load.ts";

let base: string;
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "hermes-roots-")));
  for (const name of ["home/workspace", "home/inner", "etc", "work/sub", "work/deep/home"])
    mkdirSync(join(base, name), { recursive: true });
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const put = (path: string, text: string) => writeFileSync(join(base, path), text, { mode: 0o600 });

/** Loads this configuration from this place; what is wrong with it, or nothing. */
function problemOf(place: string, file: object, more: object = {}, home = "home"): string {
  put(place, JSON.stringify({ tools: { file }, ...more }));
  try {
    loadConfig({ home: join(base, home), env: {}, file: join(base, place) });
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe("a root that holds what the configuration is read from is refused", () => {
  const at = (name: string) => join(base, name);
  const refused: [string, () => string][] = [
    ["beside the home", () => problemOf("work/c.yaml", { roots: [at("work")] })],
    ["deeper", () => problemOf("work/sub/c.yaml", { roots: [at("work")] })],
    [
      "to be read only",
      () => problemOf("work/c.yaml", { roots: [at("etc")], read_only_roots: [at("work")] }),
    ],
    ["in the workspace that is there by default", () => problemOf("home/workspace/c.yaml", {})],
    ["in a directory of the home that is a root", () => problemOf("home/inner/c.yaml", { roots: ["inner"] })],
    [
      "by a link to the file",
      () => {
        put("work/real.yaml", "");
        symlinkSync(at("work/real.yaml"), at("etc/c.yaml"));
        return problemOf("etc/c.yaml", { roots: [at("work")] });
      },
    ],
    [
      "a link in the root, which leads out",
      () => {
        put("etc/real.yaml", "");
        symlinkSync(at("etc/real.yaml"), at("work/c.yaml"));
        return problemOf("work/c.yaml", { roots: [at("work")] });
      },
    ],
    [
      "by a link to the root",
      () => {
        symlinkSync(at("work"), at("etc/link"));
        return problemOf("work/c.yaml", { roots: [at("etc/link")] });
      },
    ],
    [
      "a file with a secret",
      () => {
        put("work/key", "secret-in-a-root");
        return problemOf(
          "etc/c.yaml",
          { roots: [at("work")] },
          { api: { auth: { token: `file:${at("work/key")}` } } },
        );
      },
    ],
  ];
  for (const [what, load] of refused)
    test(what, () => {
      expect(load()).toContain("which the configuration is read from");
    });

  const taken: [string, () => string][] = [
    ["a directory beside it", () => problemOf("etc/c.yaml", { roots: [at("work")] })],
    ["one with a longer name", () => problemOf("work/c.yaml", { roots: [at("work/sub")] })],
    ["the workspace, with the file in the home", () => problemOf("home/c.yaml", {})],
    [
      "a home below the root, which is closed",
      () => problemOf("work/deep/home/c.yaml", { roots: [at("work")] }, {}, "work/deep/home"),
    ],
  ];
  for (const [what, load] of taken)
    test(`not: ${what}`, () => {
      expect(load()).toBe("");
    });
});
