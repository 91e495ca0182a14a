import { expect, test } from "bun:test";
import fc, { property, string, stringMatching } from "fast-check";
import { outsideToolName } from "../../../src/tools/mcp-servers/names.ts";

const server = stringMatching(/^[A-Za-z0-9-]{1,24}$/);

test("a name that fits stands as it is", () => {
  expect(outsideToolName("git-hub", "list_issues")).toBe("mcp_git-hub_list_issues");
});

test("every name is valid, the same each time, and says its server", () => {
  fc.assert(
    property(server, string({ minLength: 1, maxLength: 300, unit: "grapheme" }), (from, tool) => {
      const name = outsideToolName(from, tool);
      expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
      expect(name).toStartWith(`mcp_${from}_`);
      expect(outsideToolName(from, tool)).toBe(name);
    }),
  );
});

test("two servers never share a name, nor do two tools that look alike", () => {
  fc.assert(
    property(server, server, string(), string(), (a, b, x, y) => {
      if (a !== b) expect(outsideToolName(a, x)).not.toBe(outsideToolName(b, y));
    }),
  );
  const alike = ["a.b", "a/b", "a b", "a_b", "ａ_b"].map((tool) => outsideToolName("s", tool));
  expect(new Set(alike).size).toBe(alike.length);
});
