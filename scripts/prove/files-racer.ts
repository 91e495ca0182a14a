import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";

/**
 * Swaps a directory, a file and a nested directory below the root for links to the outside and back, as fast as it can,
 * until it is ended. Tells now and then how many swaps there were.
 */
const [root = "", outside = ""] = process.argv.slice(2);
const at = (name: string) => join(root, name);
const REPORT_EVERY = 500;

const swaps: readonly (() => void)[] = [
  function directoryForLink() {
    renameSync(at("dir"), at(".dir"));
    symlinkSync(outside, at("dir"));
    unlinkSync(at("dir"));
    renameSync(at(".dir"), at("dir"));
  },
  function fileForLink() {
    symlinkSync(join(outside, "file.txt"), at(".link"));
    renameSync(at(".link"), at("file.txt"));
    writeFileSync(at(".file"), "inside\n");
    renameSync(at(".file"), at("file.txt"));
  },
  function relativeLinkTurned() {
    symlinkSync("dir", at(".turn"));
    renameSync(at(".turn"), at("link"));
    symlinkSync("../outside", at(".turn"));
    renameSync(at(".turn"), at("link"));
  },
  function nestedDirectoryForLink() {
    renameSync(at("deep/a"), at("deep/.a"));
    symlinkSync(outside, at("deep/a"));
    unlinkSync(at("deep/a"));
    renameSync(at("deep/.a"), at("deep/a"));
  },
  function directoryMovedUp() {
    renameSync(at("deep/a/b"), at("moved"));
    renameSync(at("moved"), at("deep/a/b"));
  },
  function newParentForLink() {
    symlinkSync(outside, at("new"));
    rmSync(at("new"), { force: true });
    mkdirSync(at("new"), { recursive: true });
    rmSync(at("new"), { recursive: true, force: true });
  },
];

/** Again and again: the prover may make the place once more between the two steps. */
function putBack(aside: string, home: string): void {
  while (existsSync(at(aside))) {
    rmSync(at(home), { recursive: true, force: true });
    mkdirSync(join(at(home), ".."), { recursive: true });
    try {
      renameSync(at(aside), at(home));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOTEMPTY")) throw error;
    }
  }
}

for (let done = 0; ; done++) {
  try {
    (swaps[done % swaps.length] as () => void)();
  } catch (error) {
    // The prover writes in the same places; whatever it left in the way goes.
    if (!(error instanceof Error && "code" in error)) throw error;
    for (const name of ["new", ".turn", ".link", ".file"]) rmSync(at(name), { recursive: true, force: true });
    for (const [aside, home] of [
      [".dir", "dir"],
      ["deep/.a", "deep/a"],
      ["moved", "deep/a/b"],
    ] as const)
      putBack(aside, home);
  }
  if (done % REPORT_EVERY === 0) {
    process.send?.(done);
    await setImmediate();
  }
}
