import { describe, expect, test } from "bun:test";
import { type Caller, type Scope, TOOL_GROUPS, type ToolGroup } from "../../src/tools/contract.ts";
import { policy } from "../../src/tools/policy.ts";

const caller = (scopes: Scope[], tools?: string[]): Caller => ({
  door: "api",
  principal: "p",
  scopes,
  ...(tools ? { tools } : {}),
});
const EFFECTS = ["read", "write", "send"] as const;
const OWN_ROWS: ToolGroup[] = ["memory", "todolist", "session", "skill"];

/** The rule in other words: what each scope by itself opens. */
function expected(scope: Scope, group: ToolGroup, effect: (typeof EFFECTS)[number]): boolean {
  if (scope === "admin") return true;
  if (scope === "chat") return OWN_ROWS.includes(group);
  if (scope === "tools") return !OWN_ROWS.includes(group);
  return OWN_ROWS.includes(group) && effect === "read";
}

describe("policy", () => {
  for (const scope of ["read", "chat", "tools", "admin"] as const)
    test(`the scope ${scope} opens what it should, for every group and effect`, () => {
      for (const group of TOOL_GROUPS)
        for (const effect of EFFECTS) {
          const { allowed } = policy({ name: `${group}_x`, group, effect }, caller([scope]));
          expect([group, effect, allowed]).toEqual([group, effect, expected(scope, group, effect)]);
        }
    });

  test("no scope, no tool", () => {
    for (const group of TOOL_GROUPS)
      expect(policy({ name: `${group}_x`, group, effect: "read" }, caller([])).allowed).toBe(false);
  });

  test("names and groups narrow, whatever the scopes, and never widen", () => {
    const read = { name: "memory_read", group: "memory", effect: "read" } as const;
    expect(policy(read, caller(["admin"], ["memory_read"])).allowed).toBe(true);
    expect(policy(read, caller(["admin"], ["memory"])).allowed).toBe(true);
    expect(policy(read, caller(["admin"], ["memory_write", "file"])).allowed).toBe(false);
    expect(policy(read, caller(["admin"], [])).allowed).toBe(false);
    expect(policy(read, caller([], ["memory"])).allowed).toBe(false);
    const run = { name: "terminal_run", group: "terminal", effect: "write" } as const;
    expect(policy(run, caller(["read", "chat"], ["terminal", "terminal_run"])).allowed).toBe(false);
  });

  test("the reason names the scope that is missing", () => {
    const verdict = policy({ name: "terminal_run", group: "terminal", effect: "write" }, caller(["chat"]));
    expect(verdict).toEqual({ allowed: false, reason: "terminal_run needs the scope tools." });
  });
});
