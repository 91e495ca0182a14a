import { AppError } from "../lib/errors.ts";
import type { Path } from "./path.ts";

/** What a check found at a key, before it is known where the value came from. */
export interface Fault {
  readonly path: Path;
  readonly message: string;
  readonly hint?: string;
  /** The key itself is wrong, not its value. */
  readonly atKey?: true;
}

export interface Findings {
  /** What must be mended before Hermes starts. */
  faults: Fault[];
  /** What the operator should know. */
  warnings: Fault[];
}

/** Something wrong with the configuration, and where. */
export interface Problem {
  /** The key, such as `api.port`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
  /** The file with the value; absent for values from elsewhere. */
  readonly file?: string;
  /** Counted from 1. */
  readonly line?: number;
  readonly column?: number;
  /** Where the value came from when it was no file: a flag or a variable of the environment. */
  readonly origin?: string;
}

/** A configuration that cannot be used, with all of its problems. Its code is `config_invalid`. */
export class ConfigError extends AppError {
  constructor(
    readonly problems: readonly Problem[],
    cause?: unknown,
  ) {
    const lines = problems.map((problem) => `  ${formatProblem(problem)}`);
    const many = problems.length === 1 ? "a problem" : `${problems.length} problems`;
    super("config_invalid", `The configuration has ${many}:\n${lines.join("\n")}`, { cause });
  }
}

/** On one line, such as `config.yaml:3:9: api.prot is not a key. Did you mean "port"?`. */
export function formatProblem(problem: Problem): string {
  const position = problem.line === undefined ? "" : `:${problem.line}:${problem.column}`;
  const where = problem.file === undefined ? problem.origin : `${problem.file}${position}`;
  const hint = problem.hint === undefined ? "" : `. ${problem.hint}`;
  return `${where === undefined ? "" : `${where}: `}${problem.message}${hint}`;
}
