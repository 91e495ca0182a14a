import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../support/command.ts";
import { type Hermes, makeHome, startHermes, testConfig } from "../support/hermes.ts";

setDefaultTimeout(60_000);

let hermes: Hermes;
let idle: string;
beforeAll(async () => {
  hermes = await startHermes({ config: testConfig("http://127.0.0.1:9", "echo") });
  idle = makeHome();
});
afterAll(async () => {
  await hermes.remove();
  rmSync(idle, { recursive: true });
});

describe("a running Hermes", () => {
  test("is found on whatever port it listens", async () => {
    const { code, stdout, stderr } = await runCommand(["status"], { home: hermes.home });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toStartWith(`running: true\nurl: ${hermes.service.url}/api/v1\nstatus: ok\n`);
    expect(stdout).not.toContain(hermes.token);
  });

  test("--json", async () => {
    const { stdout } = await runCommand(["status", "--json"], { home: hermes.home });
    expect(JSON.parse(stdout)).toMatchObject({ running: true, status: "ok", store: { ok: true } });
  });

  test("--url, with and without the base path, from another home with the token", async () => {
    for (const url of [hermes.service.url, `${hermes.service.url}/api/v1`, `${hermes.service.url}/api/v1/`]) {
      const { code } = await runCommand(["status", "--url", url], {
        home: idle,
        env: { HERMES_API_TOKEN: hermes.token },
      });
      expect({ url, code }).toEqual({ url, code: 0 });
    }
  });

  test("with another token: says so", async () => {
    const { code, stdout, stderr } = await runCommand(["status", "--url", hermes.service.url], {
      home: idle,
      env: { HERMES_API_TOKEN: "not-the-token-of-it" },
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^error: .+ answered 401.*\nhint: .*HERMES_API_TOKEN/);
    expect(stderr).not.toContain("not-the-token");
  });
});

test("a gateway without a REST API is seen, though a Hermes of another home has the port", async () => {
  const { port } = new URL(hermes.service.url);
  const secret = "a-secret-of-the-webhooks-0123456789";
  const gateway = await startHermes({
    args: ["gateway", "--webhook", "--port", "0"],
    config: {
      ...testConfig("http://127.0.0.1:9", "echo"),
      api: { port: Number(port), auth: { token: "a-token-of-its-own-0123456789" } },
      gateway: { webhook: { secret } },
    },
    ready: /takes webhooks at http:\/\/127\.0\.0\.1:\d+\/webhook\n/,
  });
  try {
    const { code, stdout } = await runCommand(["status", "--json"], { home: gateway.home });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ running: true, webhook: { url: expect.any(String) } });
  } finally {
    await gateway.remove();
  }
});

describe("no running Hermes", () => {
  test("fails with a hint, and says what can be said", async () => {
    const { code, stdout, stderr } = await runCommand(["status", "--json", "--url", "http://127.0.0.1:1"], {
      home: idle,
    });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      running: false,
      home: idle,
      config: null,
      database: { size_bytes: null },
    });
    expect(stderr).toMatch(/^error: No Hermes .+\nhint: Start it with `hermes gateway`, `hermes api`/);
  });

  test("that was killed is not taken for a running one, and its token goes to nobody", async () => {
    const killed = await startHermes({ config: testConfig("http://127.0.0.1:9", "echo") });
    const { port } = new URL(killed.service.url);
    await killed.service.kill();
    expect(existsSync(join(killed.home, "api-endpoint.json"))).toBe(true);
    const seen: (string | null)[] = [];
    const stranger = Bun.serve({
      hostname: "127.0.0.1",
      port: Number(port),
      fetch(request) {
        seen.push(request.headers.get("authorization"));
        return new Response("{}");
      },
    });
    try {
      const { code, stderr } = await runCommand(["status"], { home: killed.home });
      expect(code).toBe(1);
      expect(stderr).toStartWith(`error: No Hermes runs on ${killed.home}.\n`);
      expect(seen).toEqual([]);
    } finally {
      await stranger.stop(true);
      await killed.remove();
    }
  });

  test("another program on the port: says so, and follows it nowhere", async () => {
    const home = makeHome();
    const elsewhere: string[] = [];
    const other = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request) => {
        elsewhere.push(new URL(request.url).pathname);
        return Response.redirect("/elsewhere", 302);
      },
    });
    try {
      writeFileSync(
        join(home, "config.yaml"),
        JSON.stringify({ api: { port: other.port, auth: { token: "canary-token-123" } } }),
        { mode: 0o600 },
      );
      const { code, stderr } = await runCommand(["status"], { home });
      expect(code).toBe(1);
      expect(stderr).toContain("answered 302");
      expect(elsewhere).toEqual(["/api/v1/status"]);
    } finally {
      await other.stop(true);
      rmSync(home, { recursive: true });
    }
  });
});
