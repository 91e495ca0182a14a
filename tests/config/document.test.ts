import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chineseDescription, generatedFiles } from "../../scripts/generate.ts";
import { documentKeys } from "../../src/config/document.ts";
import { exampleYaml } from "../../src/config/example.ts";
import { configJsonSchema } from "../../src/config/json-schema.ts";
import { type HomeDir, makeHomeDir } from "./home-dir.ts";

let home: HomeDir;
beforeEach(() => {
  home = makeHomeDir();
});
afterEach(() => home.remove());

describe("the generated files are up to date (bun run generate)", () => {
  for (const [path, content] of Object.entries(generatedFiles()))
    test(path, () => {
      expect(readFileSync(join(import.meta.dir, "../..", path), "utf8")).toBe(content);
    });
});

test("every key is described, in Chinese too", () => {
  const lacking = documentKeys().filter(({ key, description }) => !description || !chineseDescription(key));
  expect(lacking.map(({ key }) => key)).toEqual([]);
});

test("every key has a variable, a default or a type that the page shows", () => {
  const page = generatedFiles()["docs/configuration.md"] ?? "";
  for (const { key, variable } of documentKeys().filter(({ path }) => path.length > 1)) {
    const row = page.split("\n").find((line) => line.startsWith(`| \`${key}\` |`));
    expect(row).toBeDefined();
    if (variable !== null) expect(row).toContain(`\`${variable}\``);
  }
});

describe("the example", () => {
  test("as it stands is the same as no file", () => {
    const before = home.load();
    home.write("config.yaml", exampleYaml());
    const { config, warnings } = home.load();
    expect(config).toEqual(before.config);
    expect(warnings).toEqual([]);
  });

  test("with every key switched on loads, and has every published key", () => {
    home.write("config.yaml", exampleYaml().replace(/^( *)#(?! \S)/gm, "$1"));
    const { config } = home.load({ env: { OPENROUTER_API_KEY: "sk-or" } });
    expect(Object.keys(config.platforms)).toHaveLength(7);
    expect(config.platforms.telegram?.bot_token).toBe("123456789:ABC...");
    expect(config.model.default).toBe("openrouter/anthropic/claude-sonnet-4");
    expect(config.providers["local"]?.base_url).toBe("http://127.0.0.1:11434/v1");
    expect(config.mcp.auth.api_keys).toEqual(["key1", "key2"]);
    expect(config.gateway.webhook.outbound.secret).toBe("outbound-secret");
    expect(config.api.auth.token).toBe("your-secure-api-token");
  });
});

describe("the JSON Schema", () => {
  type Node = Record<string, unknown>;
  const below = (node: unknown, key: string) => (node as Node)?.[key];

  test("knows every key", () => {
    for (const { path, key } of documentKeys()) {
      let node: unknown = configJsonSchema();
      for (const part of path) {
        if (part === "[]") node = below(node, "items");
        else if (part === "<name>") node = Object.values(below(node, "patternProperties") as Node)[0];
        else node = below(below(node, "properties"), part);
      }
      expect(node, key).toMatchObject({ description: expect.any(String) });
    }
  });

  test("takes an empty section and a reference in the place of a number", () => {
    const api = below(below(configJsonSchema(), "properties"), "api");
    expect(api).toMatchObject({ type: ["object", "null"], additionalProperties: false });
    const port = below(below(api, "properties"), "port");
    expect(port).toMatchObject({
      default: 18791,
      anyOf: [
        { type: "integer", minimum: 0, maximum: 65535 },
        { type: "string", pattern: expect.any(String) },
      ],
    });
  });

  test("marks secrets as what is written and never read back", () => {
    const auth = below(below(below(below(configJsonSchema(), "properties"), "api"), "properties"), "auth");
    expect(below(below(auth, "properties"), "token")).toMatchObject({ writeOnly: true });
  });
});
