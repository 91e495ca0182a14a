import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ensureMadeKey, MADE_KEYS, madeKeyFile } from "../../src/config/token.ts";
import { type HomeDir, makeHomeDir } from "./home-dir.ts";

const { api: API, mcp: MCP } = MADE_KEYS;
let home: HomeDir;
beforeEach(() => {
  home = makeHomeDir();
});
afterEach(() => home.remove());

test("the first call makes a token for its owner only, the next ones find it", () => {
  const directory = join(home.path, "new", "home");
  const first = ensureMadeKey(directory, API);
  expect(first.isNew).toBe(true);
  expect(first.token).toMatch(/^[A-Za-z0-9_-]{43}$/); // 43 characters of 6 bits: 256 bits
  expect(ensureMadeKey(directory, API)).toEqual({ token: first.token, isNew: false });
  expect(statSync(madeKeyFile(directory, API)).mode & 0o777).toBe(0o600);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
});

test("processes that come at the same time end with one token, made once", async () => {
  const module = JSON.stringify(join(import.meta.dir, "../../src/config/token.ts"));
  const script = `import { ensureMadeKey, MADE_KEYS } from ${module};
    await Bun.stdin.text();
    console.log(JSON.stringify(ensureMadeKey(${JSON.stringify(home.path)}, MADE_KEYS.api)));`;
  const children = Array.from({ length: 4 }, () =>
    Bun.spawn([process.execPath, "-e", script], { stdin: "pipe", stdout: "pipe" }),
  );
  for (const child of children) child.stdin.end();
  const results = await Promise.all(
    children.map(async (child) => JSON.parse(await new Response(child.stdout).text())),
  );
  expect(new Set(results.map((result) => result.token)).size).toBe(1);
  expect(results.filter((result) => result.isNew)).toHaveLength(1);
  expect(readdirSync(home.path)).toEqual(["api-token"]);
});

test("the loader takes the token when nothing else is configured", () => {
  expect(API.isWanted(home.load().config)).toBe(true);
  const { token } = ensureMadeKey(home.path, API);
  const loaded = home.load();
  expect(loaded.config.api.auth.token).toBe(token);
  expect(loaded.sourceOf("api.auth.token").kind).toBe("api-token");
  home.write("config.yaml", "api: { auth: { keys: [ { name: a, token: abcd } ] } }");
  expect(home.load().config.api.auth.token).toBeUndefined();
});

test("each surface has a key of its own, and only where its configuration wants one", () => {
  const { token } = ensureMadeKey(home.path, MCP);
  expect(home.load().config.mcp.auth.api_keys).toEqual([token]);
  expect(home.load().config.api.auth.token).toBeUndefined();
  expect(home.load().sourceOf("mcp.auth.api_keys").kind).toBe("mcp-key");
  for (const auth of [
    { type: "none" },
    { type: "oauth2", issuer: "https://auth.example.com" },
    { keys: [{ name: "reader", token: "a-key-of-a-reader-0123456789" }] },
  ]) {
    home.write("config.yaml", JSON.stringify({ mcp: { auth } }));
    expect([auth, home.load().sourceOf("mcp.auth.api_keys").kind]).toEqual([auth, "default"]);
  }
  for (const auth of ["api_keys: [abcd]", "keys: [ { name: a, token: abcd } ]", "type: none"]) {
    home.write("config.yaml", `mcp: { auth: { ${auth} } }`);
    expect([auth, home.load().config.mcp.auth.api_keys.includes(token)]).toEqual([auth, false]);
  }
});

test("a damaged file is refused, without showing what it holds", () => {
  home.write("api-token", "canary\n");
  expect(() => home.load()).toThrow(`${madeKeyFile(home.path, API)} holds no token.`);
  expect(() => ensureMadeKey(home.path, API)).toThrow(expect.objectContaining({ code: "config_invalid" }));
});

test("a home that nobody can write to is named, not what became of the attempt", () => {
  // Not even root can make a file in /proc.
  expect(() => ensureMadeKey("/proc", API)).toThrow(
    expect.objectContaining({ code: "config_invalid", message: "/proc/api-token cannot be written." }),
  );
});
