import { readFileSync, statSync } from "node:fs";
import { parseEnv } from "node:util";
import type { Variables } from "./home.ts";
import { ConfigError } from "./problems.ts";

const MAX_FILE_BYTES = 1_048_576;

/** The variables of `$HERMES_HOME/.env`; none when there is no such file. Raises `config_invalid` when it is unreadable. */
export function readDotenv(file: string): Variables {
  const text = readText(file);
  return text === null ? {} : parseEnv(text);
}

/** The environment with `.env` filling in what it lacks or has empty. */
export function mergeVariables(environment: Variables, dotenv: Variables): Variables {
  const merged = { ...environment };
  for (const [name, value] of Object.entries(dotenv)) if (!merged[name]) merged[name] = value;
  return merged;
}

/** The text of a file in UTF-8; null when there is no such file. Raises `config_invalid` for every other reason. */
export function readText(file: string): string | null {
  const fail = (message: string, cause?: unknown) => new ConfigError([{ path: "", file, message }], cause);
  try {
    const status = statSync(file);
    if (!status.isFile()) throw fail("this is not a regular file");
    if (status.size > MAX_FILE_BYTES) throw fail("the file is larger than 1 MiB");
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw fail(
      error instanceof TypeError ? "the file is not UTF-8" : `the file cannot be read (${code})`,
      error,
    );
  }
}
