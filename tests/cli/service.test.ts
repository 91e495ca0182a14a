import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../support/command.ts";
import {
  HERMES_COMMAND,
  type Hermes,
  makeHome,
  startFakeLlm,
  startHermes,
  startService,
  testConfig,
} from "../support/hermes.ts";

setDefaultTimeout(60_000);

const started: { remove(): Promise<void> }[] = [];
const homes: string[] = [];
afterEach(async () => {
  for (const service of started.splice(0)) await service.remove();
  for (const home of homes.splice(0)) rmSync(home, { recursive: true, force: true });
});

function newHome(): string {
  const home = makeHome();
  homes.push(home);
  return home;
}

async function start(change: Record<string, unknown> = {}, args = ["api"]): Promise<Hermes> {
  const config = { ...testConfig("http://127.0.0.1:9", "echo"), log: { level: "info" }, ...change };
  const hermes = await startHermes({ config, args });
  started.push(hermes);
  return hermes;
}

/** Resolves once the process has written the text. */
async function wrote({ output }: Hermes["service"], text: string): Promise<void> {
  while (!output().includes(text)) await Bun.sleep(5);
}

describe("the end", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    test(`${signal} stops it with 0 and takes back what it wrote down`, async () => {
      const { service, home } = await start();
      expect(existsSync(join(home, "api-endpoint.json"))).toBe(true);
      process.kill(service.pid, signal);
      expect(await service.exited).toBe(0);
      expect(existsSync(join(home, "api-endpoint.json"))).toBe(false);
      expect(service.output()).not.toMatch(/error|^\s+at /m);
    });

  test("a second signal ends it at once with 130, the answer in progress is kept for the next start", async () => {
    const fake = await startFakeLlm();
    started.push({ remove: () => fake.kill() });
    const hermes = await start(testConfig(fake.url, "first-20000"));
    const accepted = await fetch(hermes.api("/execute"), {
      method: "POST",
      headers: { ...hermes.headers, prefer: "respond-async" },
      body: JSON.stringify({ task: "wait" }),
    });
    expect(accepted.status).toBe(202);
    const { run_id: run } = (await accepted.json()) as { run_id: string };
    process.kill(hermes.service.pid, "SIGTERM");
    await wrote(hermes.service, "waiting for what still runs ...");
    process.kill(hermes.service.pid, "SIGTERM");
    expect(await hermes.service.exited).toBe(130);
    await hermes.restart();
    const kept = await fetch(hermes.api(`/runs/${run}`), { headers: hermes.headers });
    expect(((await kept.json()) as { status: string }).status).toMatch(/queued|running/);
  });
});

describe("SIGHUP", () => {
  test("reads the configuration again, and says when nothing has changed", async () => {
    const { service, home } = await start();
    process.kill(service.pid, "SIGHUP");
    await wrote(service, "The configuration has not changed.");
    const file = join(home, "config.yaml");
    const config = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(
      file,
      JSON.stringify({ ...config, api: { ...config.api, auth: { token: "another-token-now" } } }),
    );
    process.kill(service.pid, "SIGHUP");
    await wrote(service, "The configuration has changed.");
    const answer = (token: string) =>
      fetch(`${service.url}/api/v1/status`, { headers: { authorization: `Bearer ${token}` } });
    expect((await answer("another-token-now")).status).toBe(200);
    expect((await answer(config.api.auth.token)).status).toBe(401);
    expect(service.output()).not.toContain("another-token-now");
  });
});

describe("the first start", () => {
  test("without any file: makes a token and prints it once, never in the log; the second start does not", async () => {
    const home = newHome();
    const env = { HOME: home, HERMES_HOME: home };
    const command = [...HERMES_COMMAND, "api", "--port", "0", "--log-level", "debug"];
    const first = await startService(command, { cwd: home, env });
    const file = join(home, "api-token");
    const token = readFileSync(file, "utf8").trim();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const answer = await fetch(`${first.url}/api/v1/status`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(answer.status).toBe(200);
    expect(await first.stop()).toBe(0);
    const lines = first.output().split("\n");
    // By itself, and in the curl line to paste.
    expect(lines.filter((line) => line.includes(token))).toEqual([
      `  ${token}`,
      expect.stringContaining(`curl ${first.url}/api/v1/chat -H "Authorization: Bearer ${token}"`),
    ]);
    const second = await startService(command, { cwd: home, env });
    expect(await second.stop()).toBe(0);
    expect(second.output()).not.toContain(token);
    expect(second.output()).toContain(`answers at ${second.url}/api/v1\n`);
    expect(second.output()).toContain(`The API token is in ${file}.\n`);
  });

  test("without a model it says so, and how to get one; with one it does not", async () => {
    const home = newHome();
    const env = { HOME: home, HERMES_HOME: home };
    const bare = await startService([...HERMES_COMMAND, "api", "--port", "0"], { cwd: home, env });
    expect(await bare.stop()).toBe(0);
    expect(bare.output()).toMatch(/^warning: No model provider is configured\.\nhint: Set the key/m);
    const { service } = await start();
    expect(service.output()).not.toContain("No model provider");
    expect(service.output()).not.toContain("The API token is in"); // it is in the configuration
  });
});

describe("MCP over HTTP", () => {
  const mcp = ["mcp", "--transport", "http", "--port", "0"];

  test("the first start makes a key and prints it once; no other surface is served", async () => {
    const home = newHome();
    const env = { HOME: home, HERMES_HOME: home };
    writeFileSync(join(home, "config.yaml"), "api: { port: 1 }\n"); // `hermes status` asks there: nobody answers
    const command = [...HERMES_COMMAND, ...mcp, "--log-level", "debug"];
    const first = await startService(command, { cwd: home, env });
    const file = join(home, "mcp-key");
    const key = readFileSync(file, "utf8").trim();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(existsSync(join(home, "api-token"))).toBe(false);
    expect(existsSync(join(home, "api-endpoint.json"))).toBe(false);
    expect((await fetch(`${first.url}/tools`)).status).toBe(401);
    expect((await fetch(`${first.url}/tools`, { headers: { "x-api-key": key } })).status).toBe(200);
    expect((await fetch(`${first.url}/api/v1/status`, { headers: { "x-api-key": key } })).status).toBe(404);
    const { code, stdout } = await runCommand(["status", "--json"], { home });
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { running: true, mcp: { url: first.url } }]);
    expect(await first.stop()).toBe(0);
    expect(existsSync(join(home, "mcp-endpoint.json"))).toBe(false);
    const lines = first.output().split("\n");
    expect(lines.filter((line) => line.includes(key))).toEqual([
      `  ${key}`,
      `  curl ${first.url}/tools -H "x-api-key: ${key}"`,
    ]);
    const second = await startService(command, { cwd: home, env });
    expect(await second.stop()).toBe(0);
    expect(second.output()).not.toContain(key);
    expect(second.output()).toContain(`serves MCP at ${second.url}\nThe MCP key is in ${file}.\n`);
  });

  test("serve runs every surface that is enabled, and status tells of them", async () => {
    const change = { mcp: { enabled: true, port: 0, auth: { api_keys: ["a-key-of-mcp-for-tests"] } } };
    const { service, api, headers, home } = await start(change, ["serve"]);
    const url = /serves MCP at (\S+)/.exec(service.output())?.[1] ?? "";
    const key = { "x-api-key": "a-key-of-mcp-for-tests" };
    expect((await fetch(`${url}/tools`, { headers: key })).status).toBe(200);
    expect((await fetch(api("/status"), { headers })).status).toBe(200);
    const { stdout } = await runCommand(["status"], { home });
    expect(stdout).toContain(`running: true\nurl: ${service.url}/api/v1\n`);
    expect(stdout).toContain(`mcp.url: ${url}\n`);
    expect(stdout).toContain("mcp.sessions: 0\n");
    expect(service.output()).not.toContain("a-key-of-mcp");
    expect(await service.stop()).toBe(0);
    for (const surface of ["api", "mcp"])
      expect(existsSync(join(home, `${surface}-endpoint.json`))).toBe(false);
  });

  test("a key that is rotated counts without a restart", async () => {
    const config = (keys: string[]) => ({ mcp: { auth: { api_keys: keys } } });
    const { service, home } = await start(config(["the-first-key-of-mcp"]), mcp);
    const statusOf = async (key: string) =>
      (await fetch(`${service.url}/tools`, { headers: { "x-api-key": key } })).status;
    expect(await statusOf("the-first-key-of-mcp")).toBe(200);
    const file = join(home, "config.yaml");
    writeFileSync(
      file,
      JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), ...config(["the-next-key-of-mcp"]) }),
    );
    process.kill(service.pid, "SIGHUP");
    await wrote(service, "The configuration has changed.");
    expect([await statusOf("the-first-key-of-mcp"), await statusOf("the-next-key-of-mcp")]).toEqual([
      401, 200,
    ]);
  });

  test("what would let everybody in, or nobody, is refused with 78", async () => {
    for (const [change, host, problem] of [
      [{ auth: { type: "none" } }, "0.0.0.0", "mcp.auth.type is none"],
      [{ auth: { api_keys: ["key1"] } }, "0.0.0.0", "mcp.auth.api_keys[0] is a sample"],
      [{ auth: { type: "oauth2" } }, "127.0.0.1", "mcp.auth.issuer is missing"],
    ] as const) {
      const home = newHome();
      writeFileSync(join(home, "config.yaml"), JSON.stringify({ mcp: change }), { mode: 0o600 });
      const { code, stderr } = await runCommand([...mcp, "--host", host], { home });
      expect({ problem, code }).toEqual({ problem, code: 78 });
      expect(stderr).toContain(problem);
    }
  });
});

describe("what cannot start", () => {
  test("a port in use: 1, and what to do", async () => {
    const { service } = await start();
    const { port } = new URL(service.url);
    for (const args of [
      ["api", "--port", port],
      ["mcp", "--transport", "http", "--port", port],
      ["dev", "fake-llm", "--port", port],
    ]) {
      const { code, stdout, stderr } = await runCommand(args, { home: newHome() });
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(new RegExp(`^error: Port ${port}.* is in use\\.\nhint: .*--port`, "m"));
    }
  });

  test("a host beyond loopback without authentication, or with a sample secret: 78", async () => {
    for (const auth of [{ type: "none" }, { token: "your-secure-api-token" }]) {
      const home = newHome();
      writeFileSync(join(home, "config.yaml"), JSON.stringify({ api: { auth } }), { mode: 0o600 });
      const { code, stderr } = await runCommand(["api", "--host", "0.0.0.0", "--port", "0"], { home });
      expect({ auth, code }).toEqual({ auth, code: 78 });
      expect(stderr).toMatch(/^error: The configuration has a problem:\n.*api\./);
    }
  });

  test("serve with nothing enabled: 78", async () => {
    const home = newHome();
    writeFileSync(join(home, "config.yaml"), "api: { enabled: false }\n", { mode: 0o600 });
    const { code, stderr } = await runCommand(["serve"], { home });
    expect(code).toBe(78);
    expect(stderr).toBe(
      "error: The configuration enables no surface.\nhint: Set api.enabled or mcp.enabled to true.\n",
    );
  });
});

test("serve runs what the configuration enables", async () => {
  const { service, api, headers } = await start({}, ["serve"]);
  expect((await fetch(api("/status"), { headers })).status).toBe(200);
  expect(await service.stop()).toBe(0);
});

test("beyond loopback with a key: it says an address that can be reached", async () => {
  const { service } = await start({}, ["api", "--host", "0.0.0.0"]);
  expect(service.output()).toContain("answers at http://127.0.0.1:");
  expect((await fetch(`${service.url}/health`)).status).toBe(200);
});

test("a home that cannot be made is a problem of the configuration", async () => {
  const home = newHome();
  writeFileSync(join(home, "file"), "");
  mkdirSync(join(home, "cwd"));
  const { code, stderr } = await runCommand(["api"], {
    home: join(home, "cwd"),
    env: { HERMES_HOME: join(home, "file/x") },
  });
  expect(code).toBe(78);
  expect(stderr).toMatch(/^error: .+\nhint: .+\n$/);
});
