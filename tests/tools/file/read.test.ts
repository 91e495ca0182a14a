import { describe, expect, test } from "bun:test";
import { closeSync, ftruncateSync, openSync, symlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { type FileBench, openBench } from "./bench.ts";

const PNG = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex");

/** Reads a file to its end, going on by lines or by bytes, and gives what its pages hold. */
async function readAll(
  bench: FileBench,
  path: string,
  by: "lines" | "bytes",
  limit?: number,
): Promise<string> {
  let text = "";
  let from: Record<string, number> = by === "bytes" ? { byte_offset: 0 } : {};
  for (;;) {
    const {
      data,
      isError,
      text: said,
    } = await bench.call("file_read", { path, ...from, ...(limit ? { limit } : {}) });
    if (isError) throw new Error(said);
    expect(data.content.length).toBeLessThanOrEqual(20_000);
    text += data.content;
    if (!data.truncated) return text;
    const byLine = by === "lines" && data.next_offset !== undefined;
    from = byLine ? { offset: data.next_offset } : { byte_offset: data.next_byte_offset };
  }
}

describe("the pages of a file joined are the file", () => {
  const FILES: Record<string, string> = {
    "plain lines": "one\ntwo\nthree\n",
    "no line feed at the end": "one\ntwo",
    "only line feeds": "\n\n\n",
    CRLF: "one\r\ntwo\r\n\r\nthree",
    Chinese: `${"文件内容，一行一行。\n".repeat(5000)}完`,
    emoji: "👩‍👩‍👧‍👦🇨🇳".repeat(9000),
    "a line of 5 MB": `first\n${"x".repeat(5 * 1024 * 1024)}\nlast\n`,
    "a long line of Chinese and emoji": `${"汉字🙂".repeat(60_000)}\nend`,
    empty: "",
  };
  for (const [name, content] of Object.entries(FILES))
    for (const by of ["lines", "bytes"] as const)
      test(`${name}, by ${by}`, async () => {
        using bench = openBench();
        bench.put("allowed/f.txt", content);
        expect((await readAll(bench, "f.txt", by)) === content).toBe(true);
        if (content.length < 1000) expect(await readAll(bench, "f.txt", by, 1)).toBe(content);
      });

  test("any text, in any page size", async () => {
    using bench = openBench();
    const line = fc.oneof(fc.string({ unit: "grapheme", maxLength: 40 }), fc.constantFrom("", "\r", "汉🙂"));
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 30 }),
        fc.integer({ min: 1, max: 9 }),
        async (lines, limit) => {
          const content = lines.join("\n").replaceAll("\0", "");
          bench.put("allowed/f.txt", content);
          const { data } = await bench.call("file_read", { path: "f.txt" });
          if (data.kind !== "text" || data.encoding !== "utf-8") return; // control characters only
          expect(await readAll(bench, "f.txt", "lines", limit)).toBe(content.replace(/^\ufeff/, ""));
          expect(await readAll(bench, "f.txt", "bytes", limit)).toBe(content.replace(/^\ufeff/, ""));
        },
      ),
      { numRuns: 60 },
    );
  });

  for (const encoding of ["utf-16le", "utf-16be"])
    test(`${encoding} with a byte order mark`, async () => {
      using bench = openBench();
      const content = `\u0a0a line\u0a00 one\r\n${"汉字🙂\n".repeat(9000)}end`;
      const bytes = Buffer.from(`\ufeff${content}`, "utf16le");
      bench.put("allowed/f.txt", encoding === "utf-16le" ? bytes : bytes.swap16());
      for (const by of ["lines", "bytes"] as const)
        expect((await readAll(bench, "f.txt", by)) === content).toBe(true);
      const { data } = await bench.call("file_read", { path: "f.txt", offset: 9002 });
      expect(data).toMatchObject({ encoding, content: "end", truncated: false });
    });
});

describe("file_read", () => {
  test("a page by lines says where the next one begins", async () => {
    using bench = openBench();
    bench.put("allowed/f.txt", "1\n22\n333\n4444\n");
    const { data, text } = await bench.call("file_read", { path: "f.txt", offset: 2, limit: 2 });
    expect(data).toEqual({
      ...{
        path: "f.txt",
        kind: "text",
        size_bytes: 14,
        encoding: "utf-8",
        content: "22\n333\n",
        byte_offset: 2,
      },
      ...{ truncated: true, next_offset: 4, next_byte_offset: 9 },
    });
    expect(text).toContain("lines 2-3, 14 bytes in all");
    expect(text).toContain("More follows: offset 4 (or byte_offset 9).");
    expect(text).toMatch(/<<<untrusted \S+ source="f.txt">>>\n22\n333\n/);
  });

  test("lines past the end, bytes past the end, both at once", async () => {
    using bench = openBench();
    bench.put("allowed/f.txt", "1\n2\n");
    const errorOf = async (input: object) => {
      const { isError, text } = await bench.call("file_read", { path: "f.txt", ...input });
      expect(isError).toBe(true);
      return text;
    };
    expect(await errorOf({ offset: 3 })).toBe("f.txt has only 2 lines.");
    expect(await errorOf({ byte_offset: 5 })).toBe("f.txt has only 4 bytes.");
    expect(await errorOf({ byte_offset: 0, offset: 1 })).toContain("not both");
  });

  test("a byte offset within a character begins with the next one", async () => {
    using bench = openBench();
    bench.put("allowed/f.txt", "汉字");
    const { data } = await bench.call("file_read", { path: "f.txt", byte_offset: 1 });
    expect(data).toMatchObject({ byte_offset: 3, content: "字" });
  });

  test("a byte order mark is not part of the text", async () => {
    using bench = openBench();
    bench.put("allowed/f.txt", "\ufeffone\n");
    const { data, text } = await bench.call("file_read", { path: "f.txt" });
    expect(data).toMatchObject({ content: "one\n", byte_offset: 3 });
    expect(text).toContain("with a byte order mark");
  });

  test("text in another encoding is shown as far as it goes, and said to be so", async () => {
    using bench = openBench();
    bench.put("allowed/f.txt", Buffer.from("caf\xe9 au lait\n", "latin1"));
    const { data, text } = await bench.call("file_read", { path: "f.txt" });
    expect(data).toMatchObject({ encoding: "unknown", content: "caf\ufffd au lait\n" });
    expect(text).toContain("not UTF-8");
  });

  test("images are shown to models that see, up to 5 MB", async () => {
    using bench = openBench();
    bench.put("allowed/picture.bin", PNG);
    const shown = await bench.call("file_read", { path: "picture.bin" });
    expect(shown.images).toEqual([{ mediaType: "image/png", data: PNG.toString("base64") }]);
    expect(shown.data).toMatchObject({ kind: "image", media_type: "image/png", size_bytes: 16 });
    bench.put("allowed/large.png", Buffer.concat([PNG, Buffer.alloc(5 * 1024 * 1024)]));
    const large = await bench.call("file_read", { path: "large.png" });
    expect(large.images).toBeUndefined();
    expect(large.text).toContain("not shown");
  });

  test("other files are described", async () => {
    using bench = openBench();
    const KINDS: [string, Uint8Array | string, string][] = [
      ["a", Buffer.from("%PDF-1.7\n"), "application/pdf"],
      ["a.docx", "PK\x03\x04\0\0", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
      ["b", Buffer.from("SQLite format 3\0"), "application/vnd.sqlite3"],
      ["c.mp3", Buffer.from([1, 2, 0, 3]), "audio/mpeg"],
      ["d", Buffer.from([0, 1, 2, 3]), "application/octet-stream"],
      ["e.txt", Buffer.from([0, 1, 2, 3]), "application/octet-stream"],
    ];
    for (const [name, content, mediaType] of KINDS) {
      bench.put(`allowed/${name}`, content);
      const { data, text } = await bench.call("file_read", { path: name });
      expect(data).toMatchObject({ kind: "binary", media_type: mediaType, truncated: false });
      expect(text).toContain("It is not text.");
    }
  });

  test("text that only begins like a program is text", async () => {
    using bench = openBench();
    for (const content of ["BMW\n", "MZ is a code\n", "BZhello\n", "RIFF\n"]) {
      bench.put("allowed/f", content);
      expect((await bench.call("file_read", { path: "f" })).data).toMatchObject({ kind: "text", content });
    }
  });

  test("a file of 1 GB costs no memory, wherever the page is", async () => {
    using bench = openBench();
    const path = join(bench.allowed, "large.txt");
    const fd = openSync(path, "w");
    const block = `${"y".repeat(1023)}\n`.repeat(1024);
    writeSync(fd, block);
    ftruncateSync(fd, 1024 ** 3); // a hole: read as zeros, in no time
    writeSync(fd, "\nthe end\n", 1024 ** 3 - 9);
    closeSync(fd);
    await bench.call("file_read", { path: "large.txt", offset: 1000 });
    Bun.gc(true);
    const before = process.memoryUsage.rss();
    const { data } = await bench.call("file_read", { path: "large.txt", offset: 1026 });
    expect(data).toMatchObject({ content: "the end\n", size_bytes: 1024 ** 3, truncated: false });
    expect(process.memoryUsage.rss() - before).toBeLessThan(50 * 1024 * 1024);
  }, 60_000);

  test("a search for a line ends with the signal", async () => {
    using bench = openBench();
    bench.put("allowed/f.txt", "x\n".repeat(500_000));
    const stop = new AbortController();
    const reading = bench.call("file_read", { path: "f.txt", offset: 400_000 }, stop.signal);
    stop.abort(new Error("enough"));
    expect(reading).rejects.toThrow("enough");
  });

  test("descriptors are closed, also after errors", async () => {
    using bench = openBench();
    symlinkSync("../outside", join(bench.allowed, "out"));
    const paths = [
      "notes.txt",
      "sub/deep/file.txt",
      "out/secret.txt",
      "missing",
      "sub",
      "notes.txt/x",
      "../x",
    ];
    const { readdirSync } = await import("node:fs");
    const open = () => readdirSync("/proc/self/fd").length;
    const round = async () => {
      for (const path of paths) {
        await bench.call("file_read", { path });
        await bench.call("file_edit", { path, old_text: "zzz", new_text: "y" });
        await bench.call("file_list", { path, recursive: true });
        await bench.call("file_search", { path, query: "inside", limit: 1 });
      }
    };
    await round();
    const before = open();
    for (let i = 0; i < 20; i++) await round();
    expect(open()).toBeLessThanOrEqual(before + 2); // the runtime has some of its own
  });
});
