import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { LoadOptions } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { type ConfigWatch, watchConfig } from "../../src/config/watch.ts";
import type { Log } from "../../src/lib/log.ts";
import { type HomeDir, makeHomeDir } from "./home-dir.ts";

let home: HomeDir;
let watched: ConfigWatch | null;
let logged: { level: string; message: string }[];
let onLog: (() => void) | null;

beforeEach(() => {
  home = makeHomeDir();
  watched = null;
  logged = [];
  onLog = null;
});
afterEach(() => {
  watched?.stop();
  home.remove();
});

const note = (level: string) => (message: string) => {
  logged.push({ level, message });
  onLog?.();
};
const log: Log = {
  debug: note("debug"),
  info: note("info"),
  warn: note("warn"),
  error: note("error"),
  with: () => log,
};

function start(yaml: string, options: LoadOptions = {}): ConfigWatch {
  home.write("config.yaml", yaml);
  const load = () => home.load(options);
  watched = watchConfig(load(), { log, reload: load });
  return watched;
}

const nextChange = (watch: ConfigWatch) => new Promise<Config>((resolve) => watch.onChange(resolve));
const messages = (level: string) => logged.filter((line) => line.level === level).map((line) => line.message);
const apiToken = (token: string) => `api: { auth: { token: ${token} } }\n`;

describe("a change of a file is taken over", () => {
  test("written in place", async () => {
    const watch = start(apiToken("first"));
    const change = nextChange(watch);
    home.write("config.yaml", apiToken("second"));
    expect((await change).api.auth.token).toBe("second");
    expect(watch.current.api.auth.token).toBe("second");
  });

  test("replaced by another file, as editors do, several times", async () => {
    const watch = start(apiToken("first"));
    for (const token of ["second", "third"]) {
      const change = nextChange(watch);
      renameSync(home.write("config.yaml.new", apiToken(token)), home.file);
      expect((await change).api.auth.token).toBe(token);
    }
  });

  test("in .env, which was not there before", async () => {
    const watch = start("api: { auth: { token: '${TOKEN:-none-yet}' } }");
    const change = nextChange(watch);
    home.write(".env", "TOKEN=from-dotenv\n");
    expect((await change).api.auth.token).toBe("from-dotenv");
  });

  test("in a file that file: names, in a directory of its own", async () => {
    const secrets = join(home.path, "secrets");
    mkdirSync(secrets);
    home.write("secrets/token", "first\n");
    const watch = start(apiToken(`"file:${secrets}/token"`));
    const change = nextChange(watch);
    home.write("secrets/token", "second\n");
    expect((await change).api.auth.token).toBe("second");
  });

  test("behind a symbolic link", async () => {
    const target = makeHomeDir();
    target.write("config.yaml", apiToken("first"));
    symlinkSync(target.file, home.file);
    const load = () => home.load();
    watched = watchConfig(load(), { log, reload: load });
    const change = nextChange(watched);
    target.write("config.yaml", apiToken("second"));
    expect((await change).api.auth.token).toBe("second");
    target.remove();
  });

  test("and an invalid one is not: the last good one stays and every problem is logged", async () => {
    const watch = start(apiToken("first"));
    const told = new Promise<void>((resolve) => {
      onLog = resolve;
    });
    home.write("config.yaml", "api: { prot: 1, port: x, auth: { token: canary-1 } }");
    await told;
    expect(watch.current.api.auth.token).toBe("first");
    expect(messages("error")).toHaveLength(1);
    expect(messages("error")[0]).toContain("api.prot is not a key");
    expect(messages("error")[0]).toContain("api.port must be a whole number");
    expect(messages("error")[0]).not.toContain("canary-1");
  });
});

describe("a file that is taken away", () => {
  test("leaves the configuration in force as it is, and counts again once it is back", async () => {
    const watch = start(apiToken("first"));
    renameSync(home.file, `${home.file}.away`);
    expect(await watch.reload()).toEqual({ ok: false, changed: [], waiting: [] });
    expect(watch.current.api.auth.token).toBe("first");
    expect(messages("error")).toEqual([
      `The configuration in force stays as it is. ${home.file} is no longer there.`,
    ]);
    home.write("config.yaml", apiToken("second"));
    expect(await watch.reload()).toMatchObject({ ok: true, changed: ["api.auth.token"] });
  });

  test("is no loss when there was none before", async () => {
    const load = () => home.load();
    watched = watchConfig(load(), { log, reload: load });
    expect(await watched.reload()).toEqual({ ok: true, changed: [], waiting: [] });
  });
});

describe("reload", () => {
  test("names what changed and tells the listeners, until they leave", async () => {
    const watch = start(apiToken("first"));
    const seen: string[] = [];
    const leave = watch.onChange((config) => seen.push(config.log.level));
    home.write("config.yaml", `${apiToken("second")}log: { level: warn }`);
    expect(await watch.reload()).toEqual({ ok: true, changed: ["api.auth.token", "log.level"], waiting: [] });
    leave();
    home.write("config.yaml", `${apiToken("second")}log: { level: error }`);
    await watch.reload();
    expect(seen).toEqual(["warn"]);
  });

  test("without a change tells nobody", async () => {
    const watch = start(apiToken("first"));
    watch.onChange(() => {
      throw new Error("told");
    });
    expect(await watch.reload()).toEqual({ ok: true, changed: [], waiting: [] });
    expect(logged).toEqual([]);
  });

  test("a listener that fails does not keep the change from the others", async () => {
    const watch = start(apiToken("first"));
    watch.onChange(() => {
      throw new Error("broken");
    });
    const change = nextChange(watch);
    home.write("config.yaml", apiToken("second"));
    await watch.reload();
    expect((await change).api.auth.token).toBe("second");
    expect(messages("error")).toHaveLength(1);
  });

  test("a warning that was known is not repeated, a new one is told", async () => {
    const watch = start(apiToken("your-secure-api-token"));
    await watch.reload();
    expect(messages("warn")).toEqual([]);
    home.write("config.yaml", `${apiToken("your-secure-api-token")}providers: { openai: {} }`);
    await watch.reload();
    expect(messages("warn")).toEqual([expect.stringContaining("providers.openai.api_key is missing")]);
  });

  test("a key of a listener waits for the next start, the rest is taken over", async () => {
    const watch = start("api: { port: 4000 }");
    home.write("config.yaml", "api: { port: 5000, base_path: /v2, max_body_bytes: 2048 }");
    expect(await watch.reload()).toEqual({
      ok: true,
      changed: ["api.max_body_bytes"],
      waiting: ["api.port", "api.base_path"],
    });
    expect(watch.current.api).toMatchObject({ port: 4000, base_path: "/api/v1", max_body_bytes: 2048 });
    expect(messages("warn")).toEqual(["A change of api.port, api.base_path takes effect at the next start."]);
  });

  test("a change that would open the listener that still runs is refused", async () => {
    const watch = start(`api: { host: 0.0.0.0, auth: { token: ${"t".repeat(40)} } }`);
    home.write("config.yaml", "api: { host: 127.0.0.1, auth: { type: none } }");
    expect((await watch.reload()).ok).toBe(false);
    expect(watch.current.api.auth.type).toBe("bearer_token");
    expect(messages("error")[0]).toContain("api.auth.type is none, and api.host 0.0.0.0");
  });

  test("flags stay in force", async () => {
    const watch = start("log: { level: info }", { overrides: { "log.level": "debug" } });
    home.write("config.yaml", "log: { level: error }");
    await watch.reload();
    expect(watch.current.log.level).toBe("debug");
  });
});
