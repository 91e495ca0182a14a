import { inputRequired, Server } from "@modelcontextprotocol/server";
import type { FakeToolset } from "./mcp-tools.ts";
import { pageOf } from "./mcp-v1.ts";

/** An MCP server of the current SDK, which speaks 2026-07-28 and the revisions before. */
export function createV2Server(toolset: FakeToolset, toolsChanged?: () => void): Server {
  const server = new Server(
    { name: "fake-v2", version: "2.0.0" },
    { capabilities: { tools: { listChanged: true } } },
  );
  server.setRequestHandler("tools/list", ({ params }) => pageOf(toolset, params?.cursor));
  server.setRequestHandler("tools/call", async ({ params }, ctx) => {
    if (params.name === "ask")
      return inputRequired({
        inputRequests: {
          who: inputRequired.elicit({
            message: "Who?",
            requestedSchema: { type: "object", properties: { name: { type: "string" } } },
          }),
        },
      });
    return (await toolset.call(params.name, params.arguments ?? {}, {
      signal: ctx.mcpReq.signal,
      progress: async (progress) => {
        const progressToken = ctx.mcpReq._meta?.progressToken;
        if (progressToken !== undefined)
          await ctx.mcpReq.notify({
            method: "notifications/progress",
            params: { progressToken, progress, total: 3, message: `step ${progress}` },
          });
      },
      ask: () => Promise.reject(new Error("asked otherwise")),
      listChanged: toolsChanged ?? (() => server.sendToolListChanged()),
    })) as { content: [] };
  });
  return server;
}
