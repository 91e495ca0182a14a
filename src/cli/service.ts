import type { ServeOptions } from "../app/configuration.ts";
import { type App, openApp } from "../app/open.ts";
import { startService } from "../app/serve.ts";
import { announceEndpoint } from "./endpoint.ts";
import { greeting } from "./greeting.ts";
import { say, withProgress } from "./output.ts";
import { stopSignals } from "./signals.ts";
import { VERSION } from "./version.ts";

/** Time for running turns at a stop; with the rest of the stop it stays under the 30 s that service managers allow. */
const STOP_DEADLINE_MS = 20_000;

/**
 * Runs a service in the foreground until SIGINT or SIGTERM, or until there is nothing left to do, which it raises; SIGHUP reads
 * the configuration again.
 */
export async function runService(options: ServeOptions): Promise<void> {
  const signals = stopSignals();
  const app = await withProgress("opening the database", openApp(options));
  process.on("SIGHUP", () => void reload(app));
  try {
    await serve(app, signals);
  } finally {
    await Promise.race([app.stop(0), signals.forced]);
  }
}

async function serve(app: App, { stopped, forced }: ReturnType<typeof stopSignals>): Promise<void> {
  const service = await startService(app, VERSION);
  const { home, store, log } = app;
  const endpoints = app.surfaces.flatMap((surface) => {
    const url = service.urls[surface];
    return url === undefined ? [] : [announceEndpoint(home, surface, { instance: store.instance, url }, log)];
  });
  say((await greeting(app, service)).join("\n"));
  const reason = await Promise.race([stopped, service.over]);
  log.info("stopping");
  for (const endpoint of endpoints) endpoint.remove();
  // Turns end while the server still answers those who wait for them.
  const turnsEnded = app.agent.stop(STOP_DEADLINE_MS);
  const done = Promise.all([turnsEnded, service.stop(turnsEnded)]);
  await Promise.race([withProgress("waiting for what still runs", done), forced]);
  if (reason) throw reason;
}

/** The log tells what a reload changed; whoever sent the signal also wants to know that there was nothing. */
async function reload({ config, log }: App): Promise<void> {
  const { ok, changed, waiting } = await config.reload();
  if (ok && changed.length + waiting.length === 0) log.info("The configuration has not changed.");
}
