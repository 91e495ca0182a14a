import { AppError } from "./errors.ts";

const SHOWN_PATH_CHARS = 200;

/** Runs file calls; what they throw becomes an `AppError` that shows only the path that was asked for. */
export function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw fileError(error, path);
  }
}

/** The error of a file call, worded for whoever asked for the path. */
export function fileError(error: unknown, path: string): AppError {
  if (error instanceof AppError) return error;
  const code = codeOf(error);
  const cause = { cause: error };
  switch (code) {
    case "ENOENT":
      return notFound(path, error);
    case "ENOTDIR":
      return notDirectory(path, error);
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new AppError("forbidden", `The system does not let Hermes use ${shown(path)}.`, cause);
    case "ENAMETOOLONG":
      return new AppError("bad_request", `${shown(path)} is too long for a path.`, cause);
    case "ELOOP":
      return new AppError("conflict", `${shown(path)} was changed meanwhile.`, {
        hint: "Try again.",
        ...cause,
      });
    case "ENOSPC":
    case "EDQUOT":
      return new AppError("store_unavailable", `The disk is full; ${shown(path)} is as it was.`, cause);
    default:
      return new AppError("internal", `${shown(path)} cannot be used (${code ?? "unknown error"}).`, cause);
  }
}

/** A path for a message: as it was asked for, in quotes, not too long. */
export function shown(path: string): string {
  return JSON.stringify(path.length > SHOWN_PATH_CHARS ? `${path.slice(0, SHOWN_PATH_CHARS)}...` : path);
}

/** The path leads out of its root. */
export function outside(path: string): AppError {
  return new AppError("forbidden", `${shown(path)} leads out of what may be used.`, {
    hint: "Use a path below one of the root directories.",
  });
}

/** There is nothing at the path. */
export function notFound(path: string, cause?: unknown): AppError {
  return new AppError("not_found", `There is no ${shown(path)}.`, { cause });
}

/** The path is of a directory, where a file is wanted. */
export function notFile(path: string): AppError {
  return new AppError("bad_request", `${shown(path)} is a directory.`, { hint: "Name a file in it." });
}

/** The path is of something else, where a directory is wanted. */
export function notDirectory(path: string, cause?: unknown): AppError {
  return new AppError("bad_request", `${shown(path)} is a file, or leads through one, and not a directory.`, {
    cause,
  });
}

/** The code of a system error, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
