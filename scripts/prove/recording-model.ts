/**
 * An OpenAI-compatible model that does what the user's message asks and keeps a record of every call. It is no part of
 * Hermes and outlives its kills: what it saw is what was really asked of a model.
 */
export interface RecordingModel {
  readonly url: string;
  /** The calls for a message, oldest first. */
  calls(text: string): readonly ModelCall[];
  /** Every message that was asked about. */
  texts(): Iterable<string>;
  /** Messages whose last call has not been answered to its end. */
  unanswered(): string[];
  /** From here on calls belong to the next life of the server. */
  nextLife(): void;
  stop(): Promise<void>;
}

export interface ModelCall {
  /** What it answered with. */
  step: "tool" | "answer";
  /** Which life of the server asked. */
  life: number;
  startedAt: number;
  /** When the last byte was handed over; null while it streams or when the caller went away. */
  completedAt: number | null;
}

export interface Script {
  name: string;
  chunks: number;
  /** Between two chunks. */
  everyMs: number;
  /** Ask for one `todolist_create` with the name as title before the answer. */
  tool?: boolean;
  /** So many times break the answer off half-way, without a terminal event. */
  cuts?: number;
}

/** The message that makes the model follow the script. */
export function promptFor({ name, chunks, everyMs, tool, cuts }: Script): string {
  return `prove ${name} chunks=${chunks} every=${everyMs}${cuts ? ` cuts=${cuts}` : ""}${tool ? " tool" : ""}`;
}

const PROMPT = /prove (\S+) chunks=(\d+) every=(\d+)(?: cuts=(\d+))?( tool)?/;

function parsePrompt(text: string): Script | null {
  const match = text.match(PROMPT);
  if (!match) return null;
  return {
    name: match[1] ?? "",
    chunks: Number(match[2]),
    everyMs: Number(match[3]),
    cuts: Number(match[4] ?? 0),
    tool: match[5] !== undefined,
  };
}

function chunksOf({ name, chunks }: Script): string[] {
  return [`Answer to ${name}:`, ...Array.from({ length: chunks - 1 }, (_, i) => ` 第${i + 1}句`)];
}

/** The one right answer to a prompt. */
export function answerTo(prompt: string): string {
  const script = parsePrompt(prompt);
  return script ? chunksOf(script).join("") : "";
}

interface WireMessage {
  role: string;
  content: string | null | { type: string; text?: string }[];
}

function plainText({ content }: WireMessage): string {
  if (typeof content === "string") return content;
  return (content ?? []).map((part) => part.text ?? "").join("\n");
}

const encoder = new TextEncoder();
function frame(delta: object, finish: string | null = null): Uint8Array {
  const choices = [{ index: 0, delta, finish_reason: finish }];
  const chunk = {
    id: "chatcmpl-prove",
    object: "chat.completion.chunk",
    created: 1,
    model: "prove",
    choices,
  };
  return encoder.encode(`data: ${JSON.stringify(chunk)}\n\n`);
}

const DONE = encoder.encode("data: [DONE]\n\n");

function framesFor(step: ModelCall["step"], script: Script, callId: string): Uint8Array[] {
  if (step === "answer")
    return [...chunksOf(script).map((content) => frame({ content })), frame({}, "stop"), DONE];
  const call = {
    index: 0,
    id: callId,
    type: "function",
    function: { name: "todolist_create", arguments: JSON.stringify({ todos: [{ title: script.name }] }) },
  };
  return [frame({ role: "assistant", tool_calls: [call] }), frame({}, "tool_calls"), DONE];
}

/** Starts the model in this process, on loopback. `otherwise`: its answer to what is no message of a proof, which it refuses without. */
export function startRecordingModel({ otherwise }: { otherwise?: string } = {}): RecordingModel {
  const calls = new Map<string, ModelCall[]>();
  let life = 0;
  let made = 0;

  function stream(frames: Uint8Array[], everyMs: number, onEnd: () => void): ReadableStream<Uint8Array> {
    let gone = false;
    return new ReadableStream({
      async start(controller) {
        for (const bytes of frames) {
          if (everyMs > 0) await Bun.sleep(everyMs);
          if (gone) return;
          controller.enqueue(bytes);
        }
        onEnd();
        controller.close();
      },
      cancel() {
        gone = true;
      },
    });
  }

  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    routes: {
      "/v1/models": () => Response.json({ object: "list", data: [{ id: "prove", object: "model" }] }),
      "/v1/chat/completions": {
        async POST(request) {
          const { messages } = (await request.json()) as { messages: WireMessage[] };
          const asked = messages.findLastIndex((message) => message.role === "user");
          const prompt = asked < 0 ? null : plainText(messages[asked] as WireMessage).match(PROMPT)?.[0];
          const script = prompt && parsePrompt(prompt);
          if (!prompt || !script) {
            if (otherwise === undefined)
              return Response.json({ error: { message: "not a message of this proof" } }, { status: 400 });
            const frames = [frame({ content: otherwise }), frame({}, "stop"), DONE];
            return new Response(Buffer.concat(frames), { headers: { "content-type": "text/event-stream" } });
          }
          const answered = messages.slice(asked).some((message) => message.role === "tool");
          const step = script.tool && !answered ? "tool" : "answer";
          const call: ModelCall = { step, life, startedAt: performance.now(), completedAt: null };
          const known = calls.get(prompt);
          if (known) known.push(call);
          else calls.set(prompt, [call]);
          const frames = framesFor(step, script, `call_${++made}`);
          const answers = (calls.get(prompt) ?? []).filter((made) => made.step === "answer").length;
          const cut = step === "answer" && answers <= (script.cuts ?? 0);
          const sent = cut ? frames.slice(0, Math.ceil(frames.length / 2) - 1) : frames;
          const body = stream(sent, script.everyMs, () => {
            if (!cut) call.completedAt = performance.now();
          });
          return new Response(body, { headers: { "content-type": "text/event-stream" } });
        },
      },
    },
  });
  return {
    url: server.url.origin,
    calls: (text) => calls.get(text) ?? [],
    texts: () => calls.keys(),
    unanswered: () =>
      [...calls].filter(([, made]) => made.at(-1)?.completedAt === null).map(([text]) => text),
    nextLife: () => void life++,
    stop: () => server.stop(true),
  };
}
