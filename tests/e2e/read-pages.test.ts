import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { READING_ARGUMENT } from "../../src/tools/self.ts";
import type { ReadingAnswer } from "../../src/tools/web/contract.ts";
import { buildAll } from "../support/binary.ts";
import { makePdf } from "../support/pdf.ts";

test("the executable reads pages and PDFs in a process of its own, far from any source, and ends with its parent", async () => {
  const { directory } = await buildAll();
  const cwd = mkdtempSync(join(tmpdir(), "hermes-read-"));
  const answers: ReadingAnswer[] = [];
  let answered = Promise.withResolvers<void>();
  const child = Bun.spawn([join(directory, "hermes"), READING_ARGUMENT], {
    cwd,
    env: {},
    stdio: ["ignore", "pipe", "pipe"],
    serialization: "advanced",
    ipc(answer: ReadingAnswer) {
      answers.push(answer);
      answered.resolve();
    },
  });
  const read = async (kind: "html" | "pdf", bytes: Uint8Array) => {
    answered = Promise.withResolvers<void>();
    child.send({ kind, bytes, contentType: "", url: "https://site.example/dir/" });
    await answered.promise;
    return answers.at(-1);
  };
  const html = Buffer.from(
    "<title>T</title><p>Words and <a href='x'>a link</a>, enough of them to be read.</p>",
  );
  expect(await read("html", html)).toMatchObject({
    page: { title: "T", content: expect.stringContaining("[a link](https://site.example/dir/x)") },
  });
  expect(await read("pdf", makePdf({ pages: ["潮汐"] }))).toMatchObject({
    page: { content: "[page 1 of 1]\n\n潮汐" },
  });
  child.disconnect();
  expect(await child.exited).toBe(0);
  expect([await child.stdout.text(), await child.stderr.text()]).toEqual(["", ""]);
  rmSync(cwd, { recursive: true });
}, 200_000);

test("without a parent that asks, it ends at once", async () => {
  const { directory } = await buildAll();
  const { status, stdout } = spawnSync(join(directory, "hermes"), [READING_ARGUMENT], {
    env: {},
    timeout: 20_000,
  });
  expect([status, stdout.toString()]).toEqual([0, ""]);
}, 200_000);
