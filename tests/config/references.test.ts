import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { expandReferences } from "../../src/config/references.ts";
import { type HomeDir, makeHomeDir } from "./home-dir.ts";

let home: HomeDir;
beforeEach(() => {
  home = makeHomeDir();
});
afterEach(() => home.remove());

const VARIABLES = { NAME: "value", EMPTY: "", NESTED: "${NAME}" };
const CASES: [text: string, expected: string][] = [
  ["plain", "plain"],
  ["${NAME}", "value"],
  ["a ${NAME} and ${NAME}", "a value and value"],
  ["${ABSENT:-other}", "other"],
  ["${ABSENT:-}", ""],
  ["${EMPTY:-other}", "other"],
  ["${EMPTY}", ""],
  ["${NESTED}", "${NAME}"], // what a variable holds is taken as it is
  ["$${NAME}", "${NAME}"],
  ["$NAME costs $5", "$NAME costs $5"],
  ["file: is a word here", "file: is a word here"],
];

for (const [text, expected] of CASES)
  test(`${text} becomes ${expected}`, () => {
    expect(expandReferences({ key: [text] }, VARIABLES)).toMatchObject({
      value: { key: [expected] },
      faults: [],
    });
  });

test("file: takes the content without its last newline, and the path may have a variable", () => {
  home.write("token", "first\nsecond\r\n");
  const { value, files, paths } = expandReferences({ a: "file:${DIR}/token" }, { DIR: home.path });
  expect(value).toEqual({ a: "first\nsecond" });
  expect(files).toEqual([join(home.path, "token")]);
  expect([...paths]).toEqual(["a"]);
});

test("a number, a flag and a choice can come from a variable", () => {
  home.write(
    "config.yaml",
    "api: { port: '${PORT}', enabled: '${ON:-false}' }\nlog: { level: '${LEVEL}' }\n",
  );
  const { api, log } = home.load({ env: { PORT: "4000", LEVEL: "WARN" } }).config;
  expect([api.port, api.enabled, log.level]).toEqual([4000, false, "warn"]);
});

test("what a variable of a reference holds is not shown in an error", () => {
  const [problem] = home.problems("api: { port: '${SECRET}' }", { env: { SECRET: "canary-1" } });
  expect(problem?.message).toBe("api.port must be a whole number from 0 to 65535");
});

test("a reference takes variables from .env, and the environment comes first", () => {
  home.write(".env", 'A="from dotenv"\nB=from dotenv\n');
  home.write("config.yaml", 'agent: { system_prompt: "${A}, ${B}" }');
  const { config, envFile } = home.load({ env: { B: "from the environment" } });
  expect(config.agent.system_prompt).toBe("from dotenv, from the environment");
  expect(envFile).toBe(join(home.path, ".env"));
});
