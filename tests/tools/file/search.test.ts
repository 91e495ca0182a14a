import { describe, expect, test } from "bun:test";
import { linkSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { createLocator } from "../../../src/tools/file/locate.ts";
import { searchTool } from "../../../src/tools/file/search.ts";
import { type FileBench, openBench } from "./bench.ts";

const ROOTS = (base: string) => ({ roots: [join(base, "allowed")] });

/** All pages of a list or a search. */
async function all(bench: FileBench, tool: "file_list" | "file_search", input: object) {
  const found: Record<string, unknown>[] = [];
  let pages = 0;
  for (let cursor: string | undefined; ; ) {
    const { data, isError, text } = await bench.call(tool, { ...input, ...(cursor ? { cursor } : {}) });
    if (isError) throw new Error(text);
    found.push(...(data.entries ?? data.matches));
    pages += 1;
    expect(data.truncated).toBe(data.next_cursor !== undefined);
    cursor = data.next_cursor;
    if (!cursor) return { found, pages };
  }
}

describe("file_list", () => {
  test("kinds and sizes, by name, one level or all", async () => {
    using bench = openBench();
    symlinkSync("notes.txt", join(bench.allowed, "link"));
    expect((await bench.call("file_list", {})).data.entries).toEqual([
      { path: "link", kind: "link" },
      { path: "notes.txt", kind: "file", size_bytes: 7 },
      { path: "sub", kind: "directory" },
    ]);
    const tree = await bench.call("file_list", { path: "sub", recursive: true });
    expect(tree.data.entries).toEqual([
      { path: "sub/deep", kind: "directory" },
      { path: "sub/deep/file.txt", kind: "file", size_bytes: 12 },
    ]);
    const cut = await bench.call("file_list", { recursive: true, max_depth: 2 });
    expect(cut.data.entries.map((entry: { path: string }) => entry.path)).not.toContain("sub/deep/file.txt");
    expect((await bench.call("file_list", { path: "notes.txt" })).text).toContain("not a directory");
  });

  test("pages joined are the whole, in the same order, for any size of page", async () => {
    using bench = openBench();
    for (let i = 0; i < 40; i++) bench.put(`allowed/t/${i % 4}/${i % 3}/f${i}`, "");
    bench.put("allowed/t/0.txt", "");
    const whole = (await bench.call("file_list", { path: "t", recursive: true })).data.entries;
    expect(whole).toHaveLength(40 + 4 + 12 + 1);
    for (const limit of [1, 2, 7, 56])
      expect((await all(bench, "file_list", { path: "t", recursive: true, limit })).found).toEqual(whole);
    for (const cursor of ["x", "", Buffer.from("[1,2,3,4]").toString("base64url")])
      expect((await bench.call("file_list", { cursor })).isError).toBe(true);
  });

  test("a large directory comes in pages of bounded length", async () => {
    using bench = openBench();
    for (let i = 0; i < 300; i++) bench.put(`allowed/many/${"n".repeat(150)}${i}`, "");
    const { found, pages } = await all(bench, "file_list", { path: "many", limit: 1000 });
    expect(found).toHaveLength(300);
    expect(pages).toBeGreaterThan(2);
  });
});

describe("file_search by content", () => {
  test("lines with their numbers; binary files, .git and node_modules are left out unless asked for", async () => {
    using bench = openBench();
    bench.put("allowed/a.txt", "one\r\nneedle here\r\n\nneedle");
    bench.put("allowed/b.bin", "needle\0");
    bench.put("allowed/.git/c", "needle");
    bench.put("allowed/x/node_modules/d", "needle");
    bench.put("allowed/u16.txt", Buffer.from("\ufeffzero\nthe needle\n", "utf16le"));
    const { data, text } = await bench.call("file_search", { query: "needle" });
    expect(data).toEqual({
      matches: [
        { path: "a.txt", line: 2, text: "needle here" },
        { path: "a.txt", line: 4, text: "needle" },
        { path: "u16.txt", line: 2, text: "the needle" },
      ],
      truncated: false,
    });
    expect(text).toContain("a.txt:2: needle here");
    const more = await bench.call("file_search", { query: "needle", all: true });
    expect(more.data.matches.map((match: { path: string }) => match.path)).toContain("x/node_modules/d");
    const some = await bench.call("file_search", { query: "needle", files: "u*.txt" });
    expect(some.data.matches).toHaveLength(1);
  });

  test("literal unless it is said to be a pattern; in upper and lower case on request", async () => {
    using bench = openBench();
    bench.put("allowed/f", "a.c\nabc\nABC\n汉字 Ünïcode\n");
    const linesOf = async (input: object) =>
      (await bench.call("file_search", input)).data.matches.map((match: { line: number }) => match.line);
    expect(await linesOf({ query: "a.c" })).toEqual([1]);
    expect(await linesOf({ query: "^a.c$", regex: true })).toEqual([1, 2]);
    expect(await linesOf({ query: "ABC", ignore_case: true })).toEqual([2, 3]);
    expect(await linesOf({ query: "a.C", ignore_case: true })).toEqual([1]);
    expect(await linesOf({ query: "字 ÜNÏ", ignore_case: true })).toEqual([4]);
    const bad = await bench.call("file_search", { query: "(a", regex: true });
    expect(bad).toMatchObject({ isError: true });
    expect(bad.text).toContain("missing closing )");
  });

  test("a pattern that takes others for ever takes no longer than the line", async () => {
    using bench = openBench();
    bench.put("allowed/f", `${"x".repeat(50_000)}\n`);
    const { data } = await bench.call("file_search", { query: "(x+x+)+y", regex: true });
    expect(data.matches).toEqual([]);
  });

  test("a pattern that costs much for every character holds nobody else up", async () => {
    using bench = openBench();
    bench.put("allowed/f", "ab".repeat(1_000_000));
    let turns = 0;
    const others = setInterval(() => {
      turns += 1;
    }, 1);
    const { data } = await bench.call("file_search", { query: "(a|b)*a(a|b){100}[cd]", regex: true });
    clearInterval(others);
    expect(data.matches).toEqual([]);
    expect(turns).toBeGreaterThan(3);
    const costly = await bench.call("file_search", { query: "(.{0,900})c$", regex: true });
    expect(costly).toMatchObject({ isError: true });
    expect(costly.text).toContain("500 are the most");
  });

  test("pages joined are the whole, within a file and across files, large ones too", async () => {
    using bench = openBench();
    const filler = `${"f".repeat(99)}\n`.repeat(3000);
    bench.put("allowed/large", `hit 1\n${filler}hit 2\nhit 3\n${filler}${filler}汉hit 4`);
    for (const name of ["a", "m/n", "z"]) bench.put(`allowed/${name}`, "hit\nno\nhit\n");
    const whole = (await bench.call("file_search", { query: "hit" })).data.matches;
    expect(whole).toHaveLength(10);
    expect(whole[5]).toEqual({ path: "large", line: 9004, text: "汉hit 4" });
    for (const limit of [1, 3, 9])
      expect((await all(bench, "file_search", { query: "hit", limit })).found).toEqual(whole);
  });

  test("without time, or with few files at once, it goes on by its cursor and misses nothing", async () => {
    using whole = openBench();
    const files: [string, string][] = [
      ["allowed/big", `${"f".repeat(99)}\n`.repeat(9000)],
      ["allowed/a/b", "hit"],
      ["allowed/z", "hit\nhit"],
    ];
    for (const limits of [{ timeMs: 0 }, { entries: 1 }, { entries: 2, timeMs: 0 }]) {
      using bench = openBench(ROOTS, (config, home) => [searchTool(createLocator(config, home), limits)]);
      for (const [path, content] of files) {
        whole.put(path, `${content}\nhit`);
        bench.put(path, `${content}\nhit`);
      }
      const { found, pages } = await all(bench, "file_search", { query: "hit" });
      expect(found).toEqual((await whole.call("file_search", { query: "hit" })).data.matches);
      expect(pages).toBeGreaterThan(2);
    }
  });

  test("a long line is shown around the match, a very long one is searched in pieces", async () => {
    using bench = openBench();
    bench.put("allowed/f", `${"汉".repeat(300_000)}needle${"x".repeat(1_000_000)}\nneedle`);
    const { data } = await bench.call("file_search", { query: "needle" });
    expect(data.matches.map((match: { line: number }) => match.line)).toEqual([1, 2]);
    expect(data.matches[0].text).toMatch(/^\.\.\.汉+needlex+\.\.\.$/);
    expect(data.matches[0].text.length).toBeLessThan(260);
  });

  test("what may not be read is left out and counted", async () => {
    using bench = openBench();
    bench.put("allowed/f", "hit");
    linkSync(join(bench.allowed, "f"), join(bench.allowed, "second name"));
    bench.put("allowed/g", "hit");
    const { data, text } = await bench.call("file_search", { query: "hit" });
    expect(data).toMatchObject({ matches: [{ path: "g" }], unreadable: 2 });
    expect(text).toContain("2 files or directories were left out");
  });

  test("one file alone, page by page; a link to a file is refused", async () => {
    using bench = openBench();
    bench.put("allowed/src/a.ts", "hit 1\nmiss\nhit 2\n");
    bench.put("allowed/src/b.ts", "hit 3\n");
    symlinkSync("src/a.ts", join(bench.allowed, "link.ts"));
    const one = { query: "hit", path: "src/a.ts", limit: 1 };
    const first = await bench.call("file_search", one);
    expect(first.data.matches).toEqual([{ path: "src/a.ts", line: 1, text: "hit 1" }]);
    const second = await bench.call("file_search", { ...one, cursor: first.data.next_cursor });
    expect(second.data.matches).toEqual([{ path: "src/a.ts", line: 3, text: "hit 2" }]);
    expect((await bench.call("file_search", { query: "hit", path: "link.ts" })).isError).toBe(true);
  });

  test("it ends with the signal", async () => {
    using bench = openBench();
    for (let i = 0; i < 200; i++) bench.put(`allowed/t/${i}`, "x");
    const stop = new AbortController();
    const searching = bench.call("file_search", { query: "y" }, stop.signal);
    stop.abort(new Error("enough"));
    expect(searching).rejects.toThrow("enough");
  });
});

test("file_search by name: a glob, a path with a glob, a part of a name", async () => {
  using bench = openBench();
  bench.put("allowed/src/App.ts", "");
  bench.put("allowed/src/lib/app.test.ts", "");
  bench.put("allowed/README.md", "");
  const named = async (query: string) =>
    (await bench.call("file_search", { query, by: "name" })).data.matches.map(
      (match: { path: string }) => match.path,
    );
  expect(await named("*.ts")).toEqual(["src/App.ts", "src/lib/app.test.ts"]);
  expect(await named("src/*.ts")).toEqual(["src/App.ts"]);
  expect(await named("src/**/*.ts")).toEqual(["src/App.ts", "src/lib/app.test.ts"]);
  expect(await named("app")).toEqual(["src/App.ts", "src/lib/app.test.ts"]);
  expect(await named("{README,x}.*")).toEqual(["README.md"]);
  expect(await named("nothing")).toEqual([]);
});
