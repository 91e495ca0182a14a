// A fake of an OpenAI-compatible model that costs as little as it can, so that both sides of a comparison have the
// processor to themselves. The model's name is the script: `instant`, `never`, or `paced-CHUNKS-MS`. Every chunk of text
// holds one "~", which the clients count.
const encoder = new TextEncoder();
const frame = (delta: object, finish: string | null = null) =>
  encoder.encode(
    `data: ${JSON.stringify({
      id: "chatcmpl-bench",
      object: "chat.completion.chunk",
      created: 1,
      model: "bench",
      choices: [{ index: 0, delta, finish_reason: finish }],
    })}\n\n`,
  );
const usage = { prompt_tokens: 10, completion_tokens: 10, total_tokens: 20 };
const FIRST = frame({ role: "assistant", content: "" });
const CHUNK = frame({ content: "~words " });
const LAST = Buffer.concat([
  frame({}, "stop"),
  encoder.encode(
    `data: ${JSON.stringify({ id: "chatcmpl-bench", object: "chat.completion.chunk", created: 1, model: "bench", choices: [], usage })}\n\n`,
  ),
  encoder.encode("data: [DONE]\n\n"),
]);
const INSTANT = Buffer.concat([FIRST, CHUNK, LAST]);
const COMPLETION = {
  id: "chatcmpl-bench",
  object: "chat.completion",
  created: 1,
  model: "bench",
  choices: [{ index: 0, message: { role: "assistant", content: "~words " }, finish_reason: "stop" }],
  usage,
};

function paced(chunks: number, everyMs: number): ReadableStream<Uint8Array> {
  let timer: Timer | undefined;
  return new ReadableStream({
    start(controller) {
      let left = chunks;
      controller.enqueue(FIRST);
      timer = setInterval(() => {
        controller.enqueue(CHUNK);
        if (--left > 0) return;
        clearInterval(timer);
        controller.enqueue(LAST);
        controller.close();
      }, everyMs);
    },
    cancel: () => clearInterval(timer),
  });
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  routes: {
    "/v1/models": () => Response.json({ object: "list", data: [{ id: "instant", object: "model" }] }),
    "/v1/chat/completions": {
      async POST(request) {
        const { model, stream } = (await request.json()) as { model: string; stream?: boolean };
        const headers = { "content-type": "text/event-stream" };
        if (model === "never") return new Response(new ReadableStream({}), { headers });
        const [, chunks, everyMs] = model.match(/^paced-(\d+)-(\d+)$/) ?? [];
        if (chunks) return new Response(paced(Number(chunks), Number(everyMs)), { headers });
        return stream ? new Response(INSTANT, { headers }) : Response.json(COMPLETION);
      },
    },
  },
});
console.log(`listening at ${server.url.origin}`);

export {}; // a module: its names are its own
