import { join } from "node:path";

/** The first argument with which Hermes starts itself as the guard of a command; see terminal/guard-process.ts. Not for users. */
export const GUARD_ARGUMENT = "@guard-command";

/** The first argument with which Hermes starts itself to read pages; see web/reading-process.ts. Not for users. */
export const READING_ARGUMENT = "@read-pages";

/** Hermes's own command line: the executable holds every file and so starts itself; from source it is `main.ts` that is started. */
export const SELF: readonly string[] = import.meta.dir.startsWith("/$bunfs/")
  ? [process.execPath]
  : [process.execPath, join(import.meta.dir, "../main.ts")];
