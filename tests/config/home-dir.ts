import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LoadedConfig, type LoadOptions, loadConfig } from "../../src/config/load.ts";
import { ConfigError, type Problem } from "../../src/config/problems.ts";

/** A home in a directory of its own. */
export interface HomeDir {
  readonly path: string;
  readonly file: string;
  /** Writes a file of the home, for its owner only, and returns its path. */
  write(name: string, text: string): string;
  load(options?: LoadOptions): LoadedConfig;
  /** Loads `yaml` and returns what is wrong with it; fails when nothing is. */
  problems(yaml: string, options?: LoadOptions): readonly Problem[];
  remove(): void;
}

export function makeHomeDir(): HomeDir {
  const path = mkdtempSync(join(tmpdir(), "hermes-config-"));
  const file = join(path, "config.yaml");
  const write = (name: string, text: string) => {
    writeFileSync(join(path, name), text, { mode: 0o600 });
    return join(path, name);
  };
  const load = (options: LoadOptions = {}) => loadConfig({ home: path, env: {}, ...options });
  return {
    path,
    file,
    write,
    load,
    problems(yaml, options) {
      write("config.yaml", yaml);
      try {
        load(options);
      } catch (error) {
        if (error instanceof ConfigError) return error.problems;
        throw error;
      }
      throw new Error("the configuration was taken");
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}
