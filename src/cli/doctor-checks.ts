import { constants, existsSync, readdirSync, statSync } from "node:fs";
import { access, mkdtemp, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { receivesByWebhook } from "../app/accounts.ts";
import { enabledAccounts } from "../config/accounts.ts";
import { databasePath, warnOfMode } from "../config/home.ts";
import { homeDirectory, type LoadedConfig, loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { AppError } from "../lib/errors.ts";
import { reachableHost } from "../lib/host.ts";
import type { Log } from "../lib/log.ts";
import { livingInstances } from "../store/instances.ts";
import type { SandboxStatus } from "../tools/terminal/contract.ts";
import { findSandbox, sandboxName } from "../tools/terminal/sandbox.ts";
import type { DoctorCheck } from "./doctor-check.ts";
import { checkPlatforms } from "./doctor-platforms.ts";

const MIB = 1024 * 1024;
const SCARCE_BYTES = 1024 * MIB;
const TOO_LITTLE_BYTES = 100 * MIB;

/** Looks at everything, also when the configuration is broken and when there is no database. Never rejects for what it finds. */
export async function examine(file: string | undefined): Promise<DoctorCheck[]> {
  const { config, home, check } = readConfig(file);
  return [
    await checkHome(home),
    check,
    await checkDatabase(home),
    ...(check.status === "problem" ? [] : [await checkModel(config)]),
    ...(await checkPlatforms(config, home, SILENT)),
    ...(await checkPorts(config, home)),
    ...(await checkRoots(config, home)),
    ...(await checkSandbox(config)),
    await checkDisk(home),
  ];
}

/** A configuration that cannot be used stands back behind the defaults, so that the other checks can be made. */
function readConfig(
  file: string | undefined,
): Pick<LoadedConfig, "config" | "home"> & { check: DoctorCheck } {
  const name = "configuration";
  try {
    const loaded = loadConfig(file === undefined ? {} : { file });
    const message = loaded.file === null ? "no file, the defaults are in force" : `${loaded.file} is valid`;
    const { warnings } = loaded;
    const check: DoctorCheck =
      warnings.length === 0
        ? { name, status: "ok", message }
        : { name, status: "warning", message: `${message}, but: ${warnings.join(" ")}` };
    return { ...loaded, check };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const home = homeDirectory();
    const { config } = loadConfig({ home: join(home, "nothing-here"), env: {} });
    const hint = error.hint ?? "Mend it; `hermes config explain KEY` says what a key takes.";
    return { config, home, check: { name, status: "problem", message: error.message, hint } };
  }
}

async function checkHome(home: string): Promise<DoctorCheck> {
  const name = "home";
  if (!existsSync(home)) return { name, status: "ok", message: `${home} is made at the first start` };
  try {
    await access(home, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    const hint = "Give it to the user of Hermes, or set HERMES_HOME.";
    return { name, status: "problem", message: `${home} cannot be written by this user`, hint };
  }
  const open =
    (statSync(home).mode & 0o077) === 0 ? [] : filesIn(home).filter((path) => warnOfMode(path) !== null);
  if (open.length === 0) return { name, status: "ok", message: `${home} is closed to other users` };
  const hint = `Mend it: chmod 700 ${home}`;
  return { name, status: "warning", message: `other users can read ${open.join(", ")}`, hint };
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(directory, entry.name));
}

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => SILENT };

async function checkDatabase(home: string): Promise<DoctorCheck> {
  const name = "database";
  const path = databasePath(home);
  if (!existsSync(path))
    return { name, status: "ok", message: "there is none yet; it is made at the first start" };
  const { openStore } = await import("../store/open.ts");
  try {
    const store = await openStore({ path, log: SILENT });
    try {
      const problems = await store.check();
      if (problems.length === 0) return { name, status: "ok", message: `${path} is sound` };
      const hint = "Stop Hermes and put a backup in its place with `hermes restore`.";
      return { name, status: "problem", message: `${path} is damaged: ${problems[0]}`, hint };
    } finally {
      await store.close();
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { name, status: "problem", message: error.message, ...(error.hint && { hint: error.hint }) };
  }
}

async function checkModel(config: Config): Promise<DoctorCheck> {
  const name = "model";
  const { defaultRef } = await import("../models/router.ts");
  try {
    return { name, status: "ok", message: `${defaultRef(config)} is the default` };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { name, status: "warning", message: error.message, ...(error.hint && { hint: error.hint }) };
  }
}

/** The directories that the operator named; the workspace is made when it is first used, and not by looking. */
async function checkRoots({ tools }: Config, home: string): Promise<DoctorCheck[]> {
  const name = "file roots";
  const named = [...tools.file.roots, ...tools.file.read_only_roots];
  if (named.length === 0 || !existsSync(home)) return [];
  const { fileRoots } = await import("../tools/file/roots.ts");
  try {
    const roots = fileRoots({ tools: { ...tools, file: { ...tools.file, roots: named } } }, home);
    const shown = roots.map(({ path, readOnly }) => (readOnly ? `${path} (read only)` : path));
    return [{ name, status: "ok", message: `files and commands reach ${shown.join(", ")}` }];
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return [{ name, status: "problem", message: error.message, ...(error.hint && { hint: error.hint }) }];
  }
}

async function checkPorts(config: Config, home: string): Promise<DoctorCheck[]> {
  const { api, mcp } = config;
  const { webhook } = config.gateway;
  const isCalled = (await Promise.all(enabledAccounts(config).map(receivesByWebhook))).includes(true);
  const listeners = [
    { name: "api", ...api },
    { name: "mcp", ...mcp },
    { name: "webhook", ...webhook, enabled: webhook.enabled || isCalled },
  ].filter(({ enabled, port }) => enabled && port !== 0);
  const runs = livingInstances(databasePath(home)).length > 0;
  return Promise.all(listeners.map(({ name, host, port }) => checkPort(`port of ${name}`, host, port, runs)));
}

async function checkPort(
  name: string,
  host: string,
  port: number,
  hermesRuns: boolean,
): Promise<DoctorCheck> {
  const where = `${host}:${port}`;
  const hint = "Stop that program, or choose another host or port.";
  if (await answers(host, port))
    return hermesRuns
      ? { name, status: "ok", message: `${where} is taken, and a Hermes of this home runs` }
      : { name, status: "problem", message: `${where} is taken by another program`, hint };
  try {
    Bun.listen({ hostname: host, port, socket: { data() {} } }).stop(true);
    return { name, status: "ok", message: `${where} is free` };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { name, status: "problem", message: `${where} cannot be listened on (${code})`, hint };
  }
}

/** Listening would not tell: two programs of one user may share a port. */
async function answers(host: string, port: number): Promise<boolean> {
  const hostname = reachableHost(host).replace(/^\[|\]$/g, "");
  try {
    (await Bun.connect({ hostname, port, socket: { data() {} } })).end();
    return true;
  } catch {
    return false; // nobody is there
  }
}

async function checkSandbox({ tools }: Config): Promise<DoctorCheck[]> {
  const { terminal, groups } = tools;
  if (!groups.includes("terminal"))
    return [{ name: "sandbox", status: "ok", message: "the terminal tools are switched off" }];
  const directory = await mkdtemp(join(tmpdir(), "hermes-doctor-"));
  try {
    const { status } = await findSandbox(terminal, directory);
    return [
      sandboxLine(status),
      ...status.missing.map(missingLine),
      ...gapLines(status),
      networkLine(terminal.network),
    ];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function sandboxLine({ kind, missing }: SandboxStatus): DoctorCheck {
  const name = "sandbox";
  if (kind === "bubblewrap" || kind === "landlock")
    return { name, status: "ok", message: `commands run in ${sandboxName(kind)}` };
  const hint = missing[0]?.hint ?? "Install bubblewrap.";
  if (kind === "none")
    return {
      name,
      status: "warning",
      message: "commands run without a sandbox (tools.terminal.unsafe)",
      hint,
    };
  return { name, status: "problem", message: "there is none, so commands are refused", hint };
}

function missingLine({ sandbox, reason, hint }: SandboxStatus["missing"][number]): DoctorCheck {
  return { name: sandbox, status: "warning", message: `does not work here: ${reason}`, hint };
}

function gapLines({ kind, gaps }: SandboxStatus): DoctorCheck[] {
  const status = kind === "bubblewrap" ? "ok" : "warning";
  return gaps.map((message) => ({ name: "sandbox gap", status, message }));
}

function networkLine(network: boolean): DoctorCheck {
  const name = "sandbox network";
  if (!network) return { name, status: "ok", message: "commands have no network" };
  const hint = "Set tools.terminal.network to false unless commands need it.";
  return { name, status: "warning", message: "commands reach whatever this machine reaches", hint };
}

async function checkDisk(home: string): Promise<DoctorCheck> {
  const { bavail, bsize } = await statfs(existsSync(home) ? home : tmpdir());
  const free = bavail * bsize;
  const message = `${Math.round(free / MIB)} MB are free`;
  if (free >= SCARCE_BYTES) return { name: "disk", status: "ok", message };
  const status = free < TOO_LITTLE_BYTES ? "problem" : "warning";
  return { name: "disk", status, message, hint: "Make room on the disk of the home of Hermes." };
}
