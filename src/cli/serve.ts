import { Command } from "commander";
import { type CommonOptions, withCommonOptions } from "./options.ts";
import { runService } from "./service.ts";

/** `hermes serve`: every surface that the configuration enables, in one process. */
export function serveCommand(): Command {
  return withCommonOptions(new Command("serve"))
    .description("serve every surface that the configuration enables")
    .action((options: CommonOptions) => runService({ ...options, surface: "enabled", overrides: {} }));
}
