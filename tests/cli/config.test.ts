import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { exampleYaml } from "../../src/config/example.ts";
import { ConfigSchema } from "../../src/config/schema.ts";
import { walkSchema } from "../../src/config/walk.ts";
import { type HomeDir, makeHomeDir } from "../config/home-dir.ts";

const COMMAND = join(import.meta.dir, "../../src/cli/config.ts");
/** Runs the sub-command alone; what it throws goes to stderr as `code: message (hint)`, with exit code 1. */
const SCRIPT = `
  import { configCommand } from ${JSON.stringify(COMMAND)};
  await configCommand().parseAsync(process.argv.slice(1), { from: "user" }).catch((error) => {
    console.error(error.code + ": " + error.message + " (" + error.hint + ")");
    process.exitCode = 1;
  });
`;

let home: HomeDir;
beforeEach(() => {
  home = makeHomeDir();
});
afterEach(() => home.remove());

async function hermesConfig(args: string[], env: Record<string, string> = {}) {
  const child = Bun.spawn([process.execPath, "--no-env-file", "-e", SCRIPT, ...args], {
    env: { HERMES_HOME: home.path, ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { stdout, stderr, code };
}

describe("check", () => {
  test("a valid file: says so on stdout, warnings go to stderr", async () => {
    home.write("config.yaml", "api: { auth: { token: your-secure-api-token } }");
    const { stdout, stderr, code } = await hermesConfig(["check"]);
    expect({ stdout, code }).toEqual({ stdout: `${home.file} is valid.\n`, code: 0 });
    expect(stderr).toContain("warning: ");
    expect(stderr).toContain("api.auth.token is a sample");
  });

  test("no file: the defaults", async () => {
    expect((await hermesConfig(["check"])).stdout).toContain("the defaults are in force");
  });

  test("an invalid file: every problem with its place, and nothing on stdout", async () => {
    home.write("config.yaml", "api:\n  prot: 1\n  port: x\n");
    const { stdout, stderr, code } = await hermesConfig(["check"]);
    expect({ stdout, code }).toEqual({ stdout: "", code: 1 });
    expect(stderr).toContain("config_invalid: The configuration has 2 problems:");
    expect(stderr).toContain(`${home.file}:2:3: api.prot is not a key. Did you mean "port"?`);
    expect(stderr).toContain(`${home.file}:3:9: api.port must be`);
  });

  test("--json", async () => {
    home.write("config.yaml", "log: { level: loud }");
    const { stdout, code } = await hermesConfig(["check", "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      problems: [{ path: "log.level", line: 1, column: 15 }],
    });
  });

  test("--config names another file", async () => {
    const other = home.write("other.yaml", "log: { level: debug }");
    expect((await hermesConfig(["check", "--config", other])).stdout).toBe(`${other} is valid.\n`);
  });
});

describe("show", () => {
  test("prints what is in force as YAML that loads again", async () => {
    home.write("config.yaml", "api: { port: 4000 }\nmodel: { fallbacks: [ollama/a] }\n");
    const { stdout } = await hermesConfig(["show"]);
    home.write("config.yaml", stdout);
    expect(home.load().config).toMatchObject({ api: { port: 4000 }, model: { fallbacks: ["ollama/a"] } });
  });

  test("--sources", async () => {
    home.write("config.yaml", "api: { port: 4000 }\n");
    const { stdout } = await hermesConfig(["show", "--sources"], { HERMES_LOG_LEVEL: "warn" });
    expect(stdout).toContain(`api.port: 4000  # file ${home.file}:1:14\n`);
    expect(stdout).toContain('log.level: "warn"  # environment HERMES_LOG_LEVEL\n');
    expect(stdout).toContain('api.host: "127.0.0.1"  # default\n');
  });
});

describe("explain", () => {
  test("a key: its meaning, type, default and the value in force with its source", async () => {
    home.write("config.yaml", "api: { port: 4000 }\n");
    const { stdout } = await hermesConfig(["explain", "api.port"]);
    for (const part of [
      "TCP port of the REST API",
      "integer, 0 to 65535",
      "default: 18791",
      "needs a restart",
    ])
      expect(stdout).toContain(part);
    expect(stdout).toContain(`in force: 4000 (file ${home.file}:1:14)`);
  });

  test("a provider's key: its variable, and that the value is a secret", async () => {
    const env = { OPENAI_API_KEY: "canary-key" };
    const { stdout } = await hermesConfig(["explain", "providers.openai.api_key"], env);
    expect(stdout).toContain("variable: OPENAI_API_KEY");
    expect(stdout).toContain('in force: "[redacted]" (environment OPENAI_API_KEY)');
  });

  test("a section: its keys", async () => {
    const { stdout } = await hermesConfig(["explain", "log", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ key: "log", type: "section", keys: ["level", "format"] });
  });

  test("also when the configuration has problems, which are told", async () => {
    home.write("config.yaml", "apis: {}");
    const { stdout, stderr, code } = await hermesConfig(["explain", "log.level"]);
    expect(stdout).toContain("From which level on.");
    expect(stderr).toContain("apis is not a key");
    expect(code).toBe(0);
  });

  test.each([
    ["api.prot", 'Did you mean "api.port"?'],
    ["base_path", 'Did you mean "api.base_path"?'],
    ["nothing.of.the.kind", "The sections are: model,"],
  ])("%s: the nearest key", async (key, hint) => {
    const { stderr, code } = await hermesConfig(["explain", key]);
    expect(stderr).toStartWith(`usage: ${key} is not a key of the configuration. (${hint}`);
    expect(code).toBe(1);
  });
});

test("schema and example print the generated documents", async () => {
  expect(JSON.parse((await hermesConfig(["schema"])).stdout)).toMatchObject({
    title: "Hermes configuration",
  });
  expect((await hermesConfig(["example"])).stdout).toBe(exampleYaml());
});

test("no secret shows in show or explain, wherever it stands", async () => {
  const canary = (i: number) => `canary-secret-${i}`;
  let used = 0;
  const config: Record<string, unknown> = {};
  for (const { path, node } of walkSchema(ConfigSchema)) {
    if (!node.secret) continue;
    let parent: Record<string, unknown> = config;
    for (const [i, part] of path.entries()) {
      const key = part === "[]" ? "0" : part === "<name>" ? "x" : part;
      const isLast = i === path.length - 1;
      parent[key] ??= isLast ? canary(used++) : path[i + 1] === "[]" ? [] : {};
      if (!isLast) parent = parent[key] as Record<string, unknown>;
    }
    const name = path.at(-2) === "[]" ? "name" : null;
    if (name) parent[name] = "a";
  }
  Object.assign((config["providers"] as { x: object }).x, {
    base_url: `http://u:${canary(used++)}@127.0.0.1/v1`,
  });
  const servers = (config["tools"] as { mcp_servers: Record<string, Record<string, unknown>> }).mcp_servers;
  const { headers, ...program } = servers["x"] ?? {};
  Object.assign(servers, { x: { ...program, command: "none" }, y: { url: "https://127.0.0.1", headers } });
  const { webhook } = config["gateway"] as { webhook: { outbound: { endpoints: object[] } } };
  Object.assign(webhook.outbound.endpoints[0] ?? {}, { url: "https://receiver.example/events" });
  home.write("config.yaml", JSON.stringify(config));
  expect(used).toBeGreaterThan(20);
  const outputs = await Promise.all(
    [
      ["show"],
      ["show", "--json"],
      ["show", "--sources"],
      ["explain", "providers.x.base_url"],
      ["explain", "api.auth"],
      ["check"],
    ].map((args) => hermesConfig(args)),
  );
  for (const { stdout, stderr, code } of outputs) {
    expect(code).toBe(0);
    expect(stdout + stderr).not.toContain("canary");
  }
  expect(outputs[0]?.stdout).toContain("[redacted]");
});
