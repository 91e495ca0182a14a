import { Command } from "commander";
import { type CommonOptions, parsePort, withConfigOption } from "./options.ts";

interface ApiOptions extends CommonOptions {
  host?: string;
  port?: number;
}

/** `hermes api`: the REST API in the foreground, until SIGINT or SIGTERM. */
export function apiCommand(): Command {
  return withConfigOption(new Command("api"))
    .description("serve the REST API")
    .option("--port <port>", "port to listen on, 0 for any free one (default: 18791)", parsePort)
    .option("--host <address>", "address to listen on (default: 127.0.0.1)")
    .action(async ({ host, port, ...options }: ApiOptions) => {
      const { runService } = await import("./service.ts");
      await runService({
        ...options,
        serve: "api",
        overrides: {
          ...(port === undefined ? {} : { "api.port": port }),
          ...(host === undefined ? {} : { "api.host": host }),
        },
      });
    });
}
