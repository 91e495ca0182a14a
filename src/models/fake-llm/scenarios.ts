import { ordersIn, withResult } from "./orders.ts";
import { sampleArguments } from "./sample.ts";
import type { Answer, FakeMessage, FakeRequest, Travel } from "./wire.ts";

/** What a scenario makes of a request. */
export type Reply =
  | { answer: Answer; travel?: Travel }
  | { status: number; message: string; type?: string; headers?: Record<string, string> }
  | { body: string | Uint8Array<ArrayBuffer>; headers: Record<string, string> }
  | "silence";

export interface Context {
  request: FakeRequest;
  /** Text of the last user message. */
  userText: string;
  /** The tool results since that message, oldest first. */
  toolResults: FakeMessage[];
  /** The first group of the pattern as a number, 0 when it is none. */
  number: number;
  /** The last group of the pattern. */
  word: string;
  /** The name ends in `-once` and this caller has sent this message before: nothing goes wrong any more. */
  over: boolean;
}

export interface Scenario {
  /** A model name that plays it, with sample numbers: what `GET /v1/models` lists. */
  example: string;
  /** The names that play it; the first group is the number or the word. */
  pattern: RegExp;
  does: string;
  reply(context: Context): Reply;
}

const say = (text: string | string[], travel?: Travel): Reply => ({
  answer: { text: typeof text === "string" ? (text.match(/[\s\S]{1,12}/gu) ?? [""]) : text, finish: "stop" },
  ...(travel ? { travel } : {}),
});
const words = (count: number): string[] => Array.from({ length: count }, (_, i) => `word${i + 1} `);
const isChinese = (text: string): boolean => /\p{Script=Han}/u.test(text);

function greeting({ userText }: Context): string {
  if (isChinese(userText))
    return `你好！我是 Hermes 自带的假模型，背后没有真正的人工智能。你刚才说：「${userText}」。配置一个模型服务商的密钥，就能和真正的模型对话。`;
  return `Hello! I am the fake model that ships with Hermes: there is no real AI behind me. You said: "${userText}". Set the key of a model provider to talk to a real one.`;
}

/** Calls as an answer; every id is new. */
function call(calls: { name: string; arguments: string }[], ids?: (index: number) => string | null): Reply {
  const toolCalls = calls.map((each, index) => ({ id: ids ? ids(index) : newCallId(), ...each }));
  return { answer: { toolCalls, finish: "tool_calls" } };
}
let callCount = 0;
function newCallId(): string {
  callCount += 1;
  return `call_fake_${callCount}`;
}

/** `count` calls of the offered tools in turn, then an answer from their results. */
function callOffered(context: Context, count: number, ids?: (index: number) => string | null): Reply {
  const { request, toolResults, userText } = context;
  if (toolResults.length > 0) return say(summary(toolResults));
  if (request.tools.length === 0) return say("I was offered no tools.");
  const { tools } = request;
  const offered = Array.from({ length: count }, (_, i) => tools[i % tools.length]).filter(
    (tool) => tool !== undefined,
  );
  return call(
    offered.map(({ name, parameters }) => ({
      name,
      arguments: JSON.stringify(sampleArguments(parameters, userText)),
    })),
    ids,
  );
}

function summary(results: FakeMessage[]): string {
  return `The tools answered: ${results.map((result) => result.text).join(" | ")}`;
}

/** The `call NAME {json}` lines of a text. */
function scripted(text: string): { name: string; arguments: string }[] {
  return [...text.matchAll(/^\s*call ([A-Za-z0-9_-]+)\s*(\{.*\})?\s*$/gm)].map((line) => ({
    name: line[1] ?? "",
    arguments: line[2] ?? "{}",
  }));
}

function playScript({ userText, toolResults }: Context): Reply {
  const next = scripted(userText)[toolResults.length];
  if (next) return call([next]);
  const said = /^\s*say (.*)$/m.exec(userText)?.[1];
  return say(
    said ?? (toolResults.length > 0 ? summary(toolResults) : "There is no call line in your message."),
  );
}

function obey({ request, toolResults }: Context): Reply {
  const orders = request.messages
    .filter((message) => message.role !== "assistant")
    .flatMap((message) => ordersIn(message.text));
  const obeyed = request.messages.reduce((sum, message) => sum + message.toolCalls.length, 0);
  const next = orders[obeyed];
  const lastResult = toolResults.at(-1)?.text ?? "";
  if (next) return call([{ name: next.name, arguments: withResult(next.arguments, lastResult) }]);
  return say(toolResults.length > 0 ? summary(toolResults) : "Nobody told me to call anything.");
}

const THOUGHT = ["Let me think. ", "The user wants an answer. ", "I shall give one."];

/** Thinks, calls the first tool, and insists like its real kin on getting its thoughts back with the results. */
function think(context: Context): Reply {
  const { request, toolResults, userText } = context;
  if (toolResults.length > 0) {
    const forgotten = request.messages
      .slice(request.messages.findLastIndex((message) => message.role === "user"))
      .some((message) => message.toolCalls.length > 0 && message.reasoning !== THOUGHT.join(""));
    if (forgotten)
      return {
        status: 400,
        message: "The reasoning_content in the thinking mode must be passed back to the API.",
      };
    return { answer: { reasoning: ["Now I know."], text: [summary(toolResults)], finish: "stop" } };
  }
  const reply = request.tools.length > 0 ? callOffered(context, 1) : say(`I thought about "${userText}".`);
  if (typeof reply === "string" || !("answer" in reply)) return reply;
  return { answer: { ...reply.answer, reasoning: THOUGHT } };
}

const failing =
  (status: number, message: string, more: { type?: string; headers?: Record<string, string> } = {}) =>
  (context: Context): Reply =>
    context.over ? say(greeting(context)) : { status, message, ...more };
const cutting =
  (unit: "events" | "bytes", how: "end" | "stall" | "reset") =>
  (context: Context): Reply =>
    context.over ? say(greeting(context)) : say(words(50), { cut: { after: context.number, unit, how } });

const BOMB_BYTES = 128 * 1024 * 1024;
let bomb: Uint8Array<ArrayBuffer> | undefined;

/** Every scenario: how it is called and what it does. The first pattern that matches the model name plays. */
export const SCENARIOS: readonly Scenario[] = [
  {
    example: "hello",
    pattern: /^hello$/,
    does: "a friendly text that says it is a fake and repeats your message, in Chinese when you write Chinese",
    reply: (context) => say(greeting(context)),
  },
  { example: "echo", pattern: /^echo$/, does: "your last message", reply: ({ userText }) => say(userText) },
  {
    example: "recall",
    pattern: /^recall$/,
    does: "all your messages of this conversation, one a line",
    reply: ({ request }) => {
      const users = request.messages.filter((message) => message.role === "user");
      return say(users.map((message) => message.text).join("\n"));
    },
  },
  {
    example: "text-100",
    pattern: /^text-(\d+)$/,
    does: "N chunks of text",
    reply: ({ number }) => say(words(number)),
  },
  {
    example: "text-100-every-20",
    pattern: /^text-(\d+)-every-(\d+)$/,
    does: "N chunks of text, MS milliseconds apart",
    reply: ({ number, word }) => say(words(number), { betweenMs: Number(word) }),
  },
  {
    example: "slow-100",
    pattern: /^slow-(\d+)$/,
    does: "20 chunks of text, MS milliseconds apart",
    reply: ({ number }) => say(words(20), { betweenMs: number }),
  },
  {
    example: "first-1000",
    pattern: /^first-(\d+)$/,
    does: "nothing for MS milliseconds, then an answer",
    reply: (context) => say(greeting(context), { firstMs: context.number }),
  },
  {
    example: "tool",
    pattern: /^tool$/,
    does: "calls the first offered tool, then answers from its result",
    reply: (context) => callOffered(context, 1),
  },
  {
    example: "tools-3",
    pattern: /^tools-(\d+)$/,
    does: "N calls at once, of the offered tools in turn, then an answer",
    reply: (context) => callOffered(context, context.number),
  },
  {
    example: "tool-memory_list",
    pattern: /^tool-([A-Za-z]\w*)$/,
    does: "calls the offered tool NAME, then answers from its result",
    reply: (context) => {
      const tools = context.request.tools.filter((tool) => tool.name === context.word);
      return callOffered({ ...context, request: { ...context.request, tools } }, 1);
    },
  },
  {
    example: "script",
    pattern: /^script$/,
    does: "obeys the lines `call NAME {json}` of your last message, one a step, then says its `say TEXT` line or the results",
    reply: playScript,
  },
  {
    example: "obedient",
    pattern: /^obedient$/,
    does: "obeys every `call NAME {json}` of every message and tool result, offered or not, $RESULT being the last result: for injection tests",
    reply: obey,
  },
  {
    example: "think",
    pattern: /^think$/,
    does: "reasoning first; with tools it calls one, and refuses with 400 when its reasoning does not come back",
    reply: think,
  },
  {
    example: "429",
    pattern: /^429(-once)?$/,
    does: "429 with Retry-After; -once: only the first time",
    reply: failing(429, "Rate limit reached for the fake.", {
      type: "rate_limit_error",
      headers: { "retry-after": "1", "retry-after-ms": "20" },
    }),
  },
  {
    example: "500",
    pattern: /^500(-once)?$/,
    does: "500; -once: only the first time",
    reply: failing(500, "The fake failed on purpose.", { type: "server_error" }),
  },
  {
    example: "503",
    pattern: /^503(-once)?$/,
    does: "503; -once: only the first time",
    reply: failing(503, "The fake is unavailable on purpose.", { type: "server_error" }),
  },
  {
    example: "529",
    pattern: /^529(-once)?$/,
    does: "529, overloaded; -once: only the first time",
    reply: failing(529, "The fake is overloaded on purpose.", { type: "overloaded_error" }),
  },
  {
    example: "401",
    pattern: /^401$/,
    does: "401, as for a wrong key",
    reply: failing(401, "Incorrect API key provided.", { type: "invalid_request_error" }),
  },
  {
    example: "400",
    pattern: /^400$/,
    does: "400, as for a bad request",
    reply: failing(400, "The fake refuses this request on purpose.", { type: "invalid_request_error" }),
  },
  {
    example: "reset-600",
    pattern: /^reset-(\d+)(-once)?$/,
    does: "the connection is destroyed after K bytes of the body; -once: only the first time",
    reply: cutting("bytes", "reset"),
  },
  {
    example: "stall",
    pattern: /^stall$/,
    does: "no answer at all, the connection stays open",
    reply: () => "silence",
  },
  {
    example: "stall-3",
    pattern: /^stall-(\d+)(-once)?$/,
    does: "stops after K chunks and stays open; -once: only the first time",
    reply: cutting("events", "stall"),
  },
  {
    example: "truncated-3",
    pattern: /^truncated-(\d+)(-once)?$/,
    does: "ends after K chunks without a terminal event; -once: only the first time",
    reply: cutting("events", "end"),
  },
  {
    example: "badjson",
    pattern: /^badjson$/,
    does: "one event whose JSON is broken",
    reply: () => say(words(5), { corruptEvent: 3 }),
  },
  {
    example: "badutf8",
    pattern: /^badutf8$/,
    does: "correct text with multi-byte characters split over writes",
    reply: () => say("一切都好 ✓ 🙂 héllo", { pieceBytes: 5 }),
  },
  {
    example: "slice",
    pattern: /^slice$/,
    does: "one byte per write",
    reply: () => say("你好 one byte at a time", { pieceBytes: 1 }),
  },
  {
    example: "endless",
    pattern: /^endless$/,
    does: "text that never ends",
    reply: () => say(["endless ".repeat(1000)], { endless: true }),
  },
  {
    example: "dup-ids",
    pattern: /^dup-ids$/,
    does: "two tool calls with the same id",
    reply: (context) => callOffered(context, 2, () => "call_same"),
  },
  {
    example: "missing-ids",
    pattern: /^missing-ids$/,
    does: "two tool calls without ids",
    reply: (context) => callOffered(context, 2, () => null),
  },
  {
    example: "html",
    pattern: /^html$/,
    does: "a web page with status 200",
    reply: () => ({
      body: "<!doctype html><title>Sign in</title><p>Please sign in to the network.",
      headers: { "content-type": "text/html; charset=utf-8" },
    }),
  },
  {
    example: "length",
    pattern: /^length$/,
    does: "an answer cut off by the token limit (finish_reason length)",
    reply: () => ({ answer: { text: words(10), finish: "length" } }),
  },
  {
    example: "gzip-bomb",
    pattern: /^gzip-bomb$/,
    does: "128 MB of events, compressed to a few hundred kilobytes",
    reply: () => {
      bomb ??= Bun.gzipSync(Buffer.alloc(BOMB_BYTES, 'data: {"choices":[{"delta":{"content":""}}]}\n\n'));
      return { body: bomb, headers: { "content-type": "text/event-stream", "content-encoding": "gzip" } };
    },
  },
];
