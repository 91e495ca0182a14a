import { statSync } from "node:fs";

/** Editors write in several steps; a change is told once a look finds the files as the look before left them. */
const LOOK_MS = 400;

export interface FileWatch {
  /** Watches these files from now on, and no others. They need not exist. */
  follow(files: readonly string[]): void;
  stop(): void;
}

/**
 * Calls back after a change of any of the files, or of what a symbolic link leads to. It looks at them from time to time: told by the
 * system, it would hear of every write to the database beside them, which costs more than all the looks. Does not keep the process
 * alive.
 */
export function watchFiles(onChange: () => void): FileWatch {
  let files: readonly string[] = [];
  let seen = "";
  let isChanged = false;

  const look = () => {
    const now = stateOf(files);
    if (now !== seen) {
      seen = now;
      isChanged = true;
    } else if (isChanged) {
      isChanged = false;
      onChange();
    }
  };
  const timer = setInterval(look, LOOK_MS);
  timer.unref();

  return {
    follow(next) {
      if (next.join("\0") === files.join("\0")) return; // what has changed since the last look is still to be told
      files = [...next];
      seen = stateOf(files);
    },
    stop: () => clearInterval(timer),
  };
}

/** Differs whenever a file was written, replaced, made or taken away. */
function stateOf(files: readonly string[]): string {
  return files.map(stampOf).join("\n");
}

function stampOf(file: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code); // not there (yet), or its directory cannot be searched
  }
}
