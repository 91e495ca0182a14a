import { isDeepStrictEqual } from "node:util";
import { AppError, toAppError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { checkConfig } from "./check.ts";
import type { LiveConfig } from "./live.ts";
import type { LoadedConfig } from "./load.ts";
import { formatPath, getAt, type Path, setAt } from "./path.ts";
import { type Config, ConfigSchema } from "./schema.ts";
import { isLeaf, walkConfig, walkSchema } from "./walk.ts";
import { watchFiles } from "./watch-files.ts";

/** The keys that a running listener cannot change. */
const RESTART_KEYS: readonly Path[] = [...walkSchema(ConfigSchema)]
  .filter(({ node }) => node.restart)
  .map(({ path }) => path);

export interface WatchOptions {
  log: Log;
  /** Loads the configuration again, from the same places as the first time. */
  reload: () => LoadedConfig;
}

export interface Reloaded {
  /** False when the configuration could not be used: the one before stays in force, and the log says why. */
  ok: boolean;
  /** The keys whose change is now in force. */
  changed: string[];
  /** The keys whose change waits for the next start. */
  waiting: string[];
}

export interface ConfigWatch extends LiveConfig {
  /** Reads everything again and takes the changes over. Never rejects. */
  reload(): Promise<Reloaded>;
  /** Ends the watching of files. */
  stop(): void;
}

/**
 * Keeps the configuration in force up to date: reads it again when one of its files changes, and at `reload`. A
 * configuration with a problem, or whose file is gone, changes nothing. Keys of a listener keep their value until the
 * next start.
 */
export function watchConfig(loaded: LoadedConfig, { log, reload: load }: WatchOptions): ConfigWatch {
  const listeners = new Set<(config: Config) => void>();
  let current = loaded.config;
  let latest = loaded;

  const reload = async (): Promise<Reloaded> => {
    try {
      const next = load();
      refuseLoss(latest, next);
      for (const warning of next.warnings) if (!latest.warnings.includes(warning)) log.warn(warning);
      const { config, waiting } = keepUntilRestart(current, next.config);
      latest = next;
      files.follow(next.watched);
      if (waiting.length > 0) log.warn(`A change of ${waiting.join(", ")} takes effect at the next start.`);
      const changed = changedKeys(current, config);
      if (changed.length > 0) {
        current = config;
        log.info("The configuration has changed.", { keys: changed });
        notify();
      }
      return { ok: true, changed, waiting };
    } catch (error) {
      const { message, hint, cause } = toAppError(error);
      log.error(`The configuration in force stays as it is. ${message}`, {
        ...(hint && { hint }),
        ...(cause ? { cause } : {}),
      });
      return { ok: false, changed: [], waiting: [] };
    }
  };
  const notify = () => {
    for (const listener of listeners)
      try {
        listener(current);
      } catch (error) {
        log.error("A part of Hermes failed to take the new configuration over.", { error });
      }
  };
  const files = watchFiles(() => void reload());
  files.follow(loaded.watched);

  return {
    get current() {
      return current;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    reload,
    stop: files.stop,
  };
}

/** A file that goes away is a slip or an editor at work: its keys and tokens shall not give way to the defaults. */
function refuseLoss(before: LoadedConfig, { file }: LoadedConfig): void {
  if (before.file === null || file !== null) return;
  throw new AppError("config_invalid", `${before.file} is no longer there.`, {
    hint: "Put it back. To go on without it, restart Hermes.",
  });
}

/**
 * The next configuration with the values that only a start can change as they are now. Both together must be valid:
 * `auth.type: none` with a new `host` of loopback would otherwise open the old host to everybody.
 */
function keepUntilRestart(current: Config, next: Config): { config: Config; waiting: string[] } {
  const waiting = RESTART_KEYS.filter((path) => !isDeepStrictEqual(getAt(current, path), getAt(next, path)));
  if (waiting.length === 0) return { config: next, waiting: [] };
  const config = structuredClone(next);
  for (const path of waiting) setAt(config, path, getAt(current, path));
  const names = waiting.map(formatPath);
  const problems = checkConfig(config).faults.map(({ message }) => message);
  if (problems.length === 0) return { config, waiting: names };
  throw new AppError(
    "config_invalid",
    `Until a restart changes ${names.join(", ")}: ${problems.join("; ")}`,
    {
      hint: "Restart Hermes to take all of it over.",
    },
  );
}

function changedKeys(before: Config, after: Config): string[] {
  const keys = new Set<string>();
  for (const config of [before, after])
    for (const { path, node } of walkConfig(ConfigSchema, config))
      if (isLeaf(node) && !isDeepStrictEqual(getAt(before, path), getAt(after, path)))
        keys.add(formatPath(path));
  return [...keys];
}
