import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { lstatSync, readdirSync, readFileSync, readlinkSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { join, posix } from "node:path";
import fc from "fast-check";
import type { TSchema } from "typebox";
import { fileTools } from "../../../src/tools/file/tools.ts";
import { liveConfig } from "../../support/agent.ts";
import { type FileBench, openBench, plantTraps, SECRET } from "./bench.ts";

let bench: FileBench;
let before: string[];
const socket = createServer();

beforeAll(async () => {
  bench = openBench();
  plantTraps(bench);
  await new Promise<void>((resolve) => socket.listen(join(bench.allowed, "socket"), resolve));
  before = outsideState();
});
afterAll(() => {
  socket.close();
  bench[Symbol.dispose]();
});

/** Paths that lead to what is outside, or to no file. None of them may give anything of the outside, nor change it. */
const ESCAPES: readonly (readonly [name: string, path: (bench: FileBench) => string])[] = [
  ["sibling with the same beginning", ({ allowed }) => `${allowed}-evil/secret.txt`],
  ["sibling, relative", () => "../allowed-evil/secret.txt"],
  ["sibling directory itself", ({ allowed }) => `${allowed}-evil`],
  ["dots first", () => "../outside/secret.txt"],
  ["dots in the middle", () => "sub/../../outside/secret.txt"],
  ["dots after a missing name", () => "missing/../../outside/secret.txt"],
  ["dots after a file", () => "notes.txt/../../outside/secret.txt"],
  ["dots at the end", () => "sub/../.."],
  ["dots, many", () => `${"../".repeat(40)}etc/passwd`],
  ["dots with dots between", () => ".././../outside/secret.txt"],
  ["dots with double slashes", () => "..//outside//secret.txt"],
  ["dots, then back in and out", () => "../allowed/../outside/secret.txt"],
  ["only dots", () => ".."],
  ["dots with a slash", () => "../"],
  ["three dots", () => ".../outside/secret.txt"],
  ["dots below an absolute root", ({ allowed }) => `${allowed}/../outside/secret.txt`],
  ["dots deep below an absolute root", ({ allowed }) => `${allowed}/sub/deep/../../../outside/secret.txt`],
  ["absolute", ({ outside }) => `${outside}/secret.txt`],
  ["absolute with double slash", ({ outside }) => `/${outside}/secret.txt`],
  ["absolute through dots", ({ base }) => `${base}/x/../outside/secret.txt`],
  ["the system's files", () => "/etc/passwd"],
  ["the system's root", () => "/"],
  ["the parent of the root", ({ base }) => base],
  ["NUL before the end", () => "notes.txt\0.png"],
  ["NUL after dots", () => "../outside/secret.txt\0"],
  ["NUL alone", () => "\0"],
  ["percent dots", () => "%2e%2e/outside/secret.txt"],
  ["percent slash", () => "..%2foutside%2fsecret.txt"],
  ["percent twice", () => "%252e%252e%252foutside/secret.txt"],
  ["percent NUL", () => "../outside/secret.txt%00"],
  ["overlong UTF-8 as percent", () => "%c0%ae%c0%ae/outside/secret.txt"],
  ["tilde", () => "~"],
  ["tilde path", () => "~/outside/secret.txt"],
  ["tilde of a user", () => "~root/.bashrc"],
  ["variable", () => "$HOME/outside/secret.txt"],
  ["variable in braces", () => "${HOME}/../outside/secret.txt"],
  ["blank", () => " "],
  ["blank before dots", () => " ../outside/secret.txt"],
  ["very long name", () => "a".repeat(300)],
  ["very long path", () => `${"a/".repeat(3000)}x`],
  ["full-width dots", () => "\uff0e\uff0e/outside/secret.txt"],
  ["full-width slash", () => "..\uff0foutside\uff0fsecret.txt"],
  ["one-dot leaders", () => "\u2024\u2024/outside/secret.txt"],
  ["two-dot leader", () => "\u2025/outside/secret.txt"],
  ["division slash", () => "..\u2215outside\u2215secret.txt"],
  ["decomposed letters", () => "..\u0301/outside/secret.txt"],
  ["zero width between dots", () => ".\u200b./outside/secret.txt"],
  ["half of a surrogate pair", () => "\ud800/../../outside/secret.txt"],
  ["backslashes", () => "..\\outside\\secret.txt"],
  ["slashes and backslashes", () => "..\\/outside/secret.txt"],
  ["drive", () => "C:\\Windows\\win.ini"],
  ["UNC", () => "\\\\server\\share\\secret.txt"],
  ["UNC with slashes", () => "//server/share/secret.txt"],
  ["file URL", ({ outside }) => `file://${outside}/secret.txt`],
  ["link to a file", () => "to-secret"],
  ["absolute link to a file", () => "to-secret-absolute"],
  ["link to a directory", () => "to-outside/secret.txt"],
  ["absolute link to a directory", () => "to-outside-absolute/secret.txt"],
  ["link to the sibling", () => "to-evil/secret.txt"],
  ["link to the sibling's file", () => "to-evil-file"],
  ["chain of links", () => "chain1"],
  ["dangling link out", () => "dangling-out"],
  ["absolute dangling link out", () => "dangling-absolute"],
  ["below a dangling link", () => "dangling-directory/secret.txt"],
  ["links in a loop", () => "loop-a"],
  ["link to itself", () => "self"],
  ["below links in a loop", () => "loop-a/secret.txt"],
  ["link to /", () => "to-root/etc/passwd"],
  ["link to the parent", () => "to-parent/outside/secret.txt"],
  ["link to itself, then dots", () => "to-self/../outside/secret.txt"],
  ["link up from below", () => "sub/to-up/outside/secret.txt"],
  ["link out from deep below", () => "sub/deep/to-outside/secret.txt"],
  ["link to the directory around", () => "to-base/outside/secret.txt"],
  ["link back through the root's own name", () => "through-root"],
  ["link with dots in it", () => "dots-within"],
  ["directory behind a link", () => "to-outside/inner/secret.txt"],
  ["dots behind a link", () => "to-outside/../secret.txt"],
  ["hard link", () => "hard.txt"],
  ["FIFO", () => "fifo"],
  ["FIFO below", () => "sub/fifo"],
  ["socket", () => "socket"],
  ["device", () => "/dev/zero"],
  ["device behind a link", () => "to-zero"],
  ["standard input behind a link", () => "to-stdin"],
  ["environment", () => "/proc/self/environ"],
  ["environment behind a link", () => "to-environ"],
  ["root of the process", () => "/proc/self/root/etc/passwd"],
  ["root of the process behind a link", () => "to-proc-root/etc/passwd"],
  ["working directory of the process", () => "to-proc-cwd/package.json"],
  ["descriptor", () => "/proc/self/fd/0"],
  ["descriptor behind a link", () => "to-descriptors/0"],
  ["the kernel's memory map", () => "/proc/self/maps"],
];

/** All that is beside the root: names, modes, contents, times. */
function outsideState(path = bench.base): string[] {
  return readdirSync(path)
    .filter((name) => join(path, name) !== bench.allowed)
    .sort()
    .flatMap((name) => {
      const inner = join(path, name);
      const { mode, mtimeMs } = lstatSync(inner);
      if (lstatSync(inner).isDirectory()) return [`${inner} ${mode}`, ...outsideState(inner)];
      return [`${inner} ${mode} ${mtimeMs} ${readFileSync(inner, "utf8")}`];
    });
}

/** Every way in which a path can be given to a tool. */
const callsWith = (path: string): readonly (readonly [string, Record<string, unknown>])[] => [
  ["file_read", { path }],
  ["file_write", { path, content: "overwritten" }],
  ["file_edit", { path, old_text: "canary", new_text: "changed" }],
  ["file_list", { path }],
  ["file_list", { path, recursive: true }],
  ["file_search", { path, query: "canary" }],
  ["file_search", { path, query: "secret", by: "name" }],
];

async function mustNotEscape(path: string): Promise<void> {
  for (const [tool, input] of callsWith(path)) {
    const result = await bench.call(tool, input);
    const answer = JSON.stringify([result.text, result.structured ?? null, result.images ?? null]);
    expect(answer).not.toContain(SECRET);
    expect(answer).not.toContain("root:x:0");
    if (!result.isError) continue;
    // Errors show what was asked for, never where it led.
    const asked = [JSON.stringify(path), path, posix.normalize(path)].filter((spelling) => spelling !== ".");
    const said = asked.reduce((text, spelling) => text.replaceAll(spelling, ""), result.text);
    expect(said).not.toContain(bench.outside);
    expect(said).not.toContain(`${bench.allowed}-evil`);
    expect(said).not.toContain("/proc/");
  }
  expect(outsideState()).toEqual(before);
}

describe("nothing outside of the root is read or changed", () => {
  for (const [name, path] of ESCAPES)
    test(name, async () => {
      expect((await bench.call("file_read", { path: path(bench) })).isError).toBe(true);
      await mustNotEscape(path(bench));
    });

  test("an empty path is no file", async () => {
    for (const [tool, input] of callsWith("").slice(0, 3))
      expect(await bench.call(tool, input)).toMatchObject({ isError: true });
  });

  test("200 paths made of dots, links, slashes and encodings", async () => {
    const part = fc.constantFrom(
      ...[
        "..",
        ".",
        "",
        "sub",
        "deep",
        "to-outside",
        "to-parent",
        "to-self",
        "sub/to-up",
        "%2e%2e",
        "\uff0e\uff0e",
      ],
      ...[
        "outside",
        "allowed-evil",
        "notes.txt",
        "..\\",
        "to-root",
        "~",
        "to-base",
        "loop-a",
        "secret.txt",
        "\0",
      ],
    );
    const path = fc
      .tuple(
        fc.constantFrom("", "/", "ROOT/", "BASE/"),
        fc.array(part, { minLength: 1, maxLength: 8 }),
        fc.boolean(),
      )
      .map(([start, parts, named]) => {
        const from = start.replace("ROOT", bench.allowed).replace("BASE", bench.base);
        return `${from}${parts.join("/")}${named ? "/outside/secret.txt" : ""}`;
      });
    await fc.assert(fc.asyncProperty(path, mustNotEscape), { numRuns: 200 });
  });

  test("the same table over names alone does escape, so the table can fail", () => {
    const naive = (path: string) => {
      try {
        return readFileSync(join(bench.allowed, path), "utf8");
      } catch {
        return "";
      }
    };
    const endless = /FIFO|device|input|descriptor/; // opening them would not end
    const leaks = ESCAPES.filter(
      ([name, path]) => !endless.test(name) && naive(path(bench)).includes(SECRET),
    );
    expect(leaks.length).toBeGreaterThan(15);
  });
});

test("what stays inside works: links within, dots within, absolute names", async () => {
  using own = openBench();
  symlinkSync("sub/deep", join(own.allowed, "inner"));
  symlinkSync(join(own.allowed, "notes.txt"), join(own.allowed, "absolute"));
  const read = async (path: string) => (await own.call("file_read", { path })).data?.content;
  expect(await read("inner/file.txt")).toBe("deep inside\n");
  expect(await read("absolute")).toBe("inside\n");
  expect(await read("inner/../../notes.txt")).toBe("inside\n"); // from where the link leads
  expect(await read("./sub/../notes.txt")).toBe("inside\n");
  expect(await read(`${own.allowed}/notes.txt`)).toBe("inside\n");
  expect(await read(`${own.allowed}//sub/./deep/file.txt`)).toBe("deep inside\n");
  await own.call("file_write", { path: "inner/new.txt", content: "n" });
  expect(readFileSync(join(own.allowed, "sub/deep/new.txt"), "utf8")).toBe("n");
  await own.call("file_write", { path: "absolute", content: "through the link" });
  expect(readFileSync(join(own.allowed, "notes.txt"), "utf8")).toBe("through the link");
  expect(readlinkSync(join(own.allowed, "absolute"))).toBe(join(own.allowed, "notes.txt"));
});

test("every field of a tool that could be a path goes through the locator", () => {
  const known: Record<string, string> = {
    path: "located",
    cursor: "compared with names that the walk found, never opened",
    files: "a glob that names are held against, never opened",
    query: "text or a glob, never opened",
  };
  const plain = ["content", "old_text", "new_text", "by"];
  const fields = fileTools(liveConfig(), "/nowhere").flatMap((tool) =>
    Object.entries(tool.input["properties"] as Record<string, TSchema>)
      .filter(([, schema]) => schema["type"] === "string")
      .map(([field]) => field),
  );
  expect([...new Set(fields)].filter((field) => !plain.includes(field)).sort()).toEqual(
    Object.keys(known).sort(),
  );
});

test("a cursor and a glob that name the outside reach nothing", async () => {
  using bench = openBench();
  plantTraps(bench);
  const forged = Buffer.from(JSON.stringify(["../outside/secret.txt", 0, 1, 1])).toString("base64url");
  for (const input of [{ cursor: forged }, { files: "../outside/*" }, { files: "**/../**" }, { all: true }]) {
    const found = await bench.call("file_search", { query: "canary-", ...input });
    expect(JSON.stringify(found)).not.toContain(SECRET);
  }
  const listed = await bench.call("file_list", { recursive: true, cursor: forged });
  expect(JSON.stringify(listed.structured)).not.toContain("secret.txt");
  const searched = await bench.call("file_search", { query: "canary-", cursor: forged });
  expect(searched.data.matches).toEqual([]);
  const tree = await bench.call("file_list", { recursive: true });
  expect(tree.data.entries).toContainEqual({ path: "to-outside", kind: "link" });
  expect(tree.data.entries.filter((entry: { path: string }) => entry.path.startsWith("to-outside/"))).toEqual(
    [],
  );
});
