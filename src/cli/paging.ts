import type { Command } from "commander";
import type { PageRequest } from "../store/records.ts";
import { type CommonOptions, parseCount, withConfigOption, withJsonOption } from "./options.ts";
import { say } from "./output.ts";

/** Options of a command that lists. */
export interface ListOptions extends CommonOptions {
  json?: true;
  limit: number;
  cursor?: string;
}

/** Adds `--config`, `--json`, `--limit` and `--cursor`. */
export function paged(command: Command, limit: number): Command {
  return withJsonOption(withConfigOption(command))
    .option("--limit <n>", "how many to show", parseCount, limit)
    .option("--cursor <cursor>", "where the page before this one ended");
}

/** The page that the options ask for. */
export function pageOf({ limit, cursor }: ListOptions): PageRequest {
  return cursor === undefined ? { limit } : { limit, cursor };
}

/** Says how to get the next page, if there is one. */
export function sayMore(cursor: string | null): void {
  if (cursor) say(`More: add --cursor ${cursor}`);
}
