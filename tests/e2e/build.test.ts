import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "../../package.json";
import { type Built, buildAll } from "../support/binary.ts";

setDefaultTimeout(300_000); // the first build on a machine fetches the runtime of the other processor

/** The runtime alone has 109 MB; the platforms and their clients have added 9 MB to what the API and MCP need. */
const MAX_SIZE_BYTES = 128 * 1024 * 1024;
const ELF_MACHINES = { x64: 62, arm64: 183 };
const VERSION_LINE = new RegExp(`^${version.replaceAll(".", "\\.")}( \\([0-9a-f]{7,}\\))?\n$`);

let built: Built;
let hermes: string;
const directory = mkdtempSync(join(tmpdir(), "hermes build "));

beforeAll(async () => {
  built = await buildAll();
  hermes = join(built.directory, "hermes");
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function emptyDirectory(name: string): string {
  const path = join(directory, name);
  mkdirSync(path);
  return path;
}

/** Runs a command with no environment at all. */
function bare(command: string, args: string[], cwd: string) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env: {}, encoding: "utf8" });
  return { status, stdout, stderr };
}

describe("the build", () => {
  test("makes an executable for each target, whose checksum is in SHA256SUMS", () => {
    const lines = readFileSync(join(built.directory, "SHA256SUMS"), "utf8").trimEnd().split("\n");
    const files = Object.keys(ELF_MACHINES).map((target) => `hermes-linux-${target}`);
    expect(lines).toEqual(
      files.map((file) => {
        const sum = createHash("sha256")
          .update(readFileSync(join(built.directory, file)))
          .digest("hex");
        return `${sum}  ${file}`;
      }),
    );
  });

  test.each(Object.entries(ELF_MACHINES))(
    "for %s it is an ELF file of that machine, and not too large",
    (target, machine) => {
      const file = join(built.directory, `hermes-linux-${target}`);
      const header = readFileSync(file).subarray(0, 20);
      expect(header.subarray(0, 6).toString("hex")).toBe("7f454c460201"); // ELF, 64 bit, little endian
      expect(header.readUInt16LE(18)).toBe(machine);
      expect(statSync(file).mode & 0o777).toBe(0o755);
      expect(statSync(file).size).toBeLessThan(MAX_SIZE_BYTES);
      console.log(`hermes-linux-${target}: ${(statSync(file).size / 1e6).toFixed(1)} MB`);
    },
  );

  test("leaves nothing else behind, and hermes is the one for this machine", () => {
    expect([...new Bun.Glob("*").scanSync({ cwd: built.directory, dot: true })].sort()).toEqual([
      "SHA256SUMS",
      "hermes",
      "hermes-linux-arm64",
      "hermes-linux-x64",
    ]);
    expect(statSync(hermes).ino).toBe(statSync(join(built.directory, `hermes-linux-${process.arch}`)).ino);
  });
});

describe("hermes --version answers", () => {
  test("from an empty directory, with no HOME and no environment, and leaves it empty", () => {
    const cwd = emptyDirectory("empty");
    expect(bare(hermes, ["--version"], cwd)).toEqual({
      status: 0,
      stdout: expect.stringMatching(VERSION_LINE),
      stderr: "",
    });
    expect([...new Bun.Glob("**").scanSync({ cwd, dot: true })]).toEqual([]);
  });

  test("on a file system on which nothing can be written", () => {
    const cwd = emptyDirectory("read-only");
    writeFileSync(join(cwd, "probe"), "");
    // A mount namespace of its own in which everything is read-only, as in a locked-down container.
    const script = `for dir in / /tmp "$1" /dev/shm; do mount -o remount,bind,ro "$dir" 2>/dev/null || { mount --bind "$dir" "$dir" && mount -o remount,bind,ro "$dir"; }; done
      cd "$1" && ! touch written 2>/dev/null && exec "$2" --version`;
    const namespaced = spawnSync("unshare", ["--mount", "--map-root-user", "true"]).status === 0;
    const answer = namespaced
      ? bare(
          "/usr/bin/unshare",
          ["--mount", "--map-root-user", "/bin/sh", "-c", script, "sh", cwd, hermes],
          cwd,
        )
      : asNobody(cwd);
    expect(answer).toEqual({
      status: 0,
      stdout: expect.stringMatching(VERSION_LINE),
      stderr: expect.any(String),
    });
  });

  test("beside a hostile bunfig.toml and .env, which are not read", () => {
    const cwd = emptyDirectory("hostile");
    const marker = join(cwd, "marker");
    const preload = `require("node:fs").writeFileSync(${JSON.stringify(marker)}, "ran");`;
    writeFileSync(join(cwd, "evil.ts"), preload);
    writeFileSync(join(cwd, "bunfig.toml"), 'preload = ["./evil.ts"]\n[run]\npreload = ["./evil.ts"]\n');
    writeFileSync(join(cwd, "package.json"), '{ "name": "evil", "type": "commonjs" }');
    writeFileSync(join(cwd, "tsconfig.json"), '{ "compilerOptions": { "paths": { "*": ["./evil.ts"] } } }');
    for (const name of [".env", ".env.local", ".env.production", ".env.development"])
      writeFileSync(
        join(cwd, name),
        "HERMES_LOG_LEVEL=nonsense\nHERMES_API_TOKEN=evil\nBUN_OPTIONS=--preload ./evil.ts\n",
      );
    const answer = bare(hermes, ["--version"], cwd);
    expect(answer).toEqual({ status: 0, stdout: expect.stringMatching(VERSION_LINE), stderr: "" });
    // A command that reads the configuration would complain of the level.
    const home = emptyDirectory("home");
    const env = { HERMES_HOME: home };
    const shown = spawnSync(hermes, ["config", "show", "--json"], { cwd, env, encoding: "utf8" });
    expect(JSON.parse(shown.stdout)).toMatchObject({ log: { level: "info" } });
    expect(shown.stdout).not.toContain("evil");
    expect(existsSync(marker)).toBe(false);
    // The traps are real: Bun itself falls into them.
    spawnSync(process.execPath, ["-e", "0"], { cwd, env: {} });
    expect(existsSync(marker)).toBe(true);
  });
});

/** Where no namespace can be made: as a user who may write nowhere. */
function asNobody(cwd: string) {
  chmodSync(directory, 0o755);
  chmodSync(cwd, 0o555);
  if (process.getuid?.() !== 0) return bare(hermes, ["--version"], cwd);
  return bare(
    "/usr/bin/setpriv",
    ["--reuid=65534", "--regid=65534", "--clear-groups", hermes, "--version"],
    cwd,
  );
}
