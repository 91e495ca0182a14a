import { Command } from "commander";
import { loadConfig } from "../config/load.ts";
import { AppError } from "../lib/errors.ts";
import { type CommonOptions, withCommonOptions, withJsonOption } from "./options.ts";
import { print, printJson, withProgress } from "./output.ts";

interface StatusOptions extends CommonOptions {
  json?: true;
  url?: string;
}

const TIMEOUT_MS = 5_000;

/** `hermes status`: asks the running Hermes how it is; fails when none answers. */
export function statusCommand(): Command {
  return withJsonOption(withCommonOptions(new Command("status")))
    .description("show how the running Hermes is")
    .option("--url <url>", "address of the REST API (default: from the configuration)")
    .action(async (options: StatusOptions) => {
      const status = await withProgress("asking Hermes", fetchStatus(options));
      if (options.json) printJson(status);
      else print(flatten(status).join("\n"));
    });
}

async function fetchStatus(options: StatusOptions): Promise<unknown> {
  const { config } = loadConfig(options.config === undefined ? {} : { file: options.config });
  const { host, port, base_path, auth } = config.api;
  const url = `${options.url ?? `http://${reachable(host)}:${port}${base_path}`}/status`;
  const token = auth.token ?? auth.keys.find((key) => key.scopes.some((scope) => scope !== "chat"))?.token;
  const answer = await fetch(url, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((cause: unknown) => {
    throw new AppError("not_found", `No Hermes answers at ${url}.`, {
      cause,
      hint: "Start it with `hermes api`, or give its address with --url.",
    });
  });
  if (answer.ok) return answer.json();
  throw new AppError("forbidden", `${url} answered ${answer.status}.`, {
    hint: "Is it another program, or a Hermes with another token?",
  });
}

/** An address to connect to for one that is listened on. */
function reachable(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}

/** `{a: {b: 1}}` as the line `a.b: 1`. */
function flatten(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [`${path}: ${value ?? "-"}`];
  return Object.entries(value).flatMap(([key, child]) => flatten(child, path ? `${path}.${key}` : key));
}
