import { Command } from "commander";
import { holderName } from "./holder.ts";
import { type CommonOptions, withConfigOption } from "./options.ts";

/** `hermes serve`: every surface and every platform that the configuration enables, in one process. */
export function serveCommand(): Command {
  return withConfigOption(new Command("serve"))
    .description("serve every surface and connect every platform that the configuration enables")
    .action(async (options: CommonOptions) => {
      const { runService } = await import("./service.ts");
      await runService({ ...options, serve: "enabled", connect: { holder: holderName("hermes serve") } });
    });
}
