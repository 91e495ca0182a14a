import { Command } from "commander";
import { type CommonOptions, parsePort, withCommonOptions } from "./options.ts";
import { runService } from "./service.ts";

interface ApiOptions extends CommonOptions {
  host?: string;
  port?: number;
}

/** `hermes api`: the REST API in the foreground, until SIGINT or SIGTERM. */
export function apiCommand(): Command {
  return withCommonOptions(new Command("api"))
    .description("serve the REST API")
    .option("--port <port>", "port to listen on (default: 18791)", parsePort)
    .option("--host <address>", "address to listen on (default: 127.0.0.1)")
    .action((options: ApiOptions) =>
      runService({
        ...options,
        surface: "api",
        overrides: {
          ...(options.port === undefined ? {} : { "api.port": options.port }),
          ...(options.host === undefined ? {} : { "api.host": options.host }),
        },
      }),
    );
}
