import { expect, test } from "bun:test";
import { ConfigError } from "../../src/config/problems.ts";
import { makeHomeDir } from "./home-dir.ts";

/** The faults and warnings about one entry of `tools.mcp_servers`. */
const judge = (entry: object) => judgeTools({ mcp_servers: { one: entry } });

function judgeTools(tools: object): { faults: string; warnings: string } {
  const home = makeHomeDir();
  home.write("config.yaml", JSON.stringify({ tools }));
  try {
    return { faults: "", warnings: home.load().warnings.join("\n") };
  } catch (error) {
    if (error instanceof ConfigError) return { faults: error.message, warnings: "" };
    throw error;
  } finally {
    home.remove();
  }
}

const good: [string, object][] = [
  ["a command", { command: "npx", args: ["-y", "server"], env: { TOKEN: "secret-value" } }],
  [
    "an address",
    { url: "https://mcp.example.com/mcp", headers: { Authorization: "Bearer x", "x-key": "é" } },
  ],
  ["plain HTTP on loopback", { url: "http://127.0.0.1:3000/mcp" }],
  ["plain HTTP on loopback, IPv6", { url: "http://[::1]:3000/" }],
];
for (const [what, entry] of good)
  test(`${what} is taken`, () => {
    expect(judge(entry)).toEqual({ faults: "", warnings: "" });
  });

const faults: [string, object, RegExp][] = [
  ["neither", {}, /tools\.mcp_servers\.one has neither a command nor a url\. Set `command`/],
  ["both", { command: "a", url: "https://b.example" }, /has both a command and a url/],
  [
    "headers for a program",
    { command: "a", headers: { b: "c" } },
    /headers is not for a program\. Leave it out/,
  ],
  ["arguments for an address", { url: "https://b.example", args: ["c"] }, /args is not for a server at an/],
  [
    "variables for an address",
    { url: "https://b.example", env: { C: "d" } },
    /env is not for a server at an/,
  ],
  ["no HTTP", { url: "ftp://b.example" }, /must begin with http/],
  [
    "a header with a space",
    { url: "https://b.example", headers: { "x key": "a" } },
    /"x key" is not a header/,
  ],
  ["two headers in one", { url: "https://b.example", headers: { a: "b\r\nc: d" } }, /"a" is not a header/],
  ["a name with an underscore", { command: "a", env: { "A-B": "c" } }, /A-B/],
];
for (const [what, entry, says] of faults)
  test(`${what} is a fault`, () => {
    expect(judge(entry).faults).toMatch(says);
  });

const warnings: [string, object, RegExp][] = [
  ["plain HTTP to elsewhere", { url: "http://mcp.example.com/" }, /is not encrypted.*Use https/],
  ["a whole command line", { command: "npx -y server" }, /has a space in it, and is started without a shell/],
];
for (const [what, entry, says] of warnings)
  test(`${what} is warned of`, () => {
    expect(judge(entry).warnings).toMatch(says);
  });

test("a variable of commands that would load code outside of the sandbox is a fault", () => {
  for (const name of ["LD_PRELOAD", "LD_LIBRARY_PATH", "NODE_OPTIONS", "BUN_OPTIONS", "BASH_ENV"])
    expect(judgeTools({ terminal: { env: { EDITOR: "vi", [name]: "/srv/x" } } }).faults).toMatch(
      `tools.terminal.env.${name} makes programs load code`,
    );
  expect(judgeTools({ terminal: { env: { EDITOR: "vi", NODE_ENV: "test" } } }).faults).toBe("");
});

test("commands without a sandbox are warned of", () => {
  expect(judgeTools({ terminal: { unsafe: true } }).warnings).toMatch(
    /tools\.terminal\.unsafe runs commands/,
  );
});
