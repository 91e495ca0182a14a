import { resolve } from "node:path";
import { Command } from "commander";
import { type CommonOptions, withCommonOptions } from "./options.ts";
import { print, withProgress } from "./output.ts";

/** `hermes backup FILE`: a consistent copy of the database, also while Hermes runs. */
export function backupCommand(): Command {
  return withCommonOptions(new Command("backup"))
    .description("copy the database to a file, also while Hermes runs")
    .argument("<file>", "the file to make; it must not exist yet")
    .action(async (file: string, options: CommonOptions) => {
      const { openStoreOnly } = await import("../app.ts");
      const store = await openStoreOnly(options);
      try {
        await withProgress("copying the database", store.backup(resolve(file)));
      } finally {
        await store.close();
      }
      print(resolve(file));
    });
}
