import { type FSWatcher, realpathSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { Log } from "../lib/log.ts";

/** Editors write in several steps; a change is told once the files have been quiet for this long. */
const QUIET_MS = 100;

export interface FileWatch {
  /** Watches these files from now on, and no others. They need not exist. */
  follow(files: readonly string[]): void;
  stop(): void;
}

/**
 * Calls back after a change of any of the files. It watches their directories, because editors put a new file in the
 * old one's place, and the directories that symbolic links lead to. Does not keep the process alive.
 */
export function watchFiles(onChange: () => void, log: Log): FileWatch {
  const watchers = new Map<string, FSWatcher>();
  let names = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const changed = (name: string | null) => {
    // Mounted secrets are links into a directory `..data`, which is the only thing that changes.
    if (name !== null && !names.has(name) && !name.startsWith("..")) return;
    clearTimeout(timer);
    timer = setTimeout(onChange, QUIET_MS);
    timer.unref();
  };
  const open = (directory: string) => {
    try {
      const watcher = watch(directory, { persistent: false }, (_event, name) => changed(name));
      watcher.on("error", (error) => log.warn(`${directory} is no longer watched for changes.`, { error }));
      watchers.set(directory, watcher);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      log.warn(`${directory} cannot be watched for changes; send SIGHUP after one.`, { error });
    }
  };
  const close = (directory: string) => {
    watchers.get(directory)?.close();
    watchers.delete(directory);
  };

  return {
    follow(files) {
      const all = files.flatMap((file) => [file, realPathOf(file)]);
      names = new Set(all.map((file) => basename(file)));
      const directories = new Set(all.map((file) => dirname(file)));
      for (const directory of watchers.keys()) if (!directories.has(directory)) close(directory);
      for (const directory of directories) if (!watchers.has(directory)) open(directory);
    },
    stop() {
      clearTimeout(timer);
      for (const directory of [...watchers.keys()]) close(directory);
    },
  };
}

function realPathOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file; // not there (yet), or its directory cannot be searched: its own name is all there is
  }
}
