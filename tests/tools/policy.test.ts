import { describe, expect, test } from "bun:test";
import { TOOL_GROUPS, type ToolGroup } from "../../src/config/tool-groups.ts";
import { APPROVAL_MODES, type ApprovalMode, type Caller, type Scope } from "../../src/tools/contract.ts";
import { approvalMode, enabledGroups, policy } from "../../src/tools/policy.ts";
import { liveConfig } from "../support/agent.ts";

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
  if (group === "skill" && effect !== "read") return false;
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

describe("what becomes of a call that needs an approval", () => {
  const settings = (tools: Record<string, unknown> = {}, terminalDefault: ApprovalMode = "allow") => ({
    tools: liveConfig({ tools }).current.tools,
    terminalDefault,
  });
  const rows: [string, string, ToolGroup, ReturnType<typeof settings>, ApprovalMode][] = [
    ["a command, in a sandbox", "terminal_run", "terminal", settings(), "allow"],
    ["a command, without one", "terminal_run", "terminal", settings({}, "ask"), "ask"],
    [
      "a command, configured",
      "terminal_run",
      "terminal",
      settings({ terminal: { approval: "deny" } }),
      "deny",
    ],
    [
      "configured looser than the sandbox asks for",
      "terminal_run",
      "terminal",
      settings({ terminal: { approval: "allow" } }, "ask"),
      "allow",
    ],
    ["a skill", "skill_save", "skill", settings(), "ask"],
    ["a skill, configured", "skill_save", "skill", settings({ skill: { approval: "allow" } }), "allow"],
    ["an outside tool", "mcp_git-hub_push_it", "mcp", settings({ mcp_servers: { "git-hub": {} } }), "allow"],
    [
      "an outside tool, configured",
      "mcp_git-hub_push_it",
      "mcp",
      settings({ mcp_servers: { "git-hub": { approval: "deny" } } }),
      "deny",
    ],
    ["a server with the name of a prototype's member", "mcp_constructor_x", "mcp", settings(), "allow"],
    ["a file", "file_write", "file", settings(), "allow"],
  ];
  for (const [what, name, group, given, mode] of rows)
    test(`${what}: ${mode}, and no caller makes it looser`, () => {
      expect(approvalMode({ name, group }, caller(["admin"]), given)).toBe(mode);
      for (const held of APPROVAL_MODES) {
        const stricter = APPROVAL_MODES[Math.min(APPROVAL_MODES.indexOf(held), APPROVAL_MODES.indexOf(mode))];
        const verdict = approvalMode({ name, group }, { ...caller(["admin"]), approval: held }, given);
        expect([held, verdict]).toEqual([held, stricter as ApprovalMode]);
      }
    });
});

test("without any depth the delegate group is off", () => {
  expect(enabledGroups(liveConfig().current.tools)).toContain("delegate");
  expect(enabledGroups(liveConfig({ tools: { delegate: { max_depth: 0 } } }).current.tools)).not.toContain(
    "delegate",
  );
});
