import { existsSync, statSync } from "node:fs";
import { Command } from "commander";
import { databasePath } from "../config/home.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import type { PlatformStatus } from "../http/api/platforms.ts";
import { AppError } from "../lib/errors.ts";
import { reachableHost } from "../lib/host.ts";
import type { PublicEndpoint } from "../webhooks/outbound/public.ts";
import { readEndpoint } from "./endpoint.ts";
import { type CommonOptions, parseUrl, withConfigOption, withJsonOption } from "./options.ts";
import { print, printable, printJson, withProgress } from "./output.ts";
import { withStore } from "./store.ts";

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
      const asked = url === null ? null : await withProgress("asking Hermes", ask(url, loaded.config));
      if (asked instanceof AppError && options.url) throw asked;
      const answer = asked instanceof AppError ? null : asked;
      const others = options.url ? {} : await liveSurfaces(loaded.home, answer);
      if (answer) return show({ running: true, url, ...answer, ...others }, options);
      const recorded = options.url ? null : await recordedState(loaded, options);
      const running = Object.keys(others).length > 0 || recorded?.isConnected === true;
      show({ ...withoutService(loaded), running, ...others, ...recorded?.told }, options);
      // What is at the address may be of another home, while this one runs without a REST API.
      if (!running) throw asked ?? notRunning(url, loaded.home);
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

/** What the service says of itself, or why what answers is not understood; null when nothing answers. */
async function ask(url: string, { api }: Config): Promise<Record<string, unknown> | AppError | null> {
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
  return new AppError("forbidden", `${url}/status answered ${answer.status}, but not with a status.`, {
    hint:
      answer.status === 401
        ? "Is it a Hermes with another token? Set HERMES_API_TOKEN."
        : "Is it another program? Give the address of Hermes with --url.",
  });
}

/** Where MCP and the webhooks answer, and what the service said of them; nothing of what no process of this home serves. */
async function liveSurfaces(
  home: string,
  answer: Record<string, unknown> | null,
): Promise<Record<string, object>> {
  const { isAlive } = await import("../app/offline.ts");
  const live = (["mcp", "webhook"] as const).flatMap((surface) => {
    const endpoint = readEndpoint(home, surface);
    if (!endpoint || !isAlive(home, endpoint.instance)) return [];
    const known = answer?.[surface];
    return [[surface, { url: endpoint.url, ...(typeof known === "object" ? known : {}) }] as const];
  });
  return Object.fromEntries(live);
}

/** How accounts and endpoints are by what their processes wrote; null while there is no database. */
async function recordedState(
  { home, config }: LoadedConfig,
  options: StatusOptions,
): Promise<{
  told: { platforms: PlatformStatus[]; webhook_endpoints: PublicEndpoint[] };
  isConnected: boolean;
} | null> {
  if (!existsSync(databasePath(home))) return null;
  const [{ platformStatuses }, { endpointStatuses }] = await Promise.all([
    import("../http/api/platforms.ts"),
    import("../webhooks/outbound/public.ts"),
  ]);
  const quietly = { ...options, logLevel: options.logLevel ?? "error" } as const;
  return withStore(quietly, "reading the database", async (store) => ({
    told: {
      platforms: await platformStatuses({ gateway: null, store, config }),
      webhook_endpoints: await endpointStatuses(store, config),
    },
    isConnected: (await store.accounts.list()).some(({ instance }) => instance !== null),
  }));
}

/** What can be said without an answer. */
function withoutService({ home, file, config }: LoadedConfig) {
  const path = databasePath(home);
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? null;
  return {
    running: false,
    home,
    config: file,
    database: { path, size_bytes: size },
    model: { default: config.model.default ?? null },
  };
}

function notRunning(url: string | null, home: string): AppError {
  const message = url === null ? `No Hermes runs on ${home}.` : `No Hermes answers at ${url}.`;
  return new AppError("not_found", message, {
    hint: "Start it with `hermes gateway`, `hermes api` or `hermes serve`, or give its address with --url.",
  });
}

function show(status: Record<string, unknown>, { json }: StatusOptions): void {
  if (json) printJson(status);
  else print(printable(flatten(status).join("\n")));
}

/** `{a: {b: 1}}` as the line `a.b: 1`; an entry of a list by the account or the endpoint that it is of. */
function flatten(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [`${path}: ${value ?? "-"}`];
  return Object.entries(value).flatMap(([key, child]) => {
    const name = Array.isArray(value) ? (child?.account ?? child?.endpoint ?? key) : key;
    return flatten(child, path ? `${path}.${name}` : name);
  });
}
