import type { KeptKey } from "../app/configuration.ts";
import { type App, openApp } from "../app/open.ts";
import { type Service, startService } from "../app/serve.ts";
import type { SurfaceName } from "../http/edge.ts";
import { toAppError } from "../lib/errors.ts";
import { announceEndpoint } from "./endpoint.ts";
import type { CommonOptions } from "./options.ts";
import { say, withProgress } from "./output.ts";
import { stopSignals } from "./signals.ts";
import { VERSION } from "./version.ts";

export interface ServiceOptions extends CommonOptions {
  /** One surface, whatever the configuration says; `enabled`: what the configuration enables. */
  surface: SurfaceName | "enabled";
  overrides: Readonly<Record<string, unknown>>;
}

/** Time for running turns at a stop; with the rest of the stop it stays under the 30 s that service managers allow. */
const STOP_DEADLINE_MS = 20_000;

/** Runs a service in the foreground until SIGINT or SIGTERM; SIGHUP reads the configuration again. */
export async function runService({ surface, ...options }: ServiceOptions): Promise<void> {
  const signals = stopSignals();
  const app = await withProgress("opening the database", openApp({ ...options, serve: surface }));
  process.on("SIGHUP", () => void reload(app));
  try {
    await serve(app, signals);
  } finally {
    await Promise.race([app.stop(0), signals.forced]);
  }
}

async function serve(app: App, { stopped, forced }: ReturnType<typeof stopSignals>): Promise<void> {
  const service = await startService(app, VERSION);
  const { store, log } = app;
  const endpoints = app.surfaces.map((surface) =>
    announceEndpoint(app.home, surface, { instance: store.instance, url: urlOf(service, surface) }, log),
  );
  greet(service, app);
  await stopped;
  log.info("stopping");
  for (const endpoint of endpoints) endpoint.remove();
  // Turns end while the server still answers those who wait for them.
  const turnsEnded = app.agent.stop(STOP_DEADLINE_MS);
  const done = Promise.all([turnsEnded, service.stop(turnsEnded)]);
  await Promise.race([withProgress("waiting for what still runs", done), forced]);
}

/** The log tells what a reload changed; whoever sent the signal also wants to know that there was nothing. */
async function reload({ config, log }: App): Promise<void> {
  const { ok, changed, waiting } = await config.reload();
  if (ok && changed.length + waiting.length === 0) log.info("The configuration has not changed.");
}

function greet(service: Service, app: App): void {
  const lines = app.surfaces.flatMap((surface) => {
    const url = urlOf(service, surface);
    const key = app.madeKeys.find((made) => made.surface === surface);
    return [`${NAMES[surface].greeting} ${url}`, ...(key ? linesAboutKey(key, url) : [])];
  });
  say([...lines, ...adviceOnModel(app)].join("\n"));
}

function urlOf({ urls }: Service, surface: SurfaceName): string {
  const url = urls[surface];
  if (url === undefined) throw new Error(`${surface} does not listen`);
  return url;
}

const NAMES: Readonly<Record<SurfaceName, { greeting: string; key: string; example: Example }>> = {
  api: {
    greeting: `Hermes ${VERSION} answers at`,
    key: "API token",
    example: (url, token) => [
      `  curl ${url}/chat -H "Authorization: Bearer ${token}" \\`,
      `    -H "Content-Type: application/json" -d '{"message": "Hello"}'`,
    ],
  },
  mcp: {
    greeting: `Hermes ${VERSION} serves MCP at`,
    key: "MCP key",
    example: (url, token) => [`  curl ${url}/tools -H "x-api-key: ${token}"`],
  },
};

type Example = (url: string, token: string) => string[];

function linesAboutKey({ surface, token, file, isNew }: KeptKey, url: string): string[] {
  const { key, example } = NAMES[surface];
  if (!isNew) return [`The ${key} is in ${file}.`];
  return [`${key}, shown once and kept in ${file}:`, `  ${token}`, "Try it:", ...example(url, token)];
}

/** Why no message could be answered yet, and what to do; nothing when there is a model. */
function adviceOnModel({ models }: App): string[] {
  try {
    models.defaultRef();
    return [];
  } catch (error) {
    const { message, hint } = toAppError(error);
    return [`warning: ${message}`, ...(hint ? [`hint: ${hint}`] : [])];
  }
}
