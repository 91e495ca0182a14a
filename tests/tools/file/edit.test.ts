import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { applyPatch } from "diff";
import fc from "fast-check";
import { openBench } from "./bench.ts";

describe("file_edit", () => {
  test("replaces a text that is found once, and answers with the diff", async () => {
    using bench = openBench();
    bench.put("allowed/f.txt", "one\ntwo\nthree\n");
    const { data, text } = await bench.call("file_edit", {
      path: "f.txt",
      old_text: "two",
      new_text: "2 $& $1",
    });
    expect(readFileSync(join(bench.allowed, "f.txt"), "utf8")).toBe("one\n2 $& $1\nthree\n");
    expect(data).toMatchObject({ path: "f.txt", replacements: 1, truncated: false });
    expect(data.diff).toContain("-two\n+2 $& $1\n");
    expect(text).toContain("1 replacement in f.txt");
  });

  test("the diff applied to the old text gives the new text", async () => {
    using bench = openBench();
    const word = fc.constantFrom("a", "b", "汉", "🙂", "\n", "\r\n", " ", "x\n");
    const texts = fc.array(word, { minLength: 1, maxLength: 60 }).map((words) => words.join(""));
    const part = fc.constantFrom("a", "b", "\n", "汉", "a\n", "\r\n", " ");
    await fc.assert(
      fc.asyncProperty(
        texts,
        part,
        fc.constantFrom("c", "", "y\nz", "汉汉"),
        async (old, old_text, new_text) => {
          bench.put("allowed/f.txt", old);
          const input = { path: "f.txt", old_text, new_text, replace_all: true };
          const result = await bench.call("file_edit", input);
          const now = readFileSync(join(bench.allowed, "f.txt"), "utf8");
          if (result.isError) expect(now).toBe(old);
          else expect(applyPatch(old, result.data.diff, { autoConvertLineEndings: false })).toBe(now);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("an edit that would make a huge text is refused before it is made", async () => {
    using bench = openBench();
    const old = "a".repeat(2_000);
    bench.put("allowed/f.txt", old);
    const input = { path: "f.txt", old_text: "a", new_text: "x".repeat(100_000), replace_all: true };
    const before = process.memoryUsage.rss();
    const { isError, text } = await bench.call("file_edit", input);
    expect(isError).toBe(true);
    expect(text).toContain("5242880 are the most");
    expect(process.memoryUsage.rss() - before).toBeLessThan(100_000_000); // made, it has 200 MB, twice
    expect(readFileSync(join(bench.allowed, "f.txt"), "utf8")).toBe(old);
  });

  test("a text that is not there: how often, and what looks like it", async () => {
    using bench = openBench();
    bench.put("allowed/f.txt", "if (x) {\n\treturn total price;\n}\n");
    const input = { path: "f.txt", old_text: "  return total price;", new_text: "" };
    const { isError, text } = await bench.call("file_edit", input);
    expect(isError).toBe(true);
    expect(text).toContain("found 0 times");
    expect(text).toContain("line 2: return total price;");
  });

  test("a text that is there more than once: how often and where", async () => {
    using bench = openBench();
    bench.put("allowed/f.txt", "x\ny\nx\nx x\n");
    const input = { path: "f.txt", old_text: "x", new_text: "z" };
    const refused = await bench.call("file_edit", input);
    expect(refused.text).toContain("found 4 times, in lines 1, 3, 4, 4.");
    expect((await bench.call("file_edit", { ...input, replace_all: true })).data.replacements).toBe(4);
    expect(readFileSync(join(bench.allowed, "f.txt"), "utf8")).toBe("z\ny\nz\nz z\n");
  });

  test("line ends, byte order mark, encoding and mode stay", async () => {
    using bench = openBench();
    const path = join(bench.allowed, "f.txt");
    const input = { path: "f.txt", old_text: "one\ntwo", new_text: "1\n2\n3" };
    const FILES: [Buffer, Buffer][] = [
      [Buffer.from("\ufeffone\r\ntwo\r\n"), Buffer.from("\ufeff1\r\n2\r\n3\r\n")],
      [Buffer.from("one\ntwo\nmixed\r\n"), Buffer.from("1\n2\n3\nmixed\r\n")],
      [Buffer.from("\ufeffone\r\ntwo", "utf16le"), Buffer.from("\ufeff1\r\n2\r\n3", "utf16le")],
      [Buffer.from("\ufeffone\ntwo", "utf16le").swap16(), Buffer.from("\ufeff1\n2\n3", "utf16le").swap16()],
    ];
    for (const [before, after] of FILES) {
      bench.put("allowed/f.txt", before);
      chmodSync(path, 0o640);
      expect((await bench.call("file_edit", input)).isError).toBeUndefined();
      expect(readFileSync(path).equals(after)).toBe(true);
      expect(statSync(path).mode & 0o777).toBe(0o640);
    }
  });

  test("what is not whole text is not edited", async () => {
    using bench = openBench();
    const FILES: Uint8Array[] = [
      Buffer.from("a\0b"),
      Buffer.from("caf\xe9 a", "latin1"),
      Buffer.concat([Buffer.from("\ufeffa", "utf16le"), Buffer.from([0x61])]),
      Buffer.concat([Buffer.from("a ".repeat(40_000)), Buffer.from([0xff])]),
    ];
    for (const content of FILES) {
      bench.put("allowed/f", content);
      expect(await bench.call("file_edit", { path: "f", old_text: "a", new_text: "b" })).toMatchObject({
        isError: true,
      });
      expect(readFileSync(join(bench.allowed, "f")).equals(content)).toBe(true);
    }
  });

  test("edits at the same time: each one is kept or refused, none is lost", async () => {
    using bench = openBench();
    const words = Array.from({ length: 20 }, (_, i) => `<${i}>`);
    bench.put("allowed/f.txt", words.join("\n"));
    const results = await Promise.all(
      words.map((old_text, i) => bench.call("file_edit", { path: "f.txt", old_text, new_text: `done ${i}` })),
    );
    const now = readFileSync(join(bench.allowed, "f.txt"), "utf8").split("\n");
    for (const [i, { isError }] of results.entries()) expect(now).toContain(isError ? `<${i}>` : `done ${i}`);
    expect(results.some(({ isError }) => !isError)).toBe(true);
    expect(readdirSync(bench.allowed).filter((name) => name.includes("hermes_"))).toEqual([]);
  });

  test("a long diff is cut and said to be", async () => {
    using bench = openBench();
    bench.put("allowed/f.txt", Array.from({ length: 3000 }, (_, i) => `x ${i}`).join("\n"));
    const input = { path: "f.txt", old_text: "x", new_text: "y", replace_all: true };
    const { data, text } = await bench.call("file_edit", input);
    expect(data).toMatchObject({ replacements: 3000, truncated: true });
    expect(text.length).toBeLessThan(11_000);
  });
});

describe("file_write", () => {
  test("makes directories, says whether it created or replaced, keeps the mode", async () => {
    using bench = openBench();
    const path = join(bench.allowed, "a/b/f.txt");
    const first = await bench.call("file_write", { path: "a/b/f.txt", content: "汉\n" });
    expect(first.data).toEqual({ path: "a/b/f.txt", created: true, size_bytes: 4 });
    chmodSync(path, 0o600);
    const second = await bench.call("file_write", { path: "a/./b/../b/f.txt", content: "" });
    expect(second.data).toEqual({ path: "a/b/f.txt", created: false, size_bytes: 0 });
    expect(statSync(path)).toMatchObject({ size: 0 });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(bench.allowed, "a/b"))).toEqual(["f.txt"]);
  });

  test("refuses a directory, a file in place of a directory, and more than 5 MB", async () => {
    using bench = openBench();
    mkdirSync(join(bench.allowed, "d"));
    const textOf = async (path: string, content = "x") => {
      const { isError, text } = await bench.call("file_write", { path, content });
      expect(isError).toBe(true);
      return text;
    };
    expect(await textOf("d")).toContain("is a directory");
    expect(await textOf(".")).toContain("is a directory");
    expect(await textOf("notes.txt/x")).toContain("not a directory");
    expect(await textOf("f", "汉".repeat(2_000_000))).toContain("6000000 bytes");
    expect(readFileSync(join(bench.allowed, "notes.txt"), "utf8")).toBe("inside\n");
  });
});
