import { Command } from "commander";
import { AppError } from "../lib/errors.ts";
import { parsePort } from "./options.ts";
import { say } from "./output.ts";
import { stopSignals } from "./signals.ts";

const DEFAULT_PORT = 18799;

/** `hermes dev fake-llm`: the scripted model server for trials and tests; `hermes dev mcp-fixture`: what conformance tests call. */
export function devCommand(): Command {
  return new Command("dev")
    .description("tools for trying Hermes out and for developing it")
    .addCommand(
      new Command("fake-llm")
        .description("serve a scripted fake of an OpenAI-compatible model provider, on loopback only")
        .option(
          "--port <port>",
          `port to listen on, 0 for any free one (default: ${DEFAULT_PORT})`,
          parsePort,
        )
        .action(({ port = DEFAULT_PORT }: { port?: number }) => serveFake(port)),
    )
    .addCommand(
      new Command("mcp-fixture")
        .description("serve the fixture of the MCP conformance suite, on loopback only and without a key")
        .option("--port <port>", "port to listen on (default: any free one)", parsePort)
        .option("--stdio", "serve it on stdin and stdout instead")
        .action(async ({ port = 0, stdio }: { port?: number; stdio?: true }) => {
          const { serveFixture, serveFixtureStdio } = await import("./mcp-fixture.ts");
          await (stdio ? serveFixtureStdio() : serveFixture(port));
        }),
    );
}

async function serveFake(port: number): Promise<void> {
  const { startFakeLlm } = await import("../models/fake-llm/server.ts");
  const { stopped, forced } = stopSignals();
  const fake = startOn(port, startFakeLlm);
  say(`fake model at ${fake.url}: its answers are scripted, no AI is involved`);
  say(`models: ${fake.url}/models`);
  const address = port === DEFAULT_PORT ? "" : `, and in config.yaml providers.fake.base_url: "${fake.url}"`;
  say(`to use it: start Hermes with FAKE_LLM_API_KEY=fake${address}`);
  await stopped;
  await Promise.race([fake.stop(), forced]);
}

function startOn<T>(port: number, start: (options: { port: number }) => T): T {
  try {
    return start({ port });
  } catch (cause) {
    if ((cause as { code?: string }).code !== "EADDRINUSE") throw cause;
    throw new AppError("address_in_use", `Port ${port} is in use.`, {
      cause,
      hint: "Choose another one with --port, or stop the other program.",
    });
  }
}
