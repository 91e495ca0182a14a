import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Hermes } from "../../tests/support/hermes.ts";
import { KEYS, TOKENS } from "../../tests/support/server.ts";
import { proveAccess } from "./http-access.ts";
import { proveMutations } from "./http-mutations.ts";
import { proveSlowClients } from "./http-slow.ts";
import { proveUploads } from "./http-uploads.ts";
import { createVerdict, readCount } from "./verdict.ts";

/**
 * Proves that the REST API lets nobody in who may not, that no request breaks it, and that neither large bodies of
 * strangers nor slow clients hold up anybody.
 * Speaks only to a server that it has started itself, on loopback.
 *
 *   bun scripts/prove/http.ts [--short] [--requests 200000] [--slow 1000] [--uploads 200] [--seed 1] [--binary dist/hermes]
 */
const { values } = parseArgs({
  options: {
    requests: { type: "string" },
    slow: { type: "string" },
    uploads: { type: "string" },
    seed: { type: "string", default: "1" },
    binary: { type: "string" },
    short: { type: "boolean", default: false },
  },
});
const requests = readCount(values.requests ?? (values.short ? "5000" : "200000"), "requests");
const slow = readCount(values.slow ?? (values.short ? "100" : "1000"), "slow");
const uploads = readCount(values.uploads ?? (values.short ? "20" : "200"), "uploads");
const seed = readCount(values.seed, "seed");
if (values.binary !== undefined) process.env["HERMES_BINARY"] = values.binary;
// Imported only now, because it reads the variable when it is loaded.
const { startFakeLlm, startHermes, testConfig } = await import("../../tests/support/hermes.ts");

const verdict = createVerdict("the API keeps its doors, its feet and its pace");
const llm = await startFakeLlm();
const hermes = await startHermes({ config: config(llm.url) });
try {
  const target: HttpTarget = {
    url: hermes.service.url,
    port: Number(new URL(hermes.service.url).port),
    rssBytes: () => rssBytes(hermes),
  };
  await proveAccess(target, verdict);
  await proveMutations(target, { requests, seed }, verdict);
  await proveUploads(target, { connections: uploads }, verdict);
  await proveSlowClients(target, { connections: slow }, verdict);
  const alive = await fetch(`${target.url}/health`).then((answer) => answer.ok);
  if (!alive) verdict.violation("the server does not answer any more");
} finally {
  await hermes.remove();
  await llm.stop();
}
process.exitCode = verdict.exitCode();

/** The server under proof. */
export interface HttpTarget {
  url: string;
  port: number;
  rssBytes(): number;
}

function config(modelUrl: string): Record<string, unknown> {
  const base = testConfig(modelUrl, "hello");
  return {
    ...base,
    // Wrong keys come from made-up addresses: one address would be locked out after ten.
    network: { trusted_proxies: ["127.0.0.1/32"] },
    // The flood of events that nobody reads is a very long answer.
    agent: { max_tokens: 100_000_000 },
    api: { ...(base["api"] as object), auth: { token: TOKENS.owner, keys: KEYS } },
  };
}

function rssBytes({ service }: Hermes): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${service.pid}/status`, "utf8"));
  return Number(line?.[1]) * 1024;
}
