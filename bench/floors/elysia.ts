// The floor under a tool call over HTTP: the same framework with a handler that only answers.
import { Elysia } from "elysia";

const RESULT = {
  jsonrpc: "2.0",
  id: 1,
  result: {
    content: [
      {
        type: "text",
        text: '{"key":"bench","value":"a value","source":"mcp-http","updated_at":1700000000000}',
      },
    ],
    structuredContent: { key: "bench", value: "a value", source: "mcp-http", updated_at: 1_700_000_000_000 },
  },
};

const app = new Elysia().post("/mcp", ({ body }) => ({ ...RESULT, id: (body as { id: number }).id }));
app.listen({ hostname: "127.0.0.1", port: 0 });
console.log(`listening at ${app.server?.url.origin}`);
