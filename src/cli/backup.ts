import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { Command } from "commander";
import { AppError } from "../lib/errors.ts";
import { type CommonOptions, withConfigOption } from "./options.ts";
import { print } from "./output.ts";
import { withStore } from "./store.ts";

/** `hermes backup FILE`: a consistent copy of the database, also while Hermes runs. */
export function backupCommand(): Command {
  return withConfigOption(new Command("backup"))
    .description("copy the database to a file, also while Hermes runs")
    .argument("<file>", "the file to make; it must not exist yet")
    .action(async (name: string, options: CommonOptions) => {
      const file = resolve(name);
      if (existsSync(file))
        throw new AppError("usage", `${file} is there already.`, { hint: "Give the backup another name." });
      await withStore(options, "copying the database", (store) => store.backup(file));
      print(file);
    });
}
