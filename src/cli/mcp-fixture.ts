import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openApp } from "../app/open.ts";
import { startService } from "../app/serve.ts";
import { createFixtureFeatures } from "../mcp/fixture/features.ts";
import { say } from "./output.ts";
import { stopSignals } from "./signals.ts";
import { VERSION } from "./version.ts";

/** No test reaches it. */
const NO_LIMIT = 1_000_000;

/**
 * Serves what the scenarios of the MCP conformance suite call, through the HTTP server and the MCP wiring that serve Hermes's
 * own tools. Reads no configuration and keeps nothing.
 */
export async function serveFixture(port: number): Promise<void> {
  const { stopped, forced } = stopSignals();
  const home = mkdtempSync(join(tmpdir(), "hermes-fixture-"));
  try {
    const app = await openApp({
      home,
      serve: "mcp",
      logLevel: "warn",
      overrides: {
        "mcp.port": port,
        "mcp.auth.type": "none",
        "mcp.rate_limit.requests_per_minute": NO_LIMIT,
      },
    });
    const service = await startService(app, VERSION, createFixtureFeatures(app.log));
    say(
      `MCP fixture at ${service.urls.mcp}/mcp: for conformance tests only. It asks for no key and does nothing.`,
    );
    await stopped;
    await Promise.race([service.stop(Promise.resolve()).then(() => app.stop(0)), forced]);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** The same fixture on stdin and stdout, through the wiring of `hermes mcp`. */
export async function serveFixtureStdio(): Promise<void> {
  const { stopped } = stopSignals();
  const home = mkdtempSync(join(tmpdir(), "hermes-fixture-"));
  const ending = new AbortController();
  void stopped.then(() => ending.abort());
  try {
    const [app, { serveMcpStdio }, { stdioCaller }] = await Promise.all([
      openApp({ home, logLevel: "warn" }),
      import("../mcp/stdio.ts"),
      import("../mcp/stdio-caller.ts"),
    ]);
    const caller = stdioCaller(app.config.current, null);
    await serveMcpStdio({
      features: createFixtureFeatures(app.log),
      config: app.config,
      caller: () => caller,
      version: VERSION,
      input: process.stdin,
      output: process.stdout,
      signal: ending.signal,
      log: app.log,
    });
    await app.stop(0);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
