import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HERMES_COMMAND, type Hermes, startHermes } from "../../tests/support/hermes.ts";
import type { Verdict } from "./verdict.ts";

/** Its packages are many, and only this proof needs them: they have a folder and a lock file of their own. */
const JUDGES = join(import.meta.dir, "../../tests/judges");
const INSPECTOR = join(JUDGES, "node_modules/@modelcontextprotocol/inspector/clients/cli/build/index.js");
const ERAS = ["legacy", "modern", "auto"] as const;
const AT_ONCE = 2;
const SKILL =
  "---\nname: greeting\ndescription: Greets somebody. Use it when somebody comes in.\n---\nSay hello.\n";
const SKILL_FILE = "Good evening.\n";

interface Method {
  name: string;
  args: string[];
  /** What is in the answer when all is well. */
  shows: string;
  /** Also run in the short form. */
  short: boolean;
}

const METHODS: readonly Method[] = [
  { name: "tools/list", args: ["--strict"], shows: '"name":"terminal_run"', short: true },
  {
    name: "tools/call",
    args: ["--tool-name", "memory_write", "--tool-arg", "key=judge", "--tool-arg", "value=inspector"],
    shows: '"structuredContent"',
    short: true,
  },
  { name: "resources/list", args: [], shows: '"uri":"skill://greeting/SKILL.md"', short: false },
  { name: "prompts/list", args: [], shows: '"name":"greeting"', short: false },
  { name: "skills/list", args: ["--verify"], shows: '"outcome":"verified"', short: true },
];

/** The Inspector's command line over both transports and in every era: it finds nothing to say. */
export async function proveInspector(verdict: Verdict, short: boolean): Promise<void> {
  await install();
  const hermes = await startWithSkill();
  try {
    const server = writeServers(hermes);
    const runs = (["http", "stdio"] as const).flatMap((transport) =>
      ERAS.flatMap((era) =>
        METHODS.filter((method) => method.short || !short).map((method) => ({ transport, era, method })),
      ),
    );
    let clean = 0;
    const queue = runs.values();
    const work = async () => {
      for (const { transport, era, method } of queue) {
        const args = [...server(transport), "--protocol-era", era, "--method", method.name, ...method.args];
        const problem = await inspect(hermes.home, args, method.shows);
        if (problem === null) clean += 1;
        else verdict.violation(`Inspector, ${transport}, ${era}, ${method.name}: ${problem}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    verdict.figure("Inspector, both transports and every era", `${clean}/${runs.length} without a problem`);
  } finally {
    await hermes.remove();
  }
}

/** Without install scripts: the command line needs none of them. */
async function install(): Promise<void> {
  if (existsSync(INSPECTOR)) return;
  const command = [process.execPath, "install", "--frozen-lockfile", "--ignore-scripts"];
  const child = Bun.spawn(command, { cwd: JUDGES, stdio: ["ignore", "ignore", "pipe"] });
  const [errors, code] = await Promise.all([child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(`the Inspector could not be installed\n${errors}`);
}

async function startWithSkill(): Promise<Hermes> {
  const mcp = { auth: { type: "none" }, rate_limit: { requests_per_minute: 10_000_000 } };
  const args = ["mcp", "--transport", "http", "--port", "0"];
  const hermes = await startHermes({ config: { mcp, log: { level: "warn" } }, args });
  const folder = join(hermes.home, "skills/greeting");
  mkdirSync(join(folder, "references"), { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, "SKILL.md"), SKILL);
  writeFileSync(join(folder, "references/formal.md"), SKILL_FILE);
  return hermes;
}

/** A configuration as clients have it, and the arguments that choose one of its servers. */
function writeServers({ home, service }: Hermes): (transport: "http" | "stdio") => string[] {
  const [command = "", ...args] = HERMES_COMMAND;
  const env = { HOME: home, HERMES_HOME: home, PATH: process.env["PATH"] ?? "" };
  const file = join(home, "inspector.json");
  const servers = {
    stdio: { type: "stdio", command, args: [...args, "mcp"], env },
    http: { type: "http", url: `${service.url}/mcp` },
  };
  writeFileSync(file, JSON.stringify({ mcpServers: servers }));
  return (transport) => ["--config", file, "--server", transport];
}

/** What the Inspector has to say; null for nothing. */
async function inspect(home: string, args: readonly string[], shows: string): Promise<string | null> {
  const child = Bun.spawn([process.execPath, INSPECTOR, ...args, "--format", "json", "-q"], {
    cwd: home,
    env: { PATH: process.env["PATH"] ?? "", HOME: home, MCP_INSPECTOR_SECRET_STORE: "memory" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) return `exit code ${code}\n${stderr}`;
  if (/\b(?:Warning|Error): /.test(stderr)) return stderr;
  return stdout.includes(shows) ? null : `no ${shows} in ${stdout.slice(0, 500)}`;
}
