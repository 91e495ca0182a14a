import { Command } from "commander";
import { parsePort } from "./options.ts";
import { say } from "./output.ts";
import { untilStopped } from "./signals.ts";

const DEFAULT_PORT = 18799;

/** `hermes dev fake-llm`: the scripted model server for trials and tests. */
export function devCommand(): Command {
  return new Command("dev").description("tools for trying Hermes out and for developing it").addCommand(
    new Command("fake-llm")
      .description("serve a scripted fake of an OpenAI-compatible model provider, on loopback only")
      .option("--port <port>", `port to listen on, 0 for any free one (default: ${DEFAULT_PORT})`, parsePort)
      .action(async (options: { port?: number }) => {
        const { startFakeLlm } = await import("../models/fake-llm/server.ts");
        const fake = startFakeLlm({ port: options.port ?? DEFAULT_PORT });
        say(`fake model at ${fake.url}: its answers are scripted, no AI is involved`);
        say(`models: ${fake.url}/models`);
        await untilStopped();
        await fake.stop();
      }),
  );
}
