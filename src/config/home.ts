import { existsSync, mkdirSync, statSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { join, resolve } from "node:path";
import { AppError } from "../lib/errors.ts";

/** Values of variables: the environment, or the environment over `.env`. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** The directory with everything that is Hermes's: `HERMES_HOME`, otherwise `.hermes` in the user's home. Always whole. */
export function resolveHome(variables: Variables): string {
  const chosen = variables["HERMES_HOME"];
  if (chosen) return resolve(expandTilde(chosen, variables));
  return join(userHome(variables), ".hermes");
}

/** A path that may begin with `~/`, as in places where no shell has replaced it. */
export function expandTilde(path: string, variables: Variables): string {
  return path.startsWith("~/") ? join(userHome(variables), path.slice(2)) : path;
}

function userHome(variables: Variables): string {
  if (variables["HOME"]) return variables["HOME"];
  try {
    return userInfo().homedir;
  } catch {
    return homedir() || "/"; // a user id without an entry in the password file, as in some containers
  }
}

/** Makes the home when it is not there, for its owner only (0700). Raises `config_invalid` when it cannot. */
export function ensureHome(home: string): void {
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new AppError("config_invalid", `The directory ${home} cannot be made.`, {
      hint: "Set HERMES_HOME to a directory that this user can write to.",
      cause,
    });
  }
}

/** Where the database of a home is. */
export function databasePath(home: string): string {
  return join(home, "hermes.sqlite");
}

/** A warning when others than the owner may read the file; null when all is well or there is no such file. */
export function warnOfMode(file: string): string | null {
  const status = existsSync(file) ? statSync(file, { throwIfNoEntry: false }) : undefined;
  if (!status || (status.mode & 0o077) === 0) return null;
  return `${file} can be read by other users. Mend it: chmod 600 ${file}`;
}
