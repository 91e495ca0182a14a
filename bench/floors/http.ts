// The floor under the plain routes: Bun's own server with handlers that do nothing but answer.
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  routes: {
    "/health": () => Response.json({ status: "ok" }),
    "/json": () =>
      Response.json({ key: "bench", value: { text: "a value" }, updated_at: "2026-01-01T00:00:00.000Z" }),
    "/echo": { POST: async (request) => Response.json(await request.json(), { status: 202 }) },
  },
});
console.log(`listening at ${server.url.origin}`);

export {}; // a module: its names are its own
