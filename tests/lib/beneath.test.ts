import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identityOf, openBeneath, openLooked, type Root, walkBeneath } from "../../src/lib/beneath.ts";
import { listBeneath, readBeneath } from "../../src/lib/beneath-read.ts";
import { makeDirectoriesBeneath, writeBeneath } from "../../src/lib/beneath-write.ts";
import type { AppError } from "../../src/lib/errors.ts";

const SECRET = "secret of the outside";
let base: string;
let root: Root;
const inRoot = (name: string) => join(base, "root", name);

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "hermes-beneath-")));
  for (const name of ["root/dir/inner", "outside"]) mkdirSync(join(base, name), { recursive: true });
  for (const name of ["file", "dir/file", "dir/inner/file"]) writeFileSync(inRoot(name), "inside");
  writeFileSync(join(base, "outside/file"), SECRET);
  root = { path: inRoot("").replace(/\/$/, "") };
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const read = async (path: string, from = root) => (await readBeneath(from, path, 1000)).toString();

function codeOf(work: () => unknown): string {
  try {
    work();
    return "none";
  } catch (error) {
    return (error as AppError).code;
  }
}

/** Puts a link to the outside in the place of the directory `dir`. */
function swapDirectory(): void {
  renameSync(inRoot("dir"), inRoot("aside"));
  symlinkSync(join(base, "outside"), inRoot("dir"));
}

describe("what is swapped between the look and the opening", () => {
  test("a directory: what was looked at is what is read", () => {
    using place = walkBeneath(root, "dir/file");
    swapDirectory();
    expect(readFileSync(inRoot("dir/file"), "utf8")).toBe(SECRET); // by its name it would be the secret
    if (!place.found) throw new Error("not found");
    using file = openLooked(place.found, "dir/file");
    expect(readFileSync(file.fd, "utf8")).toBe("inside");
    expect(codeOf(() => openBeneath(root, "dir/file"))).toBe("forbidden");
  });

  test("a file: what was looked at is what is read", () => {
    using place = walkBeneath(root, "file");
    symlinkSync(join(base, "outside/file"), inRoot("link"));
    renameSync(inRoot("link"), inRoot("file"));
    if (!place.found) throw new Error("not found");
    using file = openLooked(place.found, "file");
    expect(readFileSync(file.fd, "utf8")).toBe("inside");
  });

  test("a file that is written becomes a file again, and the outside stays", async () => {
    const writing = writeBeneath(root, "dir/file", "new"); // it is past its walk by now, and waits for the disk
    swapDirectory();
    expect(await writing).toEqual({ created: false, sizeBytes: 3 });
    expect(readFileSync(join(base, "outside/file"), "utf8")).toBe(SECRET);
    expect(readdirSync(join(base, "outside"))).toEqual(["file"]);
    expect(readFileSync(inRoot("aside/file"), "utf8")).toBe("new");
  });

  test("the name that is written becomes a link: the link is replaced, not followed", async () => {
    const writing = writeBeneath(root, "file", "new");
    symlinkSync(join(base, "outside/file"), inRoot("link"));
    renameSync(inRoot("link"), inRoot("file"));
    await writing;
    expect(readFileSync(join(base, "outside/file"), "utf8")).toBe(SECRET);
    expect(readFileSync(inRoot("file"), "utf8")).toBe("new");
  });

  test("an edit of a file that is not the same any more, or has changed, is refused and leaves nothing", async () => {
    const conflicts = async (change: () => void) => {
      using file = openBeneath(root, "dir/file");
      const writing = writeBeneath(root, "dir/file", "edited", { replaces: file.stats });
      change();
      const error = await writing.catch((thrown: AppError) => thrown);
      expect(error).toMatchObject({ code: "conflict" });
      expect(readdirSync(inRoot("dir")).filter((name) => name !== "file")).toEqual(["inner"]);
    };
    await conflicts(() => writeFileSync(inRoot("dir/file"), "changed"));
    expect(readFileSync(inRoot("dir/file"), "utf8")).toBe("changed");
    await conflicts(() => {
      writeFileSync(inRoot("other"), "changed");
      renameSync(inRoot("other"), inRoot("dir/file"));
    });
    await conflicts(() => rmSync(inRoot("dir/file")));
  });

  test("the root itself: a link in its place is not followed", async () => {
    renameSync(root.path, join(base, "moved"));
    symlinkSync(join(base, "outside"), root.path);
    expect(codeOf(() => openBeneath(root, "file"))).toBe("not_found");
    expect(codeOf(() => listBeneath(root, ""))).toBe("not_found");
  });
});

describe("links", () => {
  test("within the root they are followed, from where they are", async () => {
    symlinkSync("inner/file", inRoot("dir/link"));
    symlinkSync(inRoot("dir"), inRoot("absolute"));
    symlinkSync("../dir/inner", inRoot("dir/up"));
    expect(await read("dir/link")).toBe("inside");
    expect(await read("absolute/link")).toBe("inside");
    expect(await read("dir/up/../file")).toBe("inside");
  });

  test("40 in a row are followed, 41 are not", async () => {
    for (let i = 1; i <= 41; i++) symlinkSync(i === 1 ? "file" : `l${i - 1}`, inRoot(`l${i}`));
    expect(await read("l40")).toBe("inside");
    expect(codeOf(() => openBeneath(root, "l41"))).toBe("bad_request");
  });

  test("an absolute one must begin with the root by whole names", () => {
    mkdirSync(`${root.path}-evil`);
    writeFileSync(`${root.path}-evil/file`, SECRET);
    symlinkSync(`${root.path}-evil/file`, inRoot("evil"));
    expect(codeOf(() => openBeneath(root, "evil"))).toBe("forbidden");
  });
});

test("what is closed is not opened, not entered and not replaced, by any of its names", async () => {
  const closed = new Set([identityOf(statSync(inRoot("dir"))), identityOf(statSync(inRoot("file")))]);
  const guarded = { ...root, closed };
  symlinkSync("dir/inner/file", inRoot("link"));
  for (const path of ["file", "dir/file", "dir/inner/file", "link", "dir/../file"])
    expect(codeOf(() => openBeneath(guarded, path))).toBe("forbidden");
  expect(codeOf(() => listBeneath(guarded, "dir"))).toBe("forbidden");
  expect(writeBeneath(guarded, "file", "x")).rejects.toMatchObject({ code: "forbidden" });
  expect(writeBeneath(guarded, "dir/new", "x")).rejects.toMatchObject({ code: "forbidden" });
  expect(codeOf(() => makeDirectoriesBeneath(guarded, "dir/new"))).toBe("forbidden");
});

test("with the whole disk as root the kernel's files stay closed", () => {
  for (const path of ["proc/self/environ", "/proc/self/root/etc/hostname", "sys/kernel", "proc"])
    expect(codeOf(() => listBeneath({ path: "/" }, path))).toMatch(/forbidden|bad_request/);
  expect(codeOf(() => openBeneath({ path: "/" }, "proc/self/environ"))).toBe("forbidden");
  expect(codeOf(() => openBeneath({ path: "/" }, "dev/zero"))).toBe("bad_request");
});

test("reading: a second hard link, a directory and a file that is too large are refused", async () => {
  linkSync(inRoot("file"), inRoot("second"));
  expect(codeOf(() => openBeneath(root, "file"))).toBe("forbidden");
  expect(codeOf(() => openBeneath(root, "dir"))).toBe("bad_request");
  expect(readBeneath(root, "dir/file", 5)).rejects.toMatchObject({ code: "bad_request" });
});

test("listing gives names and kinds, in order, and does not follow links", () => {
  symlinkSync("dir", inRoot("a-link"));
  expect(listBeneath(root, ".")).toEqual([
    { name: "a-link", kind: "link" },
    { name: "dir", kind: "directory" },
    { name: "file", kind: "file" },
  ]);
  expect(listBeneath(root, "a-link").map(({ name }) => name)).toEqual(["file", "inner"]);
  expect(codeOf(() => listBeneath(root, "file"))).toBe("bad_request");
});

test("directories are made where they are missing, and only when that is wanted", async () => {
  expect(writeBeneath(root, "new/a/file", "x")).rejects.toMatchObject({ code: "not_found" });
  await writeBeneath(root, "new/a/file", "x", { makeDirectories: true });
  expect(readFileSync(inRoot("new/a/file"), "utf8")).toBe("x");
  makeDirectoriesBeneath(root, "new/b/c");
  makeDirectoriesBeneath(root, "new/b/c");
  expect(statSync(inRoot("new/b/c")).isDirectory()).toBe(true);
  expect(codeOf(() => makeDirectoriesBeneath(root, "file/x"))).toBe("bad_request");
  expect(codeOf(() => makeDirectoriesBeneath(root, "../outside/x"))).toBe("forbidden");
  expect(codeOf(() => makeDirectoriesBeneath(root, "missing/../../outside/x"))).toBe("not_found");
});

test("no descriptor stays open", async () => {
  symlinkSync("../outside/file", inRoot("out"));
  const paths = ["dir/inner/file", "dir/inner", "missing/x", "../x", "out", "file/x", "a\0"];
  const open = () => readdirSync("/proc/self/fd").length;
  const before = open();
  for (let i = 0; i < 50; i++)
    for (const path of paths) {
      codeOf(() => openBeneath(root, path)[Symbol.dispose]());
      codeOf(() => listBeneath(root, path));
      codeOf(() => makeDirectoriesBeneath(root, path));
      if (i % 10 === 0) await writeBeneath(root, path, "x").catch((error: AppError) => error.code);
    }
  expect(open()).toBeLessThanOrEqual(before + 2); // the runtime has some of its own
});
