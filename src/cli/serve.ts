import { Command } from "commander";
import { type CommonOptions, withConfigOption } from "./options.ts";

/** `hermes serve`: every surface that the configuration enables, in one process. */
export function serveCommand(): Command {
  return withConfigOption(new Command("serve"))
    .description("serve every surface that the configuration enables")
    .action(async (options: CommonOptions) => {
      const { runService } = await import("./service.ts");
      await runService({ ...options, surface: "enabled", overrides: {} });
    });
}
