import { statSync } from "node:fs";
import { Command } from "commander";
import { databasePath } from "../config/home.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { AppError } from "../lib/errors.ts";
import { reachableHost } from "../lib/host.ts";
import { readEndpoint } from "./endpoint.ts";
import { type CommonOptions, parseUrl, withConfigOption, withJsonOption } from "./options.ts";
import { print, printable, printJson, withProgress } from "./output.ts";

interface StatusOptions extends CommonOptions {
  json?: true;
  url?: URL;
}

const TIMEOUT_MS = 5_000;

/** `hermes status`: asks the running Hermes how it is; fails when none answers. */
export function statusCommand(): Command {
  return withJsonOption(withConfigOption(new Command("status")))
    .description("show how the running Hermes is")
    .option(
      "--url <url>",
      "address of the REST API (default: where the Hermes of this home answers)",
      parseUrl,
    )
    .action(async (options: StatusOptions) => {
      const { loadConfig } = await import("../config/load.ts");
      const loaded = loadConfig(options.config === undefined ? {} : { file: options.config });
      const url = await addressOf(loaded, options.url);
      const answer = url === null ? null : await withProgress("asking Hermes", ask(url, loaded.config));
      const mcp = options.url ? null : await liveMcp(loaded.home, answer);
      if (answer) show({ running: true, url, ...answer, ...mcp }, options);
      else show({ ...(await withoutService(loaded, url)), running: mcp !== null, ...mcp }, options);
      if (!answer && !mcp) throw notRunning(url, loaded.home);
    });
}

/** The address of the REST API: the given one, the one that a service wrote down, or the configured one. Null for port 0. */
async function addressOf({ config, home }: LoadedConfig, given: URL | undefined): Promise<string | null> {
  const { host, port, base_path } = config.api;
  if (given) return given.pathname === "/" ? given.origin + base_path : given.href.replace(/\/$/, "");
  const { isAlive } = await import("../app/offline.ts");
  const endpoint = readEndpoint(home, "api");
  if (endpoint && isAlive(home, endpoint.instance)) return endpoint.url;
  return port === 0 ? null : `http://${reachableHost(host)}:${port}${base_path}`;
}

/** What the service says of itself; null when nothing answers. */
async function ask(url: string, { api }: Config): Promise<Record<string, unknown> | null> {
  const { token = api.auth.keys.find(({ scopes }) => scopes.some((scope) => scope !== "chat"))?.token } =
    api.auth;
  const answer = await fetch(`${url}/status`, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(TIMEOUT_MS),
    redirect: "manual", // a token goes to nobody else
  }).catch(() => null);
  if (answer === null) return null;
  const body: unknown = answer.ok ? await answer.json().catch(() => null) : null;
  if (typeof body === "object" && body !== null) return { ...body };
  throw new AppError("forbidden", `${url}/status answered ${answer.status}, but not with a status.`, {
    hint:
      answer.status === 401
        ? "Is it a Hermes with another token? Set HERMES_API_TOKEN."
        : "Is it another program? Give the address of Hermes with --url.",
  });
}

/** Where MCP answers, and what the service said of it when it serves both; null when no process of this home serves it. */
async function liveMcp(
  home: string,
  answer: Record<string, unknown> | null,
): Promise<{ mcp: object } | null> {
  const { isAlive } = await import("../app/offline.ts");
  const endpoint = readEndpoint(home, "mcp");
  if (!endpoint || !isAlive(home, endpoint.instance)) return null;
  const known = answer?.["mcp"];
  return { mcp: { url: endpoint.url, ...(typeof known === "object" ? known : {}) } };
}

/** What can be said without a service. */
async function withoutService({ home, file, config }: LoadedConfig, url: string | null) {
  const path = databasePath(home);
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? null;
  return {
    running: false,
    url,
    home,
    config: file,
    database: { path, size_bytes: size },
    model: { default: config.model.default ?? null },
  };
}

function notRunning(url: string | null, home: string): AppError {
  const message = url === null ? `No Hermes runs on ${home}.` : `No Hermes answers at ${url}.`;
  return new AppError("not_found", message, {
    hint: "Start it with `hermes api` or `hermes serve`, or give its address with --url.",
  });
}

function show(status: Record<string, unknown>, { json }: StatusOptions): void {
  if (json) printJson(status);
  else print(printable(flatten(status).join("\n")));
}

/** `{a: {b: 1}}` as the line `a.b: 1`. */
function flatten(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [`${path}: ${value ?? "-"}`];
  return Object.entries(value).flatMap(([key, child]) => flatten(child, path ? `${path}.${key}` : key));
}
