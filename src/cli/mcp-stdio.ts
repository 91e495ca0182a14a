import { mcpFeatures } from "../app/mcp-features.ts";
import { openApp } from "../app/open.ts";
import { compileFor } from "../lib/compiling.ts";
import { stdioCaller } from "../mcp/stdio-caller.ts";
import type { CommonOptions } from "./options.ts";
import { stopSignals } from "./signals.ts";
import { VERSION } from "./version.ts";

/**
 * Serves MCP on stdin and stdout until the client closes them, or SIGINT or SIGTERM. Prints nothing: stdout belongs to the
 * protocol. Opens no port, makes no key, and takes no turn over from other processes.
 */
export async function runMcpStdio(options: CommonOptions): Promise<void> {
  const { stopped, forced } = stopSignals();
  const serving = import("../mcp/stdio.ts"); // loads while the database is opened
  const app = await openApp(options);
  const { config, apiKey, log } = app;
  app.outbound.start();
  const ending = new AbortController();
  void stopped.then(() => ending.abort());
  try {
    let caller = stdioCaller(config.current, apiKey);
    config.onChange((changed) => {
      try {
        caller = stdioCaller(changed, apiKey);
      } catch (error) {
        log.error("the key of this MCP connection is not valid any more", { error });
        ending.abort();
      }
    });
    const { serveMcpStdio } = await serving;
    compileFor("serving");
    await serveMcpStdio({
      features: await mcpFeatures(app),
      config,
      caller: () => caller,
      version: VERSION,
      input: process.stdin,
      output: process.stdout,
      signal: ending.signal,
      log,
    });
  } finally {
    await Promise.race([app.stop(0), forced]);
  }
}
