/**
 * The second half of `scripts/start`: runs `hermes api` from dist in the foreground and says how to talk to it. Without
 * any provider it runs the shipped fake model beside it.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PROVIDER_PRESETS } from "../src/config/providers.ts";
import type { Config } from "../src/config/schema.ts";
import { ensureMadeKey, MADE_KEYS, readMadeKey } from "../src/config/token.ts";

const HERMES = join(import.meta.dir, "../dist/hermes");
const POLL_MS = 20;
const START_TIMEOUT_MS = 15_000;

const flags = process.argv.slice(2);
const { values } = parseArgs({
  args: flags,
  strict: false,
  options: {
    config: { type: "string" },
    port: { type: "string" },
    host: { type: "string" },
    help: { type: "boolean", short: "h" },
  },
});
const children: ChildProcess[] = [];

// The terminal sends Ctrl-C to Hermes and the fake model as well; this process only waits for Hermes to end.
process.on("SIGINT", () => undefined);
for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => children[0]?.kill(signal));

if (values.help) process.exit(spawnSync(HERMES, ["api", ...flags], { stdio: "inherit" }).status ?? 1);
process.exit(await main());

async function main(): Promise<number> {
  const config = ask<Config>("config", "show");
  const { home } = ask<{ home: string }>("config", "check");
  const token = madeToken(home, config);
  const needsFake = Object.keys(config.providers).length === 0 && config.model.default === undefined;
  const url = `http://${address(config)}`;
  const taken = await answers(`${url}/health`); // by another Hermes: this one will say so and end
  const hermes = run(["api", ...flags], needsFake ? { FAKE_LLM_API_KEY: "fake" } : {});
  const ended = new Promise<number>((resolve) => {
    hermes.on("exit", (code) => resolve(code ?? 1));
  });
  const fake = needsFake ? await startFake() : null;
  if (!taken && values.port !== "0" && (await comesUp(`${url}/health`, hermes)))
    console.log(welcome(url, home, config, token, needsFake));
  const code = await ended;
  fake?.kill();
  return code;
}

/** The token that Hermes makes for whoever configures none. Null for one of the configuration: its writer knows it. */
function madeToken(home: string, config: Config): string | null {
  if (MADE_KEYS.api.isWanted(config)) return ensureMadeKey(home, MADE_KEYS.api).token;
  const { source } = ask<{ source?: { kind: string } }>("config", "explain", "api.auth.token");
  return source?.kind === "api-token" ? readMadeKey(home, MADE_KEYS.api) : null;
}

/** What a reading command of Hermes says, as data. Ends with its exit code when it cannot say it. */
function ask<T>(...command: string[]): T {
  const options = typeof values.config === "string" ? ["--config", values.config] : [];
  const answer = spawnSync(HERMES, [...command, "--json", ...options], {
    stdio: ["ignore", "pipe", "inherit"],
    encoding: "utf8",
  });
  if (answer.status !== 0) process.exit(answer.status ?? 1);
  return JSON.parse(answer.stdout);
}

function run(command: string[], environment: Record<string, string>): ChildProcess {
  const child = spawn(HERMES, command, { stdio: "inherit", env: { ...process.env, ...environment } });
  children.push(child);
  return child;
}

/** The fake model, or null when one of another start serves already. */
async function startFake(): Promise<ChildProcess | null> {
  const models = `${PROVIDER_PRESETS["fake"]?.baseUrl}/models`;
  if (await answers(models)) return null;
  const fake = run(["dev", "fake-llm"], {});
  await comesUp(models, fake);
  return fake;
}

function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    (answer) => answer.ok,
    () => false,
  );
}

/** Waits until a child answers at the URL. False when it ended before that. */
async function comesUp(url: string, child: ChildProcess): Promise<boolean> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && child.exitCode === null && child.signalCode === null) {
    if (await answers(url)) return true;
    await Bun.sleep(POLL_MS);
  }
  return false;
}

function address(config: Config): string {
  const host = typeof values.host === "string" ? values.host : config.api.host;
  const reached = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `${reached.includes(":") ? `[${reached}]` : reached}:${values.port ?? config.api.port}`;
}

function welcome(url: string, home: string, config: Config, made: string | null, fake: boolean): string {
  const token = config.api.auth.type === "none" ? null : (made ?? "YOUR-TOKEN-FROM-THE-CONFIGURATION");
  const api = `${url}${config.api.base_path}`;
  const header = token === null ? "" : ` -H 'Authorization: Bearer ${token}'`;
  const lines = [
    "",
    `Hermes answers at ${api}   (reference: ${url}/swagger)`,
    ...(token === null ? [] : [`Token: ${token}`]),
    "Try it:",
    `  curl ${api}/chat${header} -H 'Content-Type: application/json' -d '{"message": "Hello"}'`,
  ];
  if (fake)
    lines.push(
      "",
      "No provider key was found, so the answers come from a FAKE model with scripted answers; no AI is involved.",
      `For real ones set a key and start again, for example: export OPENROUTER_API_KEY=...`,
      `or write it into ${join(home, ".env")} or ${join(home, "config.yaml")}.`,
    );
  return [...lines, "", "Ctrl-C stops Hermes.", ""].join("\n");
}
