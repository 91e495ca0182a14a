// The floor under the cold start, compiled like Hermes: the smallest server that answers /health.
Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2] ?? 0),
  routes: { "/health": () => Response.json({ status: "ok" }) },
});
