import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { PageSource } from "../../../src/tools/web/contract.ts";
import { createReader } from "../../../src/tools/web/reader.ts";
import { html, openWebTools, startSite } from "../../support/web.ts";

const READER = join(import.meta.dir, "../../../src/tools/web/reader.ts");
setDefaultTimeout(60_000); // processes start slowly on a busy machine
const never = new AbortController().signal;
const page = (text: string): PageSource => ({
  kind: "html",
  bytes: new TextEncoder().encode(text),
  contentType: "text/html; charset=utf-8",
  url: "https://site.example/dir/page",
});

/** The CPU time of this very thread: what other threads and programs of a busy machine take is not its fault. */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** The longest turn of the event loop of this thread, in CPU time, until it is stopped. */
function watchLoop() {
  let last = threadMs();
  let longestMs = 0;
  let running = true;
  const turn = () => {
    const now = threadMs();
    longestMs = Math.max(longestMs, now - last);
    last = now;
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  return () => {
    running = false;
    return longestMs;
  };
}

const MAX_STALL_MS = 250;
/** Pages made to keep a parser busy, or to swallow memory. */
const HOSTILE: readonly [what: string, text: string][] = [
  ["100,000 levels", `<html><body>${"<div>".repeat(100_000)}deep`],
  ["9 MB of tags", "<b>".repeat(3_000_000)],
  ["a million paragraphs", "<p>a</p>".repeat(1_000_000)],
  ["nested tables", "<table>".repeat(30_000)],
  ["nested lists", `<html><body>${"<ul><li>".repeat(5_000)}x`],
  ["a million attributes", `<p ${"a ".repeat(1_000_000)}>x`],
  [
    "meta tags without end",
    `<html><head>${"<meta property='og:title' content='x'>".repeat(60_000)}</head><body><p>x`,
  ],
  ["unclosed comments", "<!--".repeat(900_000)],
  ["unclosed brackets", "<".repeat(3_000_000)],
  [
    "style rules without end",
    `<style>@media (max-width:600px){${".a{display:none}".repeat(200_000)}}</style><p>x`,
  ],
  [
    "JSON without end",
    `<html><body><script type='application/ld+json'>${"[".repeat(1_000_000)}</script><p>x`,
  ],
  ["text nodes without end", `<p>${"&amp;".repeat(700_000)}`],
];

describe("a hostile page ends by the deadline and leaves this process alone", () => {
  for (const [what, text] of HOSTILE)
    test(what, async () => {
      const read = createReader({ timeoutMs: 1_000, maxMemoryBytes: 512 * 1024 * 1024 });
      const source = page(text);
      const longest = watchLoop();
      const outcome = await read(source, never).then(
        (found) => found,
        (error: unknown) => error,
      );
      expect(longest()).toBeLessThan(MAX_STALL_MS);
      expect(outcome).toEqual(
        expect.objectContaining(
          outcome instanceof Error ? { code: "page_unreadable" } : { links: expect.any(Array) },
        ),
      );
    }, 30_000);

  test("also through the tool", async () => {
    await using site = startSite({ "/": () => html("<".repeat(3_000_000)) });
    const longest = watchLoop();
    const read = createReader({ timeoutMs: 1_000 });
    const result = await openWebTools({ read }).extract(site.url("/"));
    expect(longest()).toBeLessThan(MAX_STALL_MS);
    expect(result).toMatchObject({
      isError: true,
      text: expect.stringContaining("could not be read within 1000 ms"),
    });
  });

  test("and the watch would tell: a parser in this process stops it", async () => {
    const longest = watchLoop();
    await new Promise((resolve) => setImmediate(resolve));
    const until = threadMs() + 2 * MAX_STALL_MS;
    while (threadMs() < until);
    await new Promise((resolve) => setImmediate(resolve));
    expect(longest()).toBeGreaterThan(MAX_STALL_MS);
  });
});

describe("the process that reads", () => {
  test("is ended when it takes too much memory, and told so", async () => {
    const read = createReader({ maxMemoryBytes: 16 * 1024 * 1024 });
    await expect(read(page("<p>x"), never)).rejects.toMatchObject({
      code: "page_unreadable",
      message: expect.stringContaining("too much memory"),
    });
  });

  test("is ended by an abort, with its reason, and followed by another", async () => {
    const controller = new AbortController();
    const read = createReader();
    const stuck = read(page("<ul><li>".repeat(20_000)), controller.signal);
    setImmediate(() => controller.abort(new Error("no longer wanted")));
    await expect(stuck).rejects.toThrow("no longer wanted");
    await expect(read(page("x"), controller.signal)).rejects.toThrow("no longer wanted");
    expect((await read(page("<p>afterwards"), never)).content).toBe("afterwards");
  });

  test("lets go of a cancelled call that still waits for its turn", async () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const read = createReader();
    const slow = page(`<html><head>${"<meta property='og:title' content='x'>".repeat(60_000)}`);
    const busy = [slow, slow].map((source) => read(source, first.signal).catch((error: unknown) => error));
    const waiting = read(page("x"), second.signal);
    second.abort(new Error("no longer wanted"));
    await expect(waiting).rejects.toThrow("no longer wanted");
    first.abort(new Error("the end of the test"));
    expect((await Promise.all(busy)).map(String)).toEqual(Array(2).fill("Error: the end of the test"));
  });

  test("goes with its parent, also while a page keeps it busy", async () => {
    const stuck = `import { createReader } from ${JSON.stringify(READER)};
      const bytes = new TextEncoder().encode("<html><head>" + "<meta property='og:title' content='x'>".repeat(95_000));
      void createReader()({ kind: "html", bytes, contentType: "text/html", url: "http://x/" }, new AbortController().signal);
      console.log("reading");`;
    const parent = Bun.spawn([process.execPath, "-e", stuck], { stdio: ["ignore", "pipe", "inherit"] });
    await parent.stdout.getReader().read();
    const [child] = readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, "utf8").trim().split(" ");
    const busyKb = 160_000; // far more than it has before it builds a tree
    while (Number(/^VmRSS:\s+(\d+)/m.exec(statusOf(child))?.[1] ?? 0) < busyKb) await Bun.sleep(5);
    parent.kill("SIGKILL");
    await parent.exited;
    while (statusOf(child) !== "" && !/^State:\s+Z/m.test(statusOf(child))) await Bun.sleep(5);
  });

  test("serves many at once, and mixes none up", async () => {
    const read = createReader();
    const found = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        read(page(`<title>t${i}</title><p>the words of reader ${i}`), never),
      ),
    );
    expect(found.map(({ title, content }) => [title, content])).toEqual(
      Array.from({ length: 40 }, (_, i) => [`t${i}`, `the words of reader ${i}`]),
    );
  });

  test("is told nothing of this process's environment", async () => {
    process.env["HERMES_TEST_CANARY"] = "canary-in-the-environment";
    const children = () =>
      readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8").trim().split(" ");
    const before = children();
    const read = createReader();
    await read(page("<p>x"), never);
    const own = children().filter((pid) => !before.includes(pid));
    expect(own.length).toBeGreaterThan(0);
    for (const pid of own) expect(readFileSync(`/proc/${pid}/environ`, "latin1")).not.toContain("canary");
    const other = Bun.spawnSync(["env"], { env: process.env }); // which is told
    expect(other.stdout.toString()).toContain("canary-in-the-environment");
    delete process.env["HERMES_TEST_CANARY"];
  });

  test("asks nobody for anything beyond the page", async () => {
    await using site = startSite({ "/": () => html("fetched") });
    const read = createReader();
    const text = `<html><head><base href="${site.url("/")}"><link rel="stylesheet" href="/style.css"><title>x</title></head>
      <body><img src="/picture.png" alt="p"><iframe src="/frame"></iframe><p>words</p><script>fetch("/")</script>
      <a href="sub/page">a link</a></body></html>`;
    const found = await read(page(text), never);
    expect(found.links).toEqual([{ text: "a link", url: site.url("/sub/page") }]);
    expect(site.hits).toEqual([]);
  });
});

/** What the system says of a process; empty when it has gone. */
function statusOf(pid: string | undefined): string {
  const path = `/proc/${pid}/status`;
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}
