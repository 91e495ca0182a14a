import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { CallToolRequestSchema, ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import type { FakeToolset } from "./mcp-tools.ts";

/** An MCP server of the maintenance line of the SDK, which speaks revisions up to 2025-11-25. */
export function createV1Server(toolset: FakeToolset): Server {
  const server = new Server(
    { name: "fake-v1", version: "1.0.0" },
    { capabilities: { tools: { listChanged: true } } },
  );
  server.setRequestHandler(ListToolsRequestSchema, ({ params }) => pageOf(toolset, params?.cursor));
  server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) =>
    toolset.call(params.name, params.arguments ?? {}, {
      signal: extra.signal,
      progress: async (progress) => {
        const progressToken = extra._meta?.progressToken;
        if (progressToken !== undefined)
          await extra.sendNotification({
            method: "notifications/progress",
            params: { progressToken, progress, total: 3, message: `step ${progress}` },
          });
      },
      ask: () => server.elicitInput({ message: "Who?", requestedSchema: { type: "object", properties: {} } }),
      listChanged: () => server.sendToolListChanged(),
    }),
  );
  return server;
}

const PAGE = 4;

/** A few tools at a time, so that there are pages. */
export function pageOf(toolset: FakeToolset, cursor: string | undefined) {
  const start = Number(cursor ?? 0);
  const tools = toolset.list();
  const next = start + PAGE;
  return {
    tools: tools.slice(start, next),
    ...(next < tools.length && { nextCursor: String(next) }),
  };
}
