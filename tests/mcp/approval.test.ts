import { describe, expect, test } from "bun:test";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { serveMcpStdio } from "../../src/mcp/stdio.ts";
import {
  CLIENT_KINDS,
  type ClientKind,
  connect,
  type ElicitAnswer,
  MODERN,
  OWNER,
  openTestMcp,
  postModern,
  type TestMcp,
  testTool,
  textOf,
} from "../support/mcp.ts";
import { quietLog } from "../support/store.ts";

/** A tool that must be agreed to, and the words that it ran with. */
function guardedTool(ran: string[]) {
  return testTool(
    "terminal_guarded",
    (_context, word) => {
      ran.push(word);
      return `ran ${word}`;
    },
    {
      approval: async (input) => ({
        tool: "terminal_guarded",
        question: "Run it?",
        details: String((input as { word?: string }).word),
      }),
    },
  );
}

async function callGuarded(mcp: TestMcp, kind: ClientKind, answer?: ElicitAnswer) {
  const asked: string[] = [];
  const elicit = (message: string) => {
    asked.push(message);
    return answer as ElicitAnswer;
  };
  await using client = await connect(kind, mcp.url, answer ? { elicit } : {});
  const result = await client.callTool({ name: "terminal_guarded", arguments: { word: "rm -rf x" } });
  return { asked, text: textOf(result), isError: result.isError === true };
}

describe.each(CLIENT_KINDS)("%s", (kind) => {
  const cases: { name: string; answer?: ElicitAnswer; runs: boolean; says: string }[] = [
    {
      name: "a tick",
      answer: { action: "accept", content: { approve: true } },
      runs: true,
      says: "ran rm -rf x",
    },
    {
      name: "no tick",
      answer: { action: "accept", content: { approve: false } },
      runs: false,
      says: "said no",
    },
    { name: "a refusal", answer: { action: "decline" }, runs: false, says: "said no" },
    { name: "a closed question", answer: { action: "cancel" }, runs: false, says: "without an answer" },
    { name: "nobody to ask", runs: false, says: "offers no elicitation" },
  ];
  for (const { name, answer, runs, says } of cases)
    test(`${name}: it ${runs ? "runs" : "does not run"}`, async () => {
      const ran: string[] = [];
      await using mcp = await openTestMcp({ tools: [guardedTool(ran)] });
      const { asked, text, isError } = await callGuarded(mcp, kind, answer);
      expect(text).toContain(says);
      expect(isError).toBe(!runs);
      expect(ran).toEqual(runs ? ["rm -rf x"] : []);
      expect(asked).toEqual(answer ? ["Run it?\n\nrm -rf x"] : []);
    });
});

test("over stdio in the modern era what a client can do counts request by request", async () => {
  await using mcp = await openTestMcp({ tools: [guardedTool([])] });
  const input = new PassThrough();
  const output = new PassThrough();
  const { features, config } = mcp;
  const signal = new AbortController().signal;
  const parts = { features, config, caller: () => OWNER, version: "0.0.0-test", input, output, signal };
  const served = serveMcpStdio({ ...parts, log: quietLog() });
  async function ask(id: number, clientCapabilities: unknown): Promise<unknown> {
    const prefix = "io.modelcontextprotocol/";
    const _meta = {
      [`${prefix}protocolVersion`]: MODERN,
      [`${prefix}clientInfo`]: { name: "test", version: "1" },
      [`${prefix}clientCapabilities`]: clientCapabilities,
    };
    const params = { name: "terminal_guarded", arguments: { word: "ls" }, _meta };
    input.write(`${JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params })}\n`);
    const [line] = await once(output, "data");
    return JSON.parse(String(line)).result.resultType;
  }
  expect(await ask(1, { elicitation: { form: {} } })).toBe("input_required");
  expect(await ask(2, {})).toBe("complete");
  expect(await ask(3, { elicitation: {} })).toBe("input_required");
  input.end();
  await served;
});

describe("the state of a question in the modern era", () => {
  const ASKED = { name: "terminal_guarded", arguments: { word: "ls" } };
  const YES = { approval: { action: "accept", content: { approve: true } } };

  async function askedState(mcp: TestMcp, key = "none"): Promise<string> {
    const answer = await postModern(mcp.url, "tools/call", ASKED, CAN_BE_ASKED(key));
    const { result } = (await answer.json()) as { result: { resultType: string; requestState: string } };
    expect(result.resultType).toBe("input_required");
    return result.requestState;
  }
  const CAN_BE_ASKED = (key = "none") => ({ key, capabilities: { elicitation: { form: {} } } });

  async function again(mcp: TestMcp, change: Record<string, unknown>, key = "none") {
    const params = { ...ASKED, inputResponses: YES, ...change };
    const answer = await postModern(mcp.url, "tools/call", params, CAN_BE_ASKED(key));
    return (await answer.json()) as { result?: { resultType?: string }; error?: { code: number } };
  }

  test("control: with its own state the answer counts", async () => {
    const ran: string[] = [];
    await using mcp = await openTestMcp({ tools: [guardedTool(ran)] });
    await again(mcp, { requestState: await askedState(mcp) });
    expect(ran).toEqual(["ls"]);
  });

  const attacks: [name: string, change: (state: string) => Record<string, unknown>, key: string][] = [
    ["without a state", () => ({}), "none"],
    ["with a state that was changed", (state) => ({ requestState: `${state.slice(0, -2)}AA` }), "none"],
    ["with a state of nobody", () => ({ requestState: "v1.e30.e30" }), "none"],
    ["for other arguments", (state) => ({ requestState: state, arguments: { word: "rm" } }), "none"],
    ["with the state of another key", (state) => ({ requestState: state }), "other"],
  ];
  for (const [name, change, key] of attacks)
    test(`an answer ${name} counts for nothing`, async () => {
      const ran: string[] = [];
      await using mcp = await openTestMcp({ tools: [guardedTool(ran)] });
      const { result, error } = await again(mcp, change(await askedState(mcp)), key);
      expect(error?.code === -32602 || result?.resultType === "input_required").toBe(true);
      expect(ran).toEqual([]);
    });

  test("a state that is too old counts for nothing", async () => {
    const ran: string[] = [];
    await using mcp = await openTestMcp({ tools: [guardedTool(ran)], requestStateTtlMs: -5_000 });
    expect((await again(mcp, { requestState: await askedState(mcp) })).error?.code).toBe(-32602);
    expect(ran).toEqual([]);
  });
});
