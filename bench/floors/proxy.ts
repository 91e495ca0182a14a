// The floor under a turn: the least that a server between a client and a model can do. It keeps nothing, checks nothing
// and understands nothing; a stream is handed through as it comes.
const modelUrl = process.argv[2];

interface Chat {
  message: string;
  model: string;
  stream?: boolean;
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  routes: {
    "/chat": {
      async POST(request) {
        const chat = (await request.json()) as Chat;
        const answer = await fetch(`${modelUrl}/v1/chat/completions`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({
            model: chat.model,
            stream: chat.stream ?? false,
            messages: [{ role: "user", content: chat.message }],
          }),
        });
        if (chat.stream)
          return new Response(answer.body, { headers: { "content-type": "text/event-stream" } });
        const completion = (await answer.json()) as { choices: { message: { content: string } }[] };
        return Response.json({ response: completion.choices[0]?.message.content });
      },
    },
  },
});
console.log(`listening at ${server.url.origin}`);

export {}; // a module: its names are its own
