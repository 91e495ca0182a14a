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

/** A key that Hermes makes at the first start that wants one, where the configuration has none. */
export interface MadeKey {
  surface: "api" | "mcp";
  /** The name of its file in the home. */
  file: "api-token" | "mcp-key";
  /** Where it stands in the configuration once it is made. */
  key: "api.auth.token" | "mcp.auth.api_keys";
  /** True when the configuration leaves the key to Hermes. */
  isWanted(config: Config): boolean;
  put(config: Config, token: string): void;
}

export const MADE_KEYS: Readonly<Record<MadeKey["surface"], MadeKey>> = {
  api: {
    surface: "api",
    file: "api-token",
    key: "api.auth.token",
    isWanted: ({ api: { auth } }) =>
      auth.type === "bearer_token" && auth.token === undefined && auth.keys.length === 0,
    put({ api }, token) {
      api.auth.token = token;
    },
  },
  mcp: {
    surface: "mcp",
    file: "mcp-key",
    key: "mcp.auth.api_keys",
    isWanted: ({ mcp: { auth } }) =>
      auth.type === "api_key" && auth.api_keys.length === 0 && auth.keys.length === 0,
    put({ mcp }, token) {
      mcp.auth.api_keys = [token];
    },
  },
};

/** Where the key is kept. */
export function madeKeyFile(home: string, { file }: MadeKey): string {
  return join(home, file);
}

/** The key that was made at an earlier start, or null. Raises `config_invalid` when its file is damaged. */
export function readMadeKey(home: string, made: MadeKey): string | null {
  const file = madeKeyFile(home, made);
  const text = readIfThere(file)?.trim();
  if (text === undefined) return null;
  if (WHOLE_TOKEN.test(text)) return text;
  throw new AppError("config_invalid", `${file} holds no token.`, {
    hint: "Remove it, and Hermes makes a new one.",
  });
}

/**
 * The owner's key, made at the first call: 256 random bits, kept in the home (0600). Of several processes that come
 * first at the same time one makes it and all get the same. `isNew` says that this call made it.
 */
export function ensureMadeKey(home: string, made: MadeKey): { token: string; isNew: boolean } {
  const kept = readMadeKey(home, made);
  const file = madeKeyFile(home, made);
  if (kept !== null) return { token: kept, isNew: false };
  ensureHome(home);
  const token = randomBytes(TOKEN_BYTES).toString("base64url");
  const draft = `${file}.${randomBytes(8).toString("hex")}`;
  try {
    writeDurably(draft, `${token}\n`);
    // A link appears whole or not at all, and never in place of another: the first one wins.
    linkSync(draft, file);
    return { token, isNew: true };
  } catch (error) {
    const winner = readMadeKey(home, made);
    if (winner !== null) return { token: winner, isNew: false };
    throw new AppError("config_invalid", `${file} cannot be written.`, {
      hint: `Make its directory writable, or set ${made.key}.`,
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
