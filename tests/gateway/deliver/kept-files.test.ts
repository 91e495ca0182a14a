import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKeptFiles, type KeptFiles } from "../../../src/gateway/deliver/kept-files.ts";

const HOUR_MS = 3_600_000;
const never = () => null;

let home: string;
let kept: KeptFiles;
let time = Date.now();
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hermes-kept-"));
  time = Date.now();
  kept = createKeptFiles(home, () => time);
});
afterEach(() => rmSync(home, { recursive: true }));

const file = (name: string, content: string | Uint8Array) => {
  writeFileSync(join(home, name), content, { mode: 0o755 });
  return join(home, name);
};
const left = () => (existsSync(join(home, "outbox")) ? readdirSync(join(home, "outbox")).toSorted() : []);

test("copies are whole, in order, and for their owner only, whatever the originals become", async () => {
  const large = new Uint8Array(3 * 1024 * 1024 + 7).map((_, n) => n % 251);
  const paths = [file("a b.bin", large), file("ü.txt", "hello")];
  symlinkSync(paths[1] as string, join(home, "link.txt"));
  const files = await kept.keep("dlv_1", [...paths, join(home, "link.txt")], never);
  expect(files.map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual([
    ["a b.bin", large.length],
    ["ü.txt", 5],
    ["link.txt", 5],
  ]);
  for (const path of paths) rmSync(path);
  const [first, second] = files;
  if (!first || !second) throw new Error("nothing was kept");
  expect(Buffer.from((await kept.open("dlv_1", 0, first)).bytes).equals(Buffer.from(large))).toBe(true);
  const opened = await kept.open("dlv_1", 1, second);
  expect([opened.name, Buffer.from(opened.bytes).toString()]).toEqual(["ü.txt", "hello"]);
  expect(statSync(join(home, "outbox/dlv_1")).mode & 0o777).toBe(0o700);
  for (const name of ["0", "1", "2"])
    expect(statSync(join(home, "outbox/dlv_1", name)).mode & 0o777).toBe(0o600);
  await kept.drop("dlv_1");
  await kept.drop("dlv_1");
  expect(left()).toEqual([]);
  await expect(kept.open("dlv_1", 1, second)).rejects.toMatchObject({
    kind: "refused",
    message: "The copy of ü.txt is not there any more.",
  });
});

test("of files of which one cannot be sent, none is copied", async () => {
  const refuses = ({ name }: { name: string }) => (name === "b" ? "b is too large" : null);
  const all = [file("a", "1"), file("b", "2")];
  await expect(kept.keep("dlv_1", all, refuses)).rejects.toMatchObject({
    code: "usage",
    message: "b is too large",
  });
  expect(left()).toEqual([]);
});

test("a file that Hermes's user may not read is named", async () => {
  // Root may read everything, but nobody can open what leads through a file.
  const path = join(file("a", "1"), "b");
  await expect(kept.keep("dlv_1", [path], never)).rejects.toMatchObject({
    code: "usage",
    message: `${path} cannot be read.`,
  });
});

test("what is over is swept away, what is open or about to be is not", async () => {
  for (const id of ["dlv_open", "dlv_sent", "dlv_new"]) await kept.keep(id, [file("a", "1")], never);
  writeFileSync(join(home, "outbox/notes"), "somebody else's");
  const isOpen = async (id: string) => ({ dlv_open: true, dlv_sent: false })[id] ?? null;
  await kept.sweep(isOpen);
  expect(left()).toEqual(["dlv_new", "dlv_open", "notes"]);
  time += 2 * HOUR_MS;
  await kept.sweep(isOpen);
  expect(left()).toEqual(["dlv_open", "notes"]);
});

test("where nothing was ever kept there is nothing to sweep", async () => {
  await kept.sweep(async () => false);
  expect(left()).toEqual([]);
});
