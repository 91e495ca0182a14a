import { describe, expect, test } from "bun:test";
import {
  CLIENT_KINDS,
  type ClientKind,
  connect,
  type ElicitAnswer,
  openTestMcp,
  postModern,
  type TestMcp,
  testTool,
  textOf,
} from "../support/mcp.ts";

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
