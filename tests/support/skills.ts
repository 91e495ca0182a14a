import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { SkillLibrary } from "../../src/tools/skill/contract.ts";
import { createSkillLibrary } from "../../src/tools/skill/library.ts";
import { quietLog } from "./store.ts";

/** A library on a home of its own, which goes away with it (`using`). */
export interface TempSkills extends Disposable {
  readonly home: string;
  readonly library: SkillLibrary;
  /** What was logged. */
  readonly log: string[];
  /** The path of something below the skills directory. */
  path(below: string): string;
  /** Writes a file below the skills directory by hand, with the directories on the way to it. */
  write(below: string, content: string | Uint8Array): void;
  /** Writes a valid SKILL.md by hand. */
  add(name: string, description?: string, instructions?: string): void;
}

export function openTempSkills(): TempSkills {
  const home = mkdtempSync(join(tmpdir(), "hermes-skills-"));
  const log: string[] = [];
  const path = (below: string) => join(home, "skills", below);
  const write = (below: string, content: string | Uint8Array) => {
    mkdirSync(dirname(path(below)), { recursive: true });
    writeFileSync(path(below), content);
  };
  return {
    home,
    library: createSkillLibrary({ home, log: quietLog(log) }),
    log,
    path,
    write,
    add: (name, description = `Does ${name}.`, instructions = `# ${name}\n`) =>
      write(`${name}/SKILL.md`, `---\nname: ${name}\ndescription: ${description}\n---\n${instructions}`),
    [Symbol.dispose]: () => rmSync(home, { recursive: true }),
  };
}
