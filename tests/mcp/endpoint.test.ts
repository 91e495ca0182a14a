import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AjvJsonSchemaValidator } from "@modelcontextprotocol/client/validators/ajv";
import type { Caller } from "../../src/tools/contract.ts";
import { CLIENT_KINDS, connect, openTestMcp, testTool, textOf } from "../support/mcp.ts";

type LegacyCall = (call: object, schema: undefined, options: object) => Promise<{ content?: unknown }>;

const ALICE: Caller = { door: "mcp-http", principal: "alice", scopes: ["read", "chat"] };
const BOB: Caller = { door: "mcp-http", principal: "bob", scopes: ["tools"] };

function writeSkill(home: string, name: string): void {
  const folder = join(home, "skills", name);
  mkdirSync(join(folder, "references"), { recursive: true });
  writeFileSync(
    join(folder, "SKILL.md"),
    `---\nname: ${name}\ndescription: Greets people. Use it when somebody comes in.\n---\nSay hello.\n`,
  );
  writeFileSync(join(folder, "references", "formal.md"), "Good evening.\n");
}

describe.each(CLIENT_KINDS)("%s", (kind) => {
  test("calls tools, and every success matches its output schema", async () => {
    await using mcp = await openTestMcp();
    await using client = await connect(kind, mcp.url);
    const { tools } = await client.listTools();
    const validator = new AjvJsonSchemaValidator();
    const calls: [name: string, input: Record<string, unknown>][] = [
      ["memory_write", { key: "a b/ü", value: { n: 1 } }],
      ["memory_read", { key: "a b/ü" }],
      ["memory_search", { query: "a" }],
      ["todolist_create", { todos: [{ title: "one" }] }],
      ["todolist_list", {}],
      ["skill_list", {}],
      ["session_search", { query: "anything" }],
      ["memory_delete", { key: "a b/ü" }],
    ];
    for (const [name, input] of calls) {
      const result = await client.callTool({ name, arguments: input });
      expect([name, result.isError ?? false]).toEqual([name, false]);
      const schema = tools.find((tool) => tool.name === name)?.outputSchema;
      const valid = validator.getValidator(schema as never)(result.structuredContent);
      expect([name, valid.errorMessage]).toEqual([name, undefined]);
    }
  });

  test("learns of bad arguments from the result and of an unknown tool by an error", async () => {
    await using mcp = await openTestMcp();
    await using client = await connect(kind, mcp.url);
    const bad = await client.callTool({ name: "memory_read", arguments: { key: 7 } });
    expect(bad.isError).toBe(true);
    expect(textOf(bad)).toContain("key");
    expect(bad.structuredContent).toBeUndefined();
    const unknown = client.callTool({ name: "no_such_tool", arguments: {} });
    expect(await unknown.catch((error) => error.code)).toBe(-32602);
  });

  test("reads memory, sessions and skills as resources, page by page", async () => {
    await using mcp = await openTestMcp();
    writeSkill(mcp.home, "greeting");
    for (let i = 0; i < 60; i++) await mcp.store.memory.set("owner", `key ${i}`, i, "test");
    await using client = await connect(kind, mcp.url);
    const uris: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await client.listResources(cursor === undefined ? {} : { cursor });
      uris.push(...page.resources.map(({ uri }) => uri));
      cursor = page.nextCursor;
    } while (cursor !== undefined && kind !== "sdk v2 auto" && kind !== "sdk v2 modern");
    // The newer client goes through all pages by itself.
    expect(uris.filter((uri) => uri.startsWith("hermes://memory/"))).toHaveLength(60);
    expect(uris).toContain("skill://greeting/SKILL.md");
    const { contents } = await client.readResource({ uri: "hermes://memory/key%207" });
    expect(JSON.parse((contents[0] as { text: string }).text).value).toBe(7);
    const skill = await client.readResource({ uri: "skill://greeting/references/formal.md" });
    expect((skill.contents[0] as { text: string }).text).toBe("Good evening.\n");
    for (const uri of ["hermes://memory/none", "hermes://memory/%", "hermes://else", "skill://no/SKILL.md"])
      expect(await client.readResource({ uri }).catch((error) => error.code)).toBeOneOf([-32602, -32002]);
  });

  test("gets skills as prompts, and completions", async () => {
    await using mcp = await openTestMcp();
    writeSkill(mcp.home, "greeting");
    await mcp.store.memory.set("owner", "colour", "blue", "test");
    await using client = await connect(kind, mcp.url);
    expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual(["greeting"]);
    const { messages } = await client.getPrompt({ name: "greeting", arguments: { task: "Greet Ada." } });
    const text = JSON.stringify(messages);
    expect(text).toContain("Say hello.");
    expect(text).toContain("Greet Ada.");
    expect(await client.getPrompt({ name: "none" }).catch((error) => error.code)).toBe(-32602);
    const { completion } = await client.complete({
      ref: { type: "ref/resource", uri: "hermes://memory/{key}" },
      argument: { name: "key", value: "col" },
    });
    expect(completion.values).toEqual(["colour"]);
  });

  test("sees nothing of what its key may not use", async () => {
    await using mcp = await openTestMcp({ callers: { alice: ALICE, bob: BOB } });
    writeSkill(mcp.home, "greeting");
    await mcp.store.memory.set("alice", "secret", "canary-of-alice", "test");
    await mcp.store.memory.set("bob", "secret", "canary-of-bob", "test");
    await using alice = await connect(kind, mcp.url, { key: "alice" });
    await using bob = await connect(kind, mcp.url, { key: "bob" });
    const { contents } = await alice.readResource({ uri: "hermes://memory/secret" });
    expect(JSON.stringify(contents)).toContain("canary-of-alice");
    expect((await bob.listResources()).resources).toEqual([]);
    expect((await bob.listResourceTemplates()).resourceTemplates).toEqual([]);
    expect((await bob.listPrompts()).prompts).toEqual([]);
    for (const uri of ["hermes://memory/secret", "skill://greeting/SKILL.md"])
      expect(await bob.readResource({ uri }).catch((error) => error.code)).toBeOneOf([-32602, -32002]);
  });

  test("is told of progress only when it asks, and the numbers rise", async () => {
    const steps = [1, 5, 3, 5, undefined, 9];
    const tool = testTool("terminal_test", async ({ progress }) => {
      for (const done of steps) progress?.({ message: "step", ...(done === undefined ? {} : { done }) });
      return progress ? "told" : "silent";
    });
    await using mcp = await openTestMcp({ tools: [tool] });
    await using client = await connect(kind, mcp.url);
    const call = { name: "terminal_test", arguments: {} };
    expect(textOf(await client.callTool(call))).toBe("silent");
    const seen: number[] = [];
    const onprogress = ({ progress }: { progress: number }) => void seen.push(progress);
    // The second argument of the older client is a schema.
    const options = { onprogress };
    const result = await (kind === "sdk v1"
      ? (client.callTool.bind(client) as unknown as LegacyCall)(call, undefined, options)
      : client.callTool(call, options));
    expect(textOf(result)).toBe("told");
    expect(seen).toEqual([1, 5, 6, 9]);
  });
});
