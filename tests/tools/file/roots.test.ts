import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openBench, SECRET } from "./bench.ts";

describe("the roots", () => {
  test("without any there is the workspace in the home, made for its owner only", async () => {
    using bench = openBench(() => ({}));
    const workspace = join(bench.home, "workspace");
    expect(existsSync(workspace)).toBe(false);
    await bench.call("file_write", { path: "f", content: "x" });
    expect(readFileSync(join(workspace, "f"), "utf8")).toBe("x");
    expect(statSync(workspace).mode & 0o777).toBe(0o700);
    writeFileSync(join(bench.home, "config.yaml"), SECRET);
    for (const path of ["../config.yaml", join(bench.home, "config.yaml")])
      expect((await bench.call("file_read", { path })).text).not.toContain(SECRET);
  });

  test("several: relative paths begin at the first, absolute ones are below any, a list of nothing shows them", async () => {
    using bench = openBench((base) => ({
      roots: [join(base, "allowed"), join(base, "outside")],
      read_only_roots: [join(base, "allowed-evil")],
    }));
    const { data, text } = await bench.call("file_list", { path: "" });
    expect(data.entries.map((entry: { path: string }) => entry.path)).toEqual([
      bench.allowed,
      bench.outside,
      `${bench.allowed}-evil`,
    ]);
    expect(text).toContain("(relative paths begin here)");
    expect(text).toContain("-evil (read-only)");
    expect((await bench.call("file_read", { path: "notes.txt" })).data.path).toBe("notes.txt");
    const path = join(bench.outside, "secret.txt");
    expect((await bench.call("file_read", { path })).data.path).toBe(path);
    const found = await bench.call("file_search", { path: bench.outside, query: "canary" });
    expect(found.data.matches[0].path).toBe(join(bench.outside, "inner/secret.txt"));
    expect((await bench.call("file_read", { path: join(bench.base, "secret.txt") })).isError).toBe(true);
  });

  test("a read-only root is read and not written, also where it lies in a writable one, through a link, or is both", async () => {
    using bench = openBench((base) => ({
      roots: [join(base, "allowed")],
      read_only_roots: [join(base, "allowed/sub"), join(base, "outside")],
    }));
    symlinkSync("sub/deep", join(bench.allowed, "link"));
    expect((await bench.call("file_read", { path: "link/file.txt" })).data.content).toBe("deep inside\n");
    const paths = [
      "sub/new",
      "sub/deep/file.txt",
      "link/file.txt",
      "link/new",
      join(bench.allowed, "sub/deep/file.txt"),
    ];
    for (const path of [...paths, join(bench.outside, "secret.txt")]) {
      expect(await bench.call("file_write", { path, content: "x" })).toMatchObject({ isError: true });
      expect(await bench.call("file_edit", { path, old_text: "inside", new_text: "x" })).toMatchObject({
        isError: true,
      });
    }
    const refused = await bench.call("file_write", { path: join(bench.outside, "new"), content: "x" });
    expect(refused.text).toContain("is in a read-only directory");
    expect(readFileSync(join(bench.allowed, "sub/deep/file.txt"), "utf8")).toBe("deep inside\n");
    expect(existsSync(join(bench.outside, "new"))).toBe(false);
    bench.config.change((config) => config.tools.file.read_only_roots.push(bench.allowed));
    expect((await bench.call("file_write", { path: "notes.txt", content: "x" })).isError).toBe(true);
  });

  test("a change of the configuration counts at the next call", async () => {
    using bench = openBench();
    const path = join(bench.outside, "secret.txt");
    expect((await bench.call("file_read", { path })).isError).toBe(true);
    bench.config.change((config) => config.tools.file.roots.push(bench.outside));
    expect((await bench.call("file_read", { path })).isError).toBeUndefined();
    bench.config.change((config) => config.tools.file.roots.pop());
    expect((await bench.call("file_read", { path })).isError).toBe(true);
  });

  test("a root that is a link works, by both of its names, and shows its real one", async () => {
    using bench = openBench((base) => {
      symlinkSync("allowed", join(base, "alias"));
      return { roots: [join(base, "alias")] };
    });
    for (const path of ["notes.txt", join(bench.base, "alias/notes.txt"), join(bench.allowed, "notes.txt")])
      expect((await bench.call("file_read", { path })).data).toMatchObject({
        content: "inside\n",
        path: "notes.txt",
      });
    rmSync(join(bench.base, "alias"));
    symlinkSync("outside", join(bench.base, "alias")); // from now on it leads elsewhere; Hermes stays where it was
    expect((await bench.call("file_read", { path: "secret.txt" })).isError).toBe(true);
    expect((await bench.call("file_read", { path: "notes.txt" })).data.content).toBe("inside\n");
  });

  test("a root within another one does not follow a link that was put in its place, from the start or later", async () => {
    using bench = openBench((base) => {
      symlinkSync("../outside", join(base, "allowed/planted"));
      return { roots: [join(base, "allowed"), join(base, "allowed/planted"), join(base, "allowed/sub")] };
    });
    for (const path of ["planted/secret.txt", join(bench.allowed, "planted/secret.txt")])
      expect((await bench.call("file_read", { path })).isError).toBe(true);
    const inner = join(bench.allowed, "sub/deep/file.txt");
    expect((await bench.call("file_read", { path: inner })).data.content).toBe("deep inside\n");
    renameSync(join(bench.allowed, "sub"), join(bench.allowed, "gone"));
    symlinkSync("../outside", join(bench.allowed, "sub"));
    const path = join(bench.allowed, "sub/secret.txt");
    expect((await bench.call("file_read", { path })).text).not.toContain(SECRET);
  });

  test("one that is not there is named, with the key to mend", async () => {
    using bench = openBench((base) => ({ roots: [join(base, "missing")] }));
    const { isError, text } = await bench.call("file_read", { path: "f" });
    expect(isError).toBe(true);
    expect(text).toContain(`${bench.base}/missing of tools.file is not there`);
    expect(text).toContain("tools.file.roots");
  });
});

describe("Hermes's own files", () => {
  const OWN = ["hermes.sqlite", "hermes.sqlite-wal", "config.yaml", ".env", "api-token", "instances/one"];

  test("are closed in a root around the home", async () => {
    using bench = openBench((base) => ({ roots: [base] }));
    for (const name of OWN) bench.put(`home/${name}`, "own content");
    for (const name of OWN) {
      expect((await bench.call("file_read", { path: `home/${name}` })).isError).toBe(true);
      expect((await bench.call("file_write", { path: `home/${name}`, content: "x" })).isError).toBe(true);
    }
    expect((await bench.call("file_search", { query: "own content" })).data.matches).toEqual([]);
    expect((await bench.call("file_list", { path: "home" })).isError).toBe(true);
  });

  test("cannot be opened by making the home itself a root", async () => {
    using bench = openBench((base) => ({ roots: [base, join(base, "home")] }));
    for (const name of [...OWN, "skills/a/SKILL.md"]) bench.put(`home/${name}`, "own content");
    for (const [tool, input] of [
      ["file_read", { path: `${bench.home}/config.yaml` }],
      ["file_write", { path: `${bench.home}/mcp-key`, content: "x" }],
    ] as const) {
      const { isError, text } = await bench.call(tool, input);
      expect({ isError, text }).toMatchObject({ isError: true, text: expect.stringContaining("own home") });
    }
  });
});
