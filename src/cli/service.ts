import { type App, openApp, startService } from "../app.ts";
import { AppError, toAppError } from "../lib/errors.ts";
import { announceEndpoint } from "./endpoint.ts";
import type { CommonOptions } from "./options.ts";
import { say, withProgress } from "./output.ts";
import { stopSignals } from "./signals.ts";
import { VERSION } from "./version.ts";

export interface ServiceOptions extends CommonOptions {
  /** `api`: the REST API, whatever the configuration says; `enabled`: what the configuration enables. */
  surface: "api" | "enabled";
  overrides: Readonly<Record<string, unknown>>;
}

/** Time for running turns at a stop; with the rest of the stop it stays under the 30 s that service managers allow. */
const STOP_DEADLINE_MS = 20_000;

/** Runs a service in the foreground until SIGINT or SIGTERM; SIGHUP reads the configuration again. */
export async function runService({ surface, ...options }: ServiceOptions): Promise<void> {
  const signals = stopSignals();
  const app = await withProgress("opening the database", openApp({ ...options, makeToken: true }));
  process.on("SIGHUP", () => void reload(app));
  try {
    if (surface === "enabled") requireSurface(app);
    await serve(app, signals);
  } finally {
    await Promise.race([app.stop(0), signals.forced]);
  }
}

async function serve(app: App, { stopped, forced }: ReturnType<typeof stopSignals>): Promise<void> {
  const service = await startService(app, VERSION);
  const { store, log } = app;
  const endpoint = announceEndpoint(app.home, { instance: store.instance, url: service.apiUrl }, log);
  greet(service.apiUrl, app);
  await stopped;
  log.info("stopping");
  endpoint.remove();
  // Turns end while the server still answers those who wait for them.
  const turnsEnded = app.agent.stop(STOP_DEADLINE_MS);
  const done = Promise.all([turnsEnded, service.stop(turnsEnded)]);
  await Promise.race([withProgress("waiting for what still runs", done), forced]);
}

function requireSurface({ config }: App): void {
  if (config.current.api.enabled) return;
  throw new AppError("config_invalid", "The configuration enables no surface.", {
    hint: "Set api.enabled to true.",
  });
}

/** The log tells what a reload changed; whoever sent the signal also wants to know that there was nothing. */
async function reload({ config, log }: App): Promise<void> {
  const { ok, changed, waiting } = await config.reload();
  if (ok && changed.length + waiting.length === 0) log.info("The configuration has not changed.");
}

function greet(apiUrl: string, app: App): void {
  const { madeToken, tokenFile } = app;
  const lines = [`Hermes ${VERSION} answers at ${apiUrl}`];
  if (madeToken !== null)
    lines.push(
      `API token, shown once and kept in ${tokenFile}:`,
      `  ${madeToken}`,
      "Try it:",
      `  curl ${apiUrl}/chat -H "Authorization: Bearer ${madeToken}" \\`,
      `    -H "Content-Type: application/json" -d '{"message": "Hello"}'`,
    );
  else if (tokenFile !== null) lines.push(`The API token is in ${tokenFile}.`);
  say([...lines, ...adviceOnModel(app)].join("\n"));
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
