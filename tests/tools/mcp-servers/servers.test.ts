import { describe, expect, test } from "bun:test";
import type { ApprovalRequest, Caller } from "../../../src/tools/contract.ts";
import { policy } from "../../../src/tools/policy.ts";
import { fakeServer, isRunning, OWNER, openMcpBench } from "../../support/mcp-servers.ts";

const v2 = (more: object = {}) => ({ ...fakeServer("mcp-stdio.ts", "v2"), ...more });
const rogue = (mode: string, more: object = {}) => ({ ...fakeServer("mcp-rogue.ts", mode), ...more });

describe("the environment of a server", () => {
  test("is what it needs and what its entry says, and nothing of Hermes", async () => {
    const canaries = [
      "OPENAI_API_KEY",
      "HERMES_HOME",
      "HERMES_API_KEY",
      "AWS_SECRET_ACCESS_KEY",
      "LD_PRELOAD_X",
    ];
    const before = canaries.map((name) => process.env[name]);
    for (const name of canaries) process.env[name] = "canary-of-hermes";
    try {
      await using bench = await openMcpBench({ fake: v2({ env: { MINE: "canary-of-mine" } }) });
      const { text } = await bench.call("mcp_fake_environment");
      expect(text).toContain('"MINE":"canary-of-mine"');
      expect(text).toContain('"PATH"');
      expect(text).not.toContain("canary-of-hermes");
      expect(bench.lines.join("")).not.toContain("canary-of-mine");
    } finally {
      for (const [i, name] of canaries.entries()) {
        const value = before[i];
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  });

  test("arguments reach the program as they stand, without a shell; what it writes is redacted", async () => {
    await using bench = await openMcpBench({
      fake: {
        command: process.execPath,
        args: ["-e", "console.error(process.env.MINE, process.argv.at(-1))", "$(id); `id` * > /tmp/x"],
        env: { MINE: "canary-of-mine" },
      },
    });
    const line = await bench.logged(/what=stderr/);
    expect(line).toContain("[redacted] $(id); `id` * > /tmp/x");
    expect(line).not.toContain("canary-of-mine");
  });
});

describe("the configuration", () => {
  test("servers are added, changed and taken away while Hermes runs", async () => {
    await using bench = await openMcpBench({});
    expect([bench.names(), bench.servers.status()]).toEqual([[], []]);
    const empty = bench.servers.tools();
    expect(bench.servers.tools()).toBe(empty);

    bench.configure({ one: rogue("well"), two: rogue("well") });
    await bench.servers.ready();
    expect(bench.names()).toEqual(["mcp_one_poke", "mcp_two_poke"]);
    const pid = async (name: string) => Number((await bench.call(name)).text.match(/poke (\d+)/)?.[1]);
    const [first, second] = [await pid("mcp_one_poke"), await pid("mcp_two_poke")];

    // What needs no new connection gets none.
    bench.configure({
      one: rogue("well", { timeout_ms: 5000, approval: "deny" }),
      two: rogue("well", { tools: [] }),
    });
    expect(bench.names()).toEqual(["mcp_one_poke"]);
    bench.configure({ one: rogue("well"), two: rogue("well", { env: { A: "b" } }) });
    await bench.servers.ready();
    expect(await pid("mcp_one_poke")).toBe(first);
    expect(await pid("mcp_two_poke")).not.toBe(second);

    bench.configure({ one: rogue("well", { enabled: false }) });
    expect(bench.names()).toEqual([]);
    expect((await bench.call("mcp_one_poke")).text).toContain("There is no tool mcp_one_poke");
    await bench.servers.stop();
    expect([first, second].map(isRunning)).toEqual([false, false]);
  });

  test("without the group mcp nothing is started", async () => {
    await using bench = await openMcpBench({ one: rogue("well") });
    expect(bench.names()).toEqual(["mcp_one_poke"]);
    bench.configure({ one: rogue("well") }, ["memory"]);
    expect([bench.names(), bench.servers.status()]).toEqual([[], []]);
  });

  test("a server that hangs holds up no other", async () => {
    await using bench = await openMcpBench({});
    bench.configure({ bad: rogue("hangs-at-greeting"), good: rogue("well") });
    await bench.logged(/is connected/);
    expect(bench.names()).toEqual(["mcp_good_poke"]);
    expect(bench.servers.status().map(({ name, state }) => [name, state])).toEqual([
      ["bad", "connecting"],
      ["good", "ready"],
    ]);
  });
});

describe("rights", () => {
  const callers: [what: string, caller: Caller, allowed: boolean][] = [
    ["the owner", OWNER, true],
    ["the scope tools", { ...OWNER, scopes: ["tools"] }, true],
    ["the scopes read and chat", { ...OWNER, scopes: ["read", "chat"] }, false],
    ["no scope", { ...OWNER, scopes: [] }, false],
    ["narrowed to the group", { ...OWNER, tools: ["mcp"] }, true],
    ["narrowed to the tool", { ...OWNER, tools: ["mcp_fake_fail"] }, true],
    ["narrowed to another tool", { ...OWNER, tools: ["mcp_fake_add", "web"] }, false],
  ];
  test("are those of every tool", async () => {
    await using bench = await openMcpBench({ fake: v2({ tools: ["fail", "echo"] }) });
    const fail = bench.servers.tools().find((tool) => tool.name === "mcp_fake_fail");
    if (!fail) throw new Error("the fake has no tool fail");
    for (const [what, caller, allowed] of callers) {
      expect([what, policy(fail, caller).allowed]).toEqual([what, allowed]);
      const { text } = await bench.call("mcp_fake_fail", {}, { caller });
      expect([what, text.includes("no such thing")]).toEqual([what, allowed]);
    }
    expect(bench.registry.narrow(OWNER, ["mcp"]).tools).toEqual(["mcp_fake_echo", "mcp_fake_fail"]);
  });

  const modes: [mode: string | undefined, answer: boolean, fails: boolean, asked: number][] = [
    [undefined, true, true, 0],
    ["allow", true, true, 0],
    ["ask", true, true, 1],
    ["ask", false, false, 1],
    ["deny", true, false, 0],
  ];
  for (const [approval, answer, ran, asked] of modes)
    test(`approval ${approval ?? "not set"}, answered with ${answer ? "yes" : "no"}`, async () => {
      await using bench = await openMcpBench({ fake: v2(approval ? { approval } : {}) });
      const requests: ApprovalRequest[] = [];
      const approve = async (request: ApprovalRequest) => {
        requests.push(request);
        return answer ? ({ approved: true } as const) : ({ approved: false, reason: "No." } as const);
      };
      const { text } = await bench.call("mcp_fake_fail", { a: 1 }, { approve });
      expect(text.includes("no such thing")).toBe(ran);
      expect(requests).toHaveLength(asked);
      if (asked)
        expect(requests[0]).toEqual({
          tool: "mcp_fake_fail",
          question: "Call the tool fail of the outside MCP server fake?",
          details: '{\n  "a": 1\n}',
        });
      // What is marked as only reading needs nobody.
      expect((await bench.call("mcp_fake_echo", { text: "x" }, { approve })).text).toMatch(/^x$/m);
      expect(requests).toHaveLength(asked);
    });
});
