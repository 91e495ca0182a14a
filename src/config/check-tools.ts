import { nearest } from "../lib/nearest.ts";
import { isLoopback } from "./check-listeners.ts";
import { formatPath } from "./path.ts";
import type { Findings } from "./problems.ts";
import { type Config, ConfigSchema } from "./schema.ts";
import { TOOL_GROUPS, TOOL_NAMES } from "./tool-groups.ts";
import { walkConfig } from "./walk.ts";

type ServerEntry = Config["tools"]["mcp_servers"][string];

/** Variables by which the loader, a shell or a runtime takes code from a file that they name. */
const LOADS_CODE = /^(LD_.*|DYLD_.*|BUN_.*|NODE_OPTIONS|BASH_ENV|ENV|GCONV_PATH)$/;

/** Checks the terminal, lists of tools, and the outside MCP servers: each needs one way to reach it, and headers that HTTP takes. */
export function checkTools(config: Config, findings: Findings): void {
  const { tools } = config;
  checkToolLists(config, findings);
  checkTerminal(tools.terminal, findings);
  for (const [name, entry] of Object.entries(tools.mcp_servers)) checkMcpServer(name, entry, findings);
}

/** Checks every list that narrows somebody to tools and groups: a name that stands for nothing takes all away. */
function checkToolLists(config: Config, { faults }: Findings): void {
  const known: readonly string[] = [...TOOL_GROUPS, ...TOOL_NAMES];
  for (const { path, value } of walkConfig(ConfigSchema, config)) {
    if (path[0] === "tools" || path.at(-2) !== "tools" || typeof value !== "string") continue;
    if (known.includes(value) || isOfServer(value, config)) continue;
    const message = `${formatPath(path)}: there is no tool or group called ${JSON.stringify(value)}`;
    const meant = nearest(value, known);
    const hint = meant ? `Did you mean "${meant}"?` : `The groups are: ${TOOL_GROUPS.join(", ")}.`;
    faults.push({ path, message, hint });
  }
}

/** True for a tool of an outside server, whose name is `mcp_{server}_{tool}`; which it has, only the server knows. */
function isOfServer(name: string, { tools }: Config): boolean {
  const [group, server = "", tool = ""] = name.split("_", 3);
  return group === "mcp" && tool !== "" && Object.hasOwn(tools.mcp_servers, server);
}

/** What starts the sandbox sees the variables too, and must not load what lies in a root. */
function checkTerminal({ env, unsafe }: Config["tools"]["terminal"], { faults, warnings }: Findings): void {
  const path = ["tools", "terminal"];
  for (const name of Object.keys(env).filter((one) => LOADS_CODE.test(one))) {
    const message = `${formatPath([...path, "env", name])} makes programs load code outside of the sandbox`;
    faults.push({ path: [...path, "env", name], message, hint: "Set it in the command itself." });
  }
  if (!unsafe) return;
  const message = `${formatPath([...path, "unsafe"])} runs commands with all rights of Hermes where there is no sandbox`;
  warnings.push({ path: [...path, "unsafe"], message, hint: "`hermes doctor` says how to get one." });
}

function checkMcpServer(name: string, entry: ServerEntry, findings: Findings): void {
  const { command, args, url, headers } = entry;
  const { faults, warnings } = findings;
  const path = ["tools", "mcp_servers", name];
  const shown = formatPath(path);
  if ((command === undefined) === (url === undefined)) {
    const both = command === undefined ? "neither a command nor a url" : "both a command and a url";
    const message = `${shown} has ${both}`;
    const hint = "Set `command` for a program, or `url` for a server at an address.";
    faults.push({ path, message, hint });
    return;
  }
  checkUnused(path, entry, findings);
  if (command !== undefined && /\s/.test(command.trim()) && args.length === 0)
    warnings.push({
      path: [...path, "command"],
      message: `${shown}.command has a space in it, and is started without a shell`,
      hint: "Name the program alone, and put the rest into `args`.",
    });
  for (const [header, value] of Object.entries(headers))
    if (!isHeader(header, value))
      faults.push({
        path: [...path, "headers", header],
        message: `${shown}.headers: ${JSON.stringify(header)} is not a header that HTTP takes`,
        hint: "A name is letters, digits and -; a value is one line.",
      });
  const parsed = url === undefined ? null : URL.parse(url);
  if (parsed?.protocol === "http:" && !isLoopback(parsed.hostname))
    warnings.push({
      path: [...path, "url"],
      message: `${shown}.url is not encrypted: others on the way can read and change what is sent`,
      hint: "Use https:// where the server has it.",
    });
}

/** What is set and would do nothing, such as headers for a program, which its writer takes to be sent. */
function checkUnused(path: readonly string[], entry: ServerEntry, { faults }: Findings): void {
  const keys = entry.command === undefined ? (["args", "env"] as const) : (["headers"] as const);
  const kind = entry.command === undefined ? "a server at an address" : "a program";
  for (const key of keys.filter((one) => Object.keys(entry[one]).length > 0))
    faults.push({
      path: [...path, key],
      message: `${formatPath([...path, key])} is not for ${kind}`,
      hint: "Leave it out.",
    });
}

/** True for what may be sent as a header (RFC 9110 §5.1 and §5.5). */
function isHeader(name: string, value: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}
