import { describe, expect, test } from "bun:test";
import { TOOL_GROUPS } from "../../src/config/tool-groups.ts";
import { AppError } from "../../src/lib/errors.ts";
import type { ApprovalMode, Caller, Scope, Tool, ToolContext } from "../../src/tools/contract.ts";
import { createToolRegistry } from "../../src/tools/registry.ts";
import { liveConfig } from "../support/agent.ts";
import { quietLog } from "../support/store.ts";
import { probeTool } from "../support/tools.ts";

const OWNER: Caller = { door: "api", principal: "owner", scopes: ["admin"] };
const context = (caller = OWNER, signal = new AbortController().signal): ToolContext => ({ caller, signal });

/** One reading and one writing tool in each group. */
function everyGroup(ran: string[]): Tool[] {
  return TOOL_GROUPS.flatMap((group) => [
    probeTool(ran, { name: `${group}_look`, group, effect: "read" }),
    probeTool(ran, { name: `${group}_change`, group, effect: "write" }),
  ]);
}

function registry(tools: Tool[], groups: readonly string[] = TOOL_GROUPS, lines: string[] = []) {
  return createToolRegistry({ tools: () => tools, enabledGroups: () => groups, log: quietLog(lines) });
}

describe("registry", () => {
  test("what a caller is shown is exactly what it can call", async () => {
    const ran: string[] = [];
    const tools = everyGroup(ran);
    const narrowings = [undefined, [], ["memory"], ["memory_look", "terminal_change"], ["file", "web_look"]];
    const scopes: Scope[][] = [
      [],
      ["read"],
      ["chat"],
      ["tools"],
      ["read", "chat"],
      ["read", "tools"],
      ["admin"],
    ];
    for (const enabled of [TOOL_GROUPS, ["memory", "terminal"], []])
      for (const held of scopes)
        for (const narrowed of narrowings) {
          const caller: Caller = { door: "mcp-http", principal: "p", scopes: held };
          if (narrowed) caller.tools = narrowed;
          const all = registry(tools, enabled);
          ran.length = 0;
          for (const tool of tools) await all.call(tool.name, {}, context(caller));
          expect(ran).toEqual(all.list(caller).map((tool) => tool.name));
        }
  });

  test("arguments are taken as an object, as JSON text, or not at all", async () => {
    const ran: string[] = [];
    const all = registry([probeTool(ran)]);
    await all.call("skill_probe", { word: "object" }, context());
    await all.call("skill_probe", '{"word":"text"}', context());
    for (const nothing of [undefined, null, "", "  ", {}]) await all.call("skill_probe", nothing, context());
    expect(ran).toEqual(["object", "text", ...Array(5).fill("skill_probe")]);
  });

  const bad: [string, unknown, RegExp][] = [
    ["malformed JSON", '{"word":', /not valid JSON/],
    ["a wrong type", { word: 3 }, /word: expected string/],
    ["an unknown argument", { wrd: "x" }, /wrd: /],
    ["a list", "[1]", /expected object/],
    ["a number", 7, /expected object/],
  ];
  for (const [what, raw, says] of bad)
    test(`${what} is told to the model and runs nothing`, async () => {
      const ran: string[] = [];
      const result = await registry([probeTool(ran)]).call("skill_probe", raw, context());
      expect(result.isError).toBe(true);
      expect(result.text).toMatch(says);
      expect(ran).toEqual([]);
    });

  test("an unknown tool names the nearest that the caller has", async () => {
    const result = await registry([probeTool([])]).call("skil_probe", {}, context());
    expect(result).toEqual({ text: "There is no tool skil_probe. Did you mean skill_probe?", isError: true });
  });

  test("a throw becomes a result; its message goes to the log alone", async () => {
    const lines: string[] = [];
    const tool = probeTool([], { run: () => Promise.reject(new Error("inner secret")) });
    const result = await registry([tool], TOOL_GROUPS, lines).call("skill_probe", {}, context());
    expect(result.isError).toBe(true);
    expect(result.text).not.toContain("inner secret");
    expect(lines.join("")).toContain("inner secret");
  });

  test("an AppError of a tool is told with its hint", async () => {
    const tool = probeTool([], {
      run: () =>
        Promise.reject(new AppError("store_unavailable", "The disk is full.", { hint: "Free some." })),
    });
    const result = await registry([tool]).call("skill_probe", {}, context());
    expect(result).toEqual({ text: "The disk is full. Free some.", isError: true });
  });

  test("an abort is thrown, not told", async () => {
    const control = new AbortController();
    const tool = probeTool([], {
      run: () => {
        control.abort(new Error("enough"));
        throw new Error("torn down");
      },
    });
    const call = registry([tool]).call("skill_probe", {}, context(OWNER, control.signal));
    await expect(call).rejects.toThrow("enough");
  });

  test("a long answer is cut with a mark", async () => {
    const tool = probeTool([], { run: () => "好".repeat(100_000) });
    const { text } = await registry([tool]).call("skill_probe", {}, context());
    expect(text.length).toBeLessThanOrEqual(64_000);
    expect(text).toEndWith("[cut here: 100000 characters in all]");
  });

  test("names are checked and groups spelled out", () => {
    const all = registry(everyGroup([]));
    expect(all.resolveNames(["memory", "web_look", "memory_look"])).toEqual([
      "memory_look",
      "memory_change",
      "web_look",
    ]);
    expect(() => all.resolveNames(["memry"])).toThrow(
      expect.objectContaining({ code: "unknown_tool", hint: "Did you mean memory?" }),
    );
  });

  test("a group without a tool yet is a known name", () => {
    expect(registry([probeTool([])]).resolveNames(["terminal"])).toEqual([]);
  });

  test("narrowing only takes away", () => {
    const all = registry(everyGroup([]));
    const chat: Caller = {
      door: "api",
      principal: "p",
      scopes: ["read", "chat"],
      tools: ["memory", "session_look"],
    };
    expect(all.narrow(chat, ["memory_look"]).tools).toEqual(["memory_look"]);
    expect(all.narrow(chat, ["session"]).tools).toEqual(["session_look"]);
    expect(() => all.narrow(chat, ["terminal"])).toThrow(expect.objectContaining({ code: "forbidden" }));
    expect(() => all.narrow(chat, ["todolist"])).toThrow(expect.objectContaining({ code: "forbidden" }));
    expect(all.narrow(chat, []).tools).toEqual([]);
  });

  test("two tools of one name are refused", () => {
    expect(() => registry([probeTool([]), probeTool([])])).toThrow("share a name");
  });
});

describe("a call that needs an approval", () => {
  const settings = (approval: ApprovalMode) => ({
    tools: () => liveConfig({ tools: { skill: { approval } } }).current.tools,
    terminalDefault: () => "allow" as const,
  });
  /** A registry with a tool that asks, and what happened in which order. */
  function asking(approval: ApprovalMode, steps: string[]) {
    const probe = probeTool([], { asks: true, run: () => (steps.push("run") > 0 ? "done" : "") });
    const tool: Tool = {
      ...probe,
      approval: async (input, context) => {
        steps.push("question");
        return (await probe.approval?.(input, context)) ?? null;
      },
    };
    return createToolRegistry({
      tools: () => [tool],
      enabledGroups: () => ["skill"],
      approvals: settings(approval),
      log: quietLog(),
    });
  }
  const answers = (approved: boolean, steps: string[]): ToolContext => ({
    ...context(),
    async approve({ tool, question, details }) {
      steps.push(`asked ${tool}: ${question} ${details}`);
      return approved ? { approved } : { approved, reason: "not now" };
    },
  });
  const begin = (steps: string[]) => async () => void steps.push("begin");
  const asked = "asked skill_probe: May skill_probe go on? x";

  test("is asked for after its arguments are checked, and before it begins", async () => {
    const steps: string[] = [];
    const tools = asking("ask", steps);
    const call = (input: object) => tools.call("skill_probe", input, answers(true, steps), begin(steps));
    expect((await call({ wrong: 1 })).isError).toBe(true);
    expect(steps).toEqual([]);
    expect(await call({ word: "x" })).toMatchObject({ text: "done" });
    expect(steps).toEqual(["question", asked, "begin", "run"]);
  });

  test("is not asked for when the right is missing", async () => {
    const steps: string[] = [];
    const caller: Caller = { ...OWNER, scopes: ["read"] };
    const result = await asking("ask", steps).call("skill_probe", {}, { ...answers(true, steps), caller });
    expect([result.isError, steps]).toEqual([true, []]);
  });

  const refused: [string, ApprovalMode, boolean | null, Partial<Caller>, RegExp, string[]][] = [
    ["denied", "ask", false, {}, /not now/, ["question", asked]],
    ["nobody to ask", "ask", null, {}, /nobody can be asked.*tools\.skill\.approval/, ["question"]],
    ["denied by the configuration", "deny", true, {}, /tools\.skill\.approval/, ["question"]],
    ["denied to the caller", "allow", true, { approval: "deny" }, /approval: deny/, ["question"]],
  ];
  for (const [what, mode, approved, held, says, expected] of refused)
    test(`${what}: it never begins, and the model learns why`, async () => {
      const steps: string[] = [];
      const base = approved === null ? context() : answers(approved, steps);
      const caller = { ...OWNER, ...held };
      const result = await asking(mode, steps).call(
        "skill_probe",
        { word: "x" },
        { ...base, caller },
        begin(steps),
      );
      expect(result.isError).toBe(true);
      expect(result.text).toMatch(says);
      expect(steps).toEqual(expected);
    });

  const hidden: [string, string, string][] = [
    ["the cursor of a terminal", "rm x\u001b[2K\u001b[1Als", "rm x<U+001B>[2K<U+001B>[1Als"],
    ["a line that is written over", "rm x\rls", "rm x<U+000D>ls"],
    ["the direction of writing", "ls \u202emr", "ls <U+202E>mr"],
    ["a mark of direction", "a\u200fb\u061cc", "a<U+200F>b<U+061C>c"],
    ["blanks without width", "l\u200bs\u2060\ufeff", "l<U+200B>s<U+2060><U+FEFF>"],
    ["tags", "ls\u{e0072}\u{e006d}", "ls<U+E0072><U+E006D>"],
    ["selectors", "ls\ufe00\u{e0100}", "ls<U+FE00><U+E0100>"],
    ["fillers", "a\u3164b\u115f", "a<U+3164>b<U+115F>"],
    ["separators of lines", "a\u2028b\u2029", "a<U+2028>b<U+2029>"],
    ["half of a pair", "a\ud800", "a<U+D800>"],
    ["lines, tabs and emoji, which stay", "a\n\tb \u2764\ufe0f", "a\n\tb \u2764\ufe0f"],
  ];
  for (const [what, word, shown] of hidden)
    test(`shows what would hide or move a part of it: ${what}`, async () => {
      const steps: string[] = [];
      await asking("ask", steps).call("skill_probe", { word }, answers(true, steps));
      expect(steps[1]).toBe(`asked skill_probe: May skill_probe go on? ${shown}`);
    });

  test("the question is one line, and too long details are denied without asking", async () => {
    const steps: string[] = [];
    const many = { ...probeTool([]), approval: async () => ({ tool: "x", question: "a\nb", details: "" }) };
    await registry([many]).call("skill_probe", {}, answers(true, steps));
    expect(steps).toEqual(["asked x: a<U+000A>b "]);
    const long = { word: "x".repeat(100_001) };
    const result = await asking("ask", steps).call("skill_probe", long, answers(true, steps));
    expect(result.text).toContain("too long for anybody to judge");
    expect(steps.slice(1)).toEqual(["question"]);
  });

  test("without settings every call that needs one asks", async () => {
    const steps: string[] = [];
    const tools = registry([probeTool([], { asks: true })]);
    expect((await tools.call("skill_probe", {}, context())).isError).toBe(true);
    expect((await tools.call("skill_probe", {}, answers(true, steps))).isError).toBeUndefined();
  });

  test("what asking throws is told, and the abort of the signal is thrown", async () => {
    const probe = probeTool([]);
    const failing: Tool = {
      ...probe,
      approval: () => Promise.reject(new AppError("not_found", "There is no such skill.")),
    };
    const told = await registry([failing]).call("skill_probe", {}, context());
    expect(told).toEqual({ text: "There is no such skill.", isError: true });
    const gone = new AbortController();
    const waits: ToolContext = {
      ...context(OWNER, gone.signal),
      approve() {
        gone.abort(new Error("gone"));
        return Promise.reject(gone.signal.reason);
      },
    };
    const call = asking("ask", []).call("skill_probe", {}, waits);
    await expect(call).rejects.toThrow("gone");
  });

  test("what `begin` throws is thrown, and the tool does not run", async () => {
    const ran: string[] = [];
    const call = registry([probeTool(ran)]).call("skill_probe", {}, context(), async () => {
      throw new AppError("conflict", "The run has ended.");
    });
    await expect(call).rejects.toThrow("The run has ended.");
    expect(ran).toEqual([]);
  });
});
