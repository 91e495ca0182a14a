import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { createFakeToolset } from "./mcp-tools.ts";
import { createV1Server } from "./mcp-v1.ts";
import { createV2Server } from "./mcp-v2.ts";

/** An outside MCP server over stdio: `bun mcp-stdio.ts v1|v2`. */
const toolset = createFakeToolset((what) => process.stderr.write(`${what}\n`));
if (process.argv[2] === "v1") await createV1Server(toolset).connect(new StdioServerTransport());
else serveStdio(() => createV2Server(toolset));
