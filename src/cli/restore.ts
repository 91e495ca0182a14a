import { resolve } from "node:path";
import { Command } from "commander";
import { type CommonOptions, withConfigOption } from "./options.ts";
import { print, say, withProgress } from "./output.ts";

/** `hermes restore FILE`: a backup in the place of the database, while no Hermes runs on it. */
export function restoreCommand(): Command {
  return withConfigOption(new Command("restore"))
    .description("put a backup in the place of the database; Hermes must be stopped")
    .argument("<file>", "a file that `hermes backup` made")
    .action(async (file: string, options: CommonOptions) => {
      const { restore } = await import("../app/offline.ts");
      const { path, kept } = await withProgress("checking the backup", restore(options, resolve(file)));
      if (kept !== null) say(`The database before it is kept: ${kept}`);
      print(path);
    });
}
