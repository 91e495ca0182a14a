import { linkSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Value } from "typebox/value";
import type { Caller, Tool, ToolResult } from "../../../src/tools/contract.ts";
import { fileTools } from "../../../src/tools/file/tools.ts";
import { createToolRegistry } from "../../../src/tools/registry.ts";
import { liveConfig, type TestConfig } from "../../support/agent.ts";
import { quietLog } from "../../support/store.ts";

const CALLER: Caller = { door: "api", principal: "owner", scopes: ["tools"] };

/** What no answer may hold and no call may change. */
export const SECRET = "canary-5b1f-of-the-outside";

export interface FileBench extends Disposable {
  /** The directory around everything. */
  base: string;
  /** The first root. */
  allowed: string;
  /** Beside the root; holds `secret.txt`. */
  outside: string;
  home: string;
  config: TestConfig;
  /** Calls a tool as a caller would, and holds every good answer against the tool's own output schema. */
  // biome-ignore lint/suspicious/noExplicitAny: the schema has just been checked
  call(name: string, input: unknown, signal?: AbortSignal): Promise<ToolResult & { data: any }>;
  /** Writes a file below the base; directories are made. */
  put(path: string, content: string | Uint8Array): void;
}

/** Roots and what is around them, in a directory of its own. `file` are values of `tools.file`. */
export function openBench(
  file: (base: string) => Record<string, unknown> = (base) => ({ roots: [join(base, "allowed")] }),
  makeTools = fileTools,
): FileBench {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "hermes-file-")));
  const at = (name: string) => join(base, name);
  for (const name of ["allowed/sub/deep", "allowed-evil", "outside/inner", "home"])
    mkdirSync(at(name), { recursive: true });
  const put = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), content);
  };
  put("allowed/notes.txt", "inside\n");
  put("allowed/sub/deep/file.txt", "deep inside\n");
  for (const name of [
    "outside/secret.txt",
    "allowed-evil/secret.txt",
    "outside/inner/secret.txt",
    "secret.txt",
  ])
    put(name, `${SECRET}\n`);
  const config = liveConfig({ tools: { file: file(base) } });
  const tools = makeTools(config, at("home"));
  const registry = createToolRegistry({
    tools: () => tools,
    enabledGroups: () => ["file"],
    log: quietLog(),
  });
  return {
    base,
    allowed: at("allowed"),
    outside: at("outside"),
    home: at("home"),
    config,
    put,
    async call(name, input, signal = new AbortController().signal) {
      const result = await registry.call(name, input, { caller: CALLER, signal });
      const { output } = tools.find((tool) => tool.name === name) as Tool;
      if (!result.isError && output) {
        const problems = [...Value.Errors(output, result.structured)];
        if (problems.length > 0) throw new Error(`${name}: ${JSON.stringify(problems)}`);
      }
      return { ...result, data: result.structured };
    },
    [Symbol.dispose]: () => rmSync(base, { recursive: true, force: true }),
  };
}

/** Everything in the root that leads out of it, or to what is not a file. */
export function plantTraps({ base, allowed, outside }: FileBench): void {
  const links: Record<string, string> = {
    "to-secret": "../outside/secret.txt",
    "to-secret-absolute": join(outside, "secret.txt"),
    "to-outside": "../outside",
    "to-outside-absolute": outside,
    "to-evil": `${allowed}-evil`,
    "to-evil-file": `${allowed}-evil/secret.txt`,
    chain1: "chain2",
    chain2: "sub/chain3",
    "sub/chain3": "../../outside/secret.txt",
    "dangling-out": "../outside/new.txt",
    "dangling-absolute": join(outside, "new.txt"),
    "dangling-directory": "../outside/new",
    "loop-a": "loop-b",
    "loop-b": "loop-a",
    self: "self",
    "to-root": "/",
    "to-parent": "..",
    "to-self": ".",
    "to-environ": "/proc/self/environ",
    "to-proc-root": "/proc/self/root",
    "to-proc-cwd": "/proc/self/cwd",
    "to-descriptors": "/proc/self/fd",
    "to-zero": "/dev/zero",
    "to-stdin": "/dev/stdin",
    "through-root": `${allowed}/../outside/secret.txt`,
    "dots-within": "sub/../../outside/secret.txt",
    "sub/to-up": "../..",
    "sub/deep/to-outside": "../../../outside",
    "to-base": base,
  };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(allowed, name));
  linkSync(join(outside, "secret.txt"), join(allowed, "hard.txt"));
  const made = Bun.spawnSync(["mkfifo", join(allowed, "fifo"), join(allowed, "sub/fifo")]);
  if (!made.success) throw new Error("mkfifo failed");
}
