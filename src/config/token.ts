import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { AppError } from "../lib/errors.ts";
import { ensureHome } from "./home.ts";
import type { Config } from "./schema.ts";

const TOKEN_BYTES = 32; // 256 bits
const WHOLE_TOKEN = /^[A-Za-z0-9_-]{43}$/;

/** The file in the home that keeps the token Hermes made. */
export function apiTokenFile(home: string): string {
  return join(home, "api-token");
}

/** True when the configuration leaves the REST API's token to Hermes. */
export function needsApiToken(config: Config): boolean {
  const { type, token, keys } = config.api.auth;
  return type === "bearer_token" && token === undefined && keys.length === 0;
}

/** The token that was made at an earlier start, or null. Raises `config_invalid` when its file is damaged. */
export function readApiToken(home: string): string | null {
  const file = apiTokenFile(home);
  const text = readIfThere(file)?.trim();
  if (text === undefined) return null;
  if (WHOLE_TOKEN.test(text)) return text;
  throw new AppError("config_invalid", `${file} holds no token.`, {
    hint: "Remove it, and Hermes makes a new one.",
  });
}

/**
 * The owner's token of the REST API, made at the first call: 256 random bits, kept in `api-token` (0600). Of several
 * processes that come first at the same time one makes it and all get the same. `made` says that this call made it.
 */
export function ensureApiToken(home: string): { token: string; made: boolean } {
  const kept = readApiToken(home);
  const file = apiTokenFile(home);
  if (kept !== null) return { token: kept, made: false };
  ensureHome(home);
  const token = randomBytes(TOKEN_BYTES).toString("base64url");
  const draft = `${file}.${randomBytes(8).toString("hex")}`;
  try {
    writeDurably(draft, `${token}\n`);
    // A link appears whole or not at all, and never in place of another: the first one wins.
    linkSync(draft, file);
    return { token, made: true };
  } catch (error) {
    const winner = readApiToken(home);
    if (winner !== null) return { token: winner, made: false };
    throw new AppError("config_invalid", `${file} cannot be written.`, {
      hint: "Make its directory writable, or set api.auth.token.",
      cause: error,
    });
  } finally {
    if (existsSync(draft)) rmSync(draft); // on a read-only file system the removal of nothing would be an error too
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (
      (error as NodeJS.ErrnoException).code === "ENOENT" ||
      (error as NodeJS.ErrnoException).code === "ENOTDIR"
    )
      return undefined;
    throw new AppError("config_invalid", `${file} cannot be read.`, {
      hint: "Give it to the user that Hermes runs as.",
      cause: error,
    });
  }
}

function writeDurably(file: string, text: string): void {
  const descriptor = openSync(file, "wx", 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
