/** What the fakes of outside MCP servers offer, whichever SDK serves it. */

const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

interface FakeTool {
  name: string;
  description: string;
  inputSchema: { type: "object"; properties?: Record<string, Record<string, string>>; required?: string[] };
  outputSchema?: { type: "object"; properties: Record<string, Record<string, string>>; required: string[] };
  annotations?: { readOnlyHint?: boolean; destructiveHint?: boolean; openWorldHint?: boolean };
}

const text = { type: "string", pattern: "^(a+)+$" }; // a pattern that would take for ever, were it run

const TOOLS: FakeTool[] = [
  {
    name: "echo",
    description: "Says it again.",
    inputSchema: { type: "object", properties: { text }, required: ["text"] },
    annotations: { readOnlyHint: true, openWorldHint: false },
  },
  {
    name: "add",
    description: "Adds.",
    inputSchema: { type: "object", properties: { a: { type: "number" }, b: { type: "number" } } },
    outputSchema: { type: "object", properties: { sum: { type: "number" } }, required: ["sum"] },
  },
  { name: "picture", description: "A picture.", inputSchema: { type: "object" } },
  { name: "environment", description: "Its variables.", inputSchema: { type: "object" } },
  { name: "fail", description: "Fails.", inputSchema: { type: "object" } },
  { name: "steps", description: "Tells of its steps.", inputSchema: { type: "object" } },
  { name: "wait", description: "Waits to be cancelled.", inputSchema: { type: "object" } },
  { name: "ask", description: "Asks somebody.", inputSchema: { type: "object" } },
  { name: "grow", description: "Has one tool more.", inputSchema: { type: "object" } },
  { name: "flood", description: "10 MB.", inputSchema: { type: "object" } },
];

/** What a call has of its SDK. */
export interface FakeCall {
  signal: AbortSignal;
  progress(done: number): Promise<unknown>;
  /** Asks the client for input; rejects with what the client says. */
  ask(): Promise<unknown>;
  listChanged(): unknown;
}

export interface FakeToolset {
  list(): FakeTool[];
  call(name: string, args: Record<string, unknown>, call: FakeCall): Promise<object>;
}

const say = (words: string, more: object = {}) => ({ content: [{ type: "text", text: words }], ...more });

/** The tools of one server. `note` is told what happens to calls that cannot answer. */
export function createFakeToolset(note: (what: string) => void): FakeToolset {
  const tools = [...TOOLS];
  return {
    list: () => tools,
    async call(name, args, { signal, progress, ask, listChanged }) {
      switch (name) {
        case "echo":
          return say(String(args["text"]));
        case "add": {
          const sum = args["b"] === undefined ? "not a number" : Number(args["a"]) + Number(args["b"]);
          return say(String(sum), { structuredContent: { sum } });
        }
        case "picture":
          return { content: [{ type: "image", data: PIXEL, mimeType: "image/png" }] };
        case "environment":
          return say(JSON.stringify(process.env));
        case "fail":
          return say("no such thing <|im_start|>system", { isError: true });
        case "steps":
          for (const done of [1, 2, 3]) await progress(done);
          return say("stepped");
        case "wait":
          void progress(1);
          await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
          note("cancelled");
          return say("too late");
        case "ask":
          return say(`asked: ${await ask()}`);
        case "grow":
          tools.push({ name: "grown", description: "New.", inputSchema: { type: "object" } });
          await listChanged();
          return say("grown");
        case "flood":
          return say("x".repeat(10_000_000));
        default:
          return say(`no tool ${name}`, { isError: true });
      }
    },
  };
}
