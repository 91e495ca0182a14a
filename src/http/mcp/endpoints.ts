import { Elysia } from "elysia";
import { AppError } from "../../lib/errors.ts";
import type { McpEndpoint } from "../../mcp/contract.ts";
import { callTool } from "../../mcp/tool-call.ts";
import { listTools } from "../../mcp/tool-objects.ts";
import { type Admission, admittedPlugin, callerOf } from "../admission.ts";
import { json, rpcError, stamped } from "../answers.ts";
import { livenessApi } from "../api/health.ts";
import { asObject, readJson } from "../body.ts";
import { holdOpen, type SurfaceParts } from "../edge.ts";
import { resourceMetadata } from "../oauth/resource.ts";
import { shuttingDown } from "../plugins/refusals.ts";
import type { Work } from "../work.ts";
import { calledTools, type Grants } from "./grants.ts";
import { helpPage } from "./page.ts";
import { ExecuteToolBody, MCP_ROUTES, PAGE } from "./routes.ts";
import type { McpStreams } from "./streams.ts";

export interface McpApiParts extends SurfaceParts {
  endpoint: McpEndpoint;
  grants: Grants;
  streams: McpStreams;
  work: Work;
}

/** What the handlers here take from their context. */
interface Exchange {
  request: Request;
  admission: Admission;
}

/** MCP at `/` and `/mcp`, and beside it the tools for whoever speaks plain HTTP. */
export function mcpApi(parts: McpApiParts) {
  const protocol = (context: Exchange) => serveMcp(parts, context);
  // Each method by itself: a route for all of them is not matched when the header Host is short.
  return new Elysia({ normalize: false })
    .use(livenessApi(parts))
    .use(
      admittedPlugin()
        .get(MCP_ROUTES.listen.path, protocol)
        .post(MCP_ROUTES.send.path, protocol, { parse: "none" })
        .delete(MCP_ROUTES.end.path, protocol, { parse: "none" })
        .get(MCP_ROUTES.listenAtRoot.path, protocol)
        .post(MCP_ROUTES.sendAtRoot.path, protocol, { parse: "none" })
        .delete(MCP_ROUTES.endAtRoot.path, protocol, { parse: "none" }),
    )
    .use(toolsApi(parts))
    .use(metadataApi(parts));
}

/** `GET /tools` and `POST /execute`: the same tools, rights and results as by MCP. */
function toolsApi(parts: McpApiParts) {
  const { tools, grants, work, stopping } = parts;
  return admittedPlugin()
    .get(MCP_ROUTES.tools.path, async ({ request, admission }) => {
      await admission.verify?.();
      grants.check(request, admission, []);
      return json(admission, { tools: listTools(tools, callerOf(admission)) });
    })
    .post(
      MCP_ROUTES.execute.path,
      async ({ request, admission, body }) => {
        grants.check(request, admission, [body.tool]);
        const done = work.begin();
        const release = holdOpen(parts, request);
        try {
          const signal = AbortSignal.any([request.signal, stopping]);
          const call = { name: body.tool, arguments: body.arguments ?? {} };
          return json(admission, await callTool(tools, call, { caller: callerOf(admission), signal }));
        } catch (error) {
          if (stopping.aborted) throw shuttingDown();
          if (request.signal.aborted) return new Response(null, { status: 499 }); // nobody is there to read it
          throw error;
        } finally {
          release();
          done();
        }
      },
      {
        body: ExecuteToolBody,
        async parse(context) {
          const { request, admission } = context as unknown as Exchange;
          await admission.verify?.();
          return asObject(await readJson(parts, request, limitOf(parts)));
        },
      },
    );
}

/** The metadata of the protected resource; nothing at all where no authorization server is configured. */
function metadataApi(parts: McpApiParts) {
  const { config } = parts;
  const serve = ({ request, admission }: Exchange) => {
    if (config.current.mcp.auth.type !== "oauth2")
      throw new AppError("not_found", "There is nothing at this address.");
    const document = json(admission, resourceMetadata(parts, request));
    return document; // not `return json(...)`: Elysia would take the handler for an asynchronous one
  };
  return admittedPlugin().get(MCP_ROUTES.metadata.path, serve).get(MCP_ROUTES.metadataOfMcp.path, serve);
}

async function serveMcp(parts: McpApiParts, { request, admission }: Exchange): Promise<Response> {
  if (admission.route === PAGE) return helpPage(parts, request, admission);
  await admission.verify?.();
  const body = request.method === "POST" ? await readJson(parts, request, limitOf(parts)) : undefined;
  try {
    if (Array.isArray(body)) admission.spend?.(body.length - 1);
    parts.grants.check(request, admission, calledTools(body));
  } catch (error) {
    if (error instanceof AppError) return rpcError(admission, error, idOf(body));
    throw error;
  }
  const { endpoint, work, streams } = parts;
  const done = request.method === "GET" ? () => undefined : work.begin();
  const letGo = holdOpen(parts, request);
  const release = () => {
    letGo();
    done();
  };
  const { keyId } = admission;
  let answer: Response;
  try {
    answer = await endpoint.handle({ request, body, caller: callerOf(admission), keyId: keyId ?? "none" });
  } catch (error) {
    release();
    throw error;
  }
  answer.headers.set("x-content-type-options", "nosniff");
  if (!isStream(answer)) {
    release();
    return stamped(admission, answer);
  }
  answer.headers.set("x-accel-buffering", "no"); // proxies would collect events before they pass them on
  const stream = streams.open(answer, { keyId, isStanding: request.method === "GET", release });
  return stamped(admission, stream);
}

function isStream({ headers, body }: Response): boolean {
  return body !== null && (headers.get("content-type") ?? "").startsWith("text/event-stream");
}

function idOf(body: unknown): string | number | null {
  const { id } = (body ?? {}) as { id?: unknown };
  return typeof id === "string" || typeof id === "number" ? id : null;
}

function limitOf({ config }: McpApiParts) {
  return { maxBytes: config.current.mcp.max_body_bytes, key: "mcp" };
}
