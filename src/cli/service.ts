import { AppError } from "../lib/errors.ts";
import type { CommonOptions } from "./options.ts";
import { say } from "./output.ts";
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
  const { openApp, startService } = await import("../app.ts");
  const signals = stopSignals();
  const app = await openApp({ ...options, makeToken: true });
  try {
    if (surface === "enabled" && !app.config.current.api.enabled) {
      throw new AppError("config_invalid", "The configuration enables no surface.", {
        hint: "Set api.enabled to true.",
      });
    }
    const service = await startService(app, VERSION);
    process.on("SIGHUP", () => void app.config.reload());
    greet(service.apiUrl, app);
    await signals.stopped;
    app.log.info("stopping");
    // Turns end while the server still answers those who wait for them.
    await Promise.race([Promise.all([app.agent.stop(STOP_DEADLINE_MS), service.stop()]), signals.forced]);
  } finally {
    await Promise.race([app.stop(0), signals.forced]);
  }
}

function greet(apiUrl: string, app: { madeToken: string | null; home: string }): void {
  say(`Hermes ${VERSION} answers at ${apiUrl}`);
  if (!app.madeToken) return;
  say(`API token, shown once and kept in ${app.home}/api-token:\n  ${app.madeToken}`);
  say(
    [
      "Try it:",
      `  curl ${apiUrl}/chat -H "Authorization: Bearer ${app.madeToken}" \\`,
      `    -H "Content-Type: application/json" -d '{"message": "Hello"}'`,
    ].join("\n"),
  );
}
