import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { Value } from "typebox/value";
import { resolveHome } from "../../src/config/home.ts";
import { loadConfig } from "../../src/config/load.ts";
import { ConfigSchema } from "../../src/config/schema.ts";
import { AppError } from "../../src/lib/errors.ts";
import { type HomeDir, makeHomeDir } from "./home-dir.ts";
import { PUBLISHED_SAMPLE } from "./published-sample.ts";

let home: HomeDir;
beforeEach(() => {
  home = makeHomeDir();
});
afterEach(() => home.remove());

describe("without any file", () => {
  test("the defaults are in force and valid", () => {
    const { config, file, envFile, warnings } = loadConfig({ home: join(home.path, "absent"), env: {} });
    expect(Value.Check(ConfigSchema, config)).toBe(true);
    expect({ file, envFile, warnings }).toEqual({ file: null, envFile: null, warnings: [] });
    expect([config.api.host, config.api.port, config.api.base_path]).toEqual(["127.0.0.1", 18791, "/api/v1"]);
    expect([config.mcp.port, config.gateway.webhook.port]).toEqual([18790, 18789]);
  });

  test.each([
    [{ HERMES_HOME: "/srv/hermes", HOME: "/home/a" }, "/srv/hermes"],
    [{ HERMES_HOME: "~/h", HOME: "/home/a" }, "/home/a/h"],
    [{ HERMES_HOME: "", HOME: "/home/a" }, "/home/a/.hermes"],
  ])("the home for %p is %p", (env, expected) => {
    expect(resolveHome(env)).toBe(expected);
  });

  test("with no HOME the home is the one that the system knows", () => {
    expect(resolveHome({})).toMatch(/^\/.*\.hermes$/);
  });

  test("a file that was named must exist", () => {
    const load = () => home.load({ file: join(home.path, "wecom.yaml") });
    expect(load).toThrow("wecom.yaml: the file does not exist");
  });
});

test("the published sample loads as it stands, with warnings for its secrets", () => {
  home.write("config.yaml", PUBLISHED_SAMPLE);
  const { config, warnings } = home.load({ env: { OPENROUTER_API_KEY: "sk-or" } });
  expect(config.providers["openrouter"]?.api_key).toBe("sk-or");
  expect(config.platforms.telegram?.allowed_users).toEqual([123456789]);
  expect(config.platforms.wecom?.agent_id).toBe("1000001");
  expect(config.gateway.webhook.outbound.events).toHaveLength(3);
  expect(config.mcp.auth).toMatchObject({ type: "api_key", api_keys: ["key1", "key2"] });
  for (const key of ["api.auth.token", "mcp.auth.api_keys[0]", "gateway.webhook.secret"])
    expect(warnings.join("\n")).toContain(`${key} is a sample`);
});

test("a model whose provider lacks only its key is warned of: what needs no model works without", () => {
  home.write("config.yaml", "model: { default: deepseek/deepseek-chat }");
  expect(home.load().warnings).toEqual([
    expect.stringMatching(
      /model\.default names the provider "deepseek", which is not configured.*DEEPSEEK_API_KEY/,
    ),
  ]);
});

describe("precedence", () => {
  const VARIABLE = "HERMES_API_TOKEN";
  const load = (sources: { flag?: string; env?: string; dotenv?: string; file?: string }) => {
    home.write(".env", sources.dotenv ? `${VARIABLE}=${sources.dotenv}\n` : "");
    home.write("config.yaml", sources.file ? `api: { auth: { token: ${sources.file} } }\n` : "");
    return home.load({
      env: sources.env === undefined ? {} : { [VARIABLE]: sources.env },
      overrides: sources.flag ? { "api.auth.token": sources.flag } : {},
    });
  };

  test.each([
    [{ flag: "a", env: "b", dotenv: "c", file: "d" }, "a", "flag"],
    [{ env: "b", dotenv: "c", file: "d" }, "b", "environment"],
    [{ dotenv: "c", file: "d" }, "c", ".env"],
    [{ env: "", dotenv: "c" }, "c", ".env"],
    [{ file: "d" }, "d", "file"],
    [{}, undefined, "default"],
  ] as const)("%p gives %p from %s", (sources, value, kind) => {
    const loaded = load(sources);
    expect(loaded.config.api.auth.token).toBe(value as string);
    expect(loaded.sourceOf("api.auth.token").kind).toBe(kind);
  });

  test("a value of the file says where it stands", () => {
    home.write("config.yaml", "# first\napi:\n  port: 4000\n");
    expect(home.load().sourceOf("api.port")).toEqual({ kind: "file", file: home.file, line: 3, column: 9 });
  });

  test("one warning names every key of the file that the environment changes", () => {
    home.write(
      "config.yaml",
      "api: { auth: { token: one-that-is-long-enough } }\nlog: { level: warn }\nmodel: { default: ollama/a }\n",
    );
    const env = {
      HERMES_API_TOKEN: "two-that-is-long-enough",
      HERMES_LOG_LEVEL: "DEBUG",
      HERMES_MODEL: "ollama/a",
    };
    const { config, warnings } = home.load({ env });
    expect(config.log.level).toBe("debug");
    expect(warnings).toEqual([
      `The environment changes what ${home.file} sets: api.auth.token (by HERMES_API_TOKEN), log.level (by HERMES_LOG_LEVEL)`,
    ]);
  });

  test("a short secret and a platform that cannot connect are told", () => {
    home.write(
      "config.yaml",
      "api: { auth: { token: abcd } }\nmcp: { enabled: true }\nplatforms: { wechat: {} }\n",
    );
    const { warnings } = home.load();
    expect(warnings.join("\n")).toMatch(/api\.auth\.token is short.*openssl rand/);
    expect(warnings.join("\n")).toMatch(/platforms\.wechat\.token is missing: it cannot connect/);
    expect(warnings.join("\n")).not.toMatch(/mcp is configured/);
    expect(warnings.join("\n")).not.toContain("abcd");
  });

  test("a .env of the working directory is not read", async () => {
    home.write(".env", "");
    const elsewhere = makeHomeDir();
    elsewhere.write(".env", "HERMES_LOG_LEVEL=error\n");
    const script = `import { loadConfig } from ${JSON.stringify(join(import.meta.dir, "../../src/config/load.ts"))};
      console.log(loadConfig({ home: ${JSON.stringify(home.path)} }).config.log.level);`;
    const child = Bun.spawn([process.execPath, "--no-env-file", "-e", script], {
      cwd: elsewhere.path,
      env: { PATH: "/usr/bin" },
    });
    expect((await new Response(child.stdout).text()).trim()).toBe("info");
    elsewhere.remove();
  });
});

describe("the environment configures", () => {
  test("a provider by its key alone", () => {
    const { config } = home.load({
      env: { DEEPSEEK_API_KEY: "sk-d", HERMES_MODEL: "deepseek/deepseek-chat" },
    });
    expect(config.providers).toEqual({ deepseek: { api_key: "sk-d" } });
  });

  test("a platform by its token alone", () => {
    const { config } = home.load({ env: { TELEGRAM_BOT_TOKEN: "1:a" } });
    expect(config.platforms.telegram).toMatchObject({ bot_token: "1:a", enabled: true, polling_timeout: 30 });
  });

  test("a local server needs no key and no entry", () => {
    expect(home.load({ env: { HERMES_MODEL: "ollama/qwen3" } }).config.providers).toEqual({ ollama: {} });
  });
});

describe("numbers and text", () => {
  test("an id written as a number keeps all of its digits", () => {
    home.write(
      "config.yaml",
      `platforms:
  discord: { bot_token: abcdef, allowed_guilds: [1234567890123456789], allowed_users: [9007199254740993, 5] }
  wecom: { agent_id: 0012 }
`,
    );
    const { discord, wecom } = home.load().config.platforms;
    expect(discord?.allowed_guilds).toEqual(["1234567890123456789"]);
    expect(discord?.allowed_users).toEqual(["9007199254740993", 5]);
    expect(wecom?.agent_id).toBe("0012");
  });

  test("a section with nothing in it is a section that is not there", () => {
    home.write("config.yaml", "api:\nplatforms:\n  telegram:\nproviders:\n");
    expect(home.load().config).toEqual(loadConfig({ home: "/nonexistent", env: {} }).config);
  });

  test("an anchor can be used again", () => {
    home.write("config.yaml", "model: { default: &m ollama/a, fallbacks: [*m] }");
    expect(home.load().config.model.fallbacks).toEqual(["ollama/a"]);
  });
});

test("the configuration in force cannot be changed by its readers", () => {
  const { config } = home.load();
  expect(() => config.tools.groups.push("web")).toThrow(TypeError);
});

describe("files that others may read", () => {
  test.each(["config.yaml", ".env"])("%s: a warning says how to mend it", (name) => {
    chmodSync(home.write(name, ""), 0o640);
    expect(home.load().warnings).toEqual([
      `${join(home.path, name)} can be read by other users. Mend it: chmod 600 ${join(home.path, name)}`,
    ]);
  });

  test.each([
    ["a directory", () => mkdirSync(home.file), "this is not a regular file"],
    [
      "another encoding",
      () => Bun.write(home.file, new Uint8Array([0x61, 0xc4, 0xe3])),
      "the file is not UTF-8",
    ],
    ["too large", () => Bun.write(home.file, "#".repeat(1_048_577)), "the file is larger than 1 MiB"],
  ])("%s instead of a configuration", async (_name, make, message) => {
    await make();
    expect(() => home.load()).toThrow(AppError);
    expect(() => home.load()).toThrow(`${home.file}: ${message}`);
  });
});
