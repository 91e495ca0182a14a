import { describe, expect, test } from "bun:test";
import { Type } from "typebox";
import { listTools, toolObject } from "../../src/mcp/tool-objects.ts";
import type { Caller, Scope } from "../../src/tools/contract.ts";
import { CLIENT_KINDS, connect, OWNER, openTestMcp, postModern, testTool, textOf } from "../support/mcp.ts";

const SCOPES: Scope[][] = [["read"], ["chat"], ["tools"], ["admin"], []];

describe("tool objects", () => {
  test("every tool says all four hints, and says them truly", async () => {
    await using mcp = await openTestMcp();
    for (const tool of mcp.registry.list(OWNER)) {
      const object = listTools(mcp.registry, OWNER).find(({ name }) => name === tool.name);
      expect(object?.annotations).toEqual({
        readOnlyHint: tool.effect === "read",
        destructiveHint: tool.destructive ?? false,
        idempotentHint: tool.idempotent ?? tool.effect === "read",
        openWorldHint: tool.openWorld ?? false,
      });
      if (tool.effect === "read") expect(object?.annotations?.destructiveHint).toBe(false);
    }
  });

  test("inputs are closed; what an outside server says of its tools is passed on as it is", () => {
    const own = testTool("file_test", () => "ran");
    const limited = Type.Object({ word: Type.String({ maxLength: 3 }) }, { additionalProperties: false });
    const tool = { ...own, input: limited, output: limited };
    const property = { type: "object", required: ["word"], properties: { word: { type: "string" } } };
    expect(toolObject(tool)).toMatchObject({ inputSchema: { additionalProperties: false } });
    expect(toolObject(tool).outputSchema).toEqual(property as never);
    const outside = toolObject({ ...tool, group: "mcp" });
    expect(outside.inputSchema).toEqual(JSON.parse(JSON.stringify(limited)));
    expect(outside.outputSchema).toEqual(JSON.parse(JSON.stringify(limited)));
  });

  test("the object of a tool is made once", async () => {
    await using mcp = await openTestMcp();
    const [first] = listTools(mcp.registry, OWNER);
    expect(listTools(mcp.registry, OWNER)[0]).toBe(first as NonNullable<typeof first>);
  });

  test("the list is byte for byte the one of GET /tools", async () => {
    await using mcp = await openTestMcp();
    const answer = await postModern(mcp.url, "tools/list");
    expect(await answer.text()).toContain(`"tools":${JSON.stringify(listTools(mcp.registry, OWNER))}`);
  });

  for (const scopes of SCOPES)
    test(`tools/list shows exactly what tools/call takes with [${scopes}]`, async () => {
      const caller: Caller = { door: "mcp-http", principal: "p", scopes };
      await using mcp = await openTestMcp({
        callers: { key: caller },
        tools: [testTool("terminal_test", () => "ran")],
      });
      for (const kind of CLIENT_KINDS) {
        await using client = await connect(kind, mcp.url, { key: "key" });
        const { tools } = await client.listTools();
        expect(tools).toEqual(listTools(mcp.registry, caller));
        const listed = new Set(tools.map(({ name }) => name));
        for (const name of mcp.registry.names()) {
          const text = textOf(await client.callTool({ name, arguments: { no_such_argument: 1 } }));
          if (listed.has(name)) expect(text).toContain("do not fit");
          else expect(text).toContain("needs the scope");
        }
      }
    });
});
