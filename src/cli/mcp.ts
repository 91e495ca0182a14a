import { Command, InvalidArgumentError } from "commander";
import { AppError } from "../lib/errors.ts";
import {
  type CommonOptions,
  parsePort,
  withConfigOption,
  withJsonOption,
  withLogLevelOption,
} from "./options.ts";

interface McpOptions extends CommonOptions {
  transport: "stdio" | "http";
  host?: string;
  port?: number;
}

/** `hermes mcp`: the MCP server on stdin and stdout, or over HTTP; `hermes mcp tools` lists what it serves. */
export function mcpCommand(): Command {
  return withLogLevelOption(withConfigOption(new Command("mcp")))
    .description("serve MCP to the program that started this one, or over HTTP")
    .option("--transport <kind>", "stdio or http", parseTransport, "stdio")
    .option("--port <port>", "with http: port to listen on, 0 for any free one (default: 18790)", parsePort)
    .option("--host <address>", "with http: address to listen on (default: 127.0.0.1)")
    .action(async ({ transport, host, port, ...options }: McpOptions) => {
      if (transport === "http") return serveHttp(options, host, port);
      if (host !== undefined || port !== undefined)
        throw new AppError("usage", "--port and --host go with --transport http.");
      const { runMcpStdio } = await import("./mcp-stdio.ts");
      await runMcpStdio(options);
    })
    .addCommand(
      withJsonOption(withConfigOption(new Command("tools")))
        .description("list the tools that MCP serves to the owner")
        .action(async (options: CommonOptions & { json?: true }) => {
          const { printTools } = await import("./mcp-tools.ts");
          await printTools(options);
        }),
    );
}

async function serveHttp(options: CommonOptions, host?: string, port?: number): Promise<void> {
  const { runService } = await import("./service.ts");
  await runService({
    ...options,
    serve: "mcp",
    overrides: {
      ...(port === undefined ? {} : { "mcp.port": port }),
      ...(host === undefined ? {} : { "mcp.host": host }),
    },
  });
}

function parseTransport(text: string): McpOptions["transport"] {
  if (text === "stdio" || text === "http") return text;
  throw new InvalidArgumentError("It must be stdio or http.");
}
