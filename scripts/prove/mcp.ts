// Proves that the MCP server keeps clients apart, loses no write, forgets sessions that are given up, writes nothing but the
// protocol, ends what is cancelled, and serves the same tools at every door.
//
//   bun scripts/prove/mcp.ts [--short] [--only isolation|writers|sessions|stdout|cancel|doors|clients]...
import { parseArgs } from "node:util";
import { onCompiledHermes } from "./compiled.ts";
import { proveCancel } from "./mcp-cancel.ts";
import { proveClients } from "./mcp-clients.ts";
import { proveDoors } from "./mcp-doors.ts";
import { proveIsolation } from "./mcp-isolation.ts";
import { proveSessions } from "./mcp-sessions.ts";
import { proveStdout } from "./mcp-stdout.ts";
import type { Part } from "./mcp-world.ts";
import { proveWriters } from "./mcp-writers.ts";
import { createVerdict } from "./verdict.ts";

const PARTS: Readonly<Record<string, (part: Part) => Promise<void>>> = {
  isolation: proveIsolation,
  writers: proveWriters,
  sessions: proveSessions,
  stdout: proveStdout,
  cancel: proveCancel,
  doors: proveDoors,
  clients: proveClients,
};

const { values: options } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: Object.keys(PARTS) },
  },
});

async function prove(): Promise<number> {
  const verdict = createVerdict("MCP keeps clients apart, loses nothing, and says nothing but the protocol");
  for (const name of options.only) {
    const part = PARTS[name];
    if (part === undefined)
      throw new Error(`no such part: ${name}; there are ${Object.keys(PARTS).join(", ")}`);
    await part({ verdict, short: options.short });
  }
  return verdict.exitCode();
}

process.exit((await onCompiledHermes()) ?? (await prove()));
