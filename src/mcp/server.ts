import {
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  createRequestStateCodec,
  type Implementation,
  LOG_LEVEL_META_KEY,
  type LoggingLevel,
  McpServer,
  ProtocolError,
  ProtocolErrorCode,
  type ReadResourceResult,
  ResourceNotFoundError,
  type Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { type SkillSource, SkillsExtension } from "@modelcontextprotocol/server/ext/skills";
import { AjvJsonSchemaValidator } from "@modelcontextprotocol/server/validators/ajv";
import { ERROR_CODES, toAppError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { Caller } from "../tools/contract.ts";
import type { Era, Exchange, McpFeatures } from "./contract.ts";
import { SKILL_SCHEME } from "./skills.ts";

/** How long a client may keep the state of a question before it must begin anew. */
export const REQUEST_STATE_TTL_MS = 600_000;

/** Who sent a request, as the transport knows it. */
export interface Origin {
  caller: Caller;
  /** Names the credential. */
  keyId: string;
}

export interface WiringParts {
  features: McpFeatures;
  /** Of Hermes, as clients are told. */
  version: string;
  originOf(context: ServerContext): Origin;
  /** Called when a tool call has passed everything that the SDK checks. */
  onToolCall?(context: ServerContext): void;
  log: Log;
  requestStateTtlMs?: number;
}

/** How Hermes names itself to clients. */
export function serverInfo(version: string): Implementation {
  return { name: "hermes", title: "Hermes", version };
}

/** Makes a server for one connection, one session, or one request of the modern era. */
export type ServerFactory = (era: Era) => McpServer;

/** From the least to the most severe (RFC 5424). */
const LOG_LEVELS: readonly LoggingLevel[] = [
  "debug",
  "info",
  "notice",
  "warning",
  "error",
  "critical",
  "alert",
  "emergency",
];
/** Lists may be kept for a moment; what they hold depends on who asks. */
const LIST_CACHE = { ttlMs: 30_000, cacheScope: "private" } as const;
const NO_CACHE = { ttlMs: 0, cacheScope: "private" } as const;

/**
 * Joins the features to the SDK. The SDK owns the protocol: eras, validation of messages, cancellation, headers. Nothing is
 * registered tool by tool, because the registry already has the tools: a server costs a few closures.
 */
export function createServerFactory(parts: WiringParts): ServerFactory {
  const { features, version, originOf } = parts;
  const state = createRequestStateCodec({
    key: crypto.getRandomValues(new Uint8Array(32)), // of this process: a question is forgotten with it
    ttlSeconds: (parts.requestStateTtlMs ?? REQUEST_STATE_TTL_MS) / 1000,
    bind: (context) => JSON.stringify([originOf(context).keyId, context.mcpReq.method]),
  });
  const shared = {
    instructions: features.instructions,
    jsonSchemaValidator: new AjvJsonSchemaValidator(),
    requestState: { verify: state.verify },
    cacheHints: {
      "tools/list": LIST_CACHE,
      "prompts/list": LIST_CACHE,
      "resources/templates/list": LIST_CACHE,
      "resources/list": NO_CACHE,
      "resources/read": NO_CACHE,
      "server/discover": LIST_CACHE,
    },
  };
  const skillSource = features.skills((context) => originOf(context).caller);
  const skills = new SkillsExtension({
    source: skillSource,
    onWarning: ({ path, message }) => parts.log.warn("a skill is not served", { path, message }),
  });

  return (era) => {
    const mcp = new McpServer(serverInfo(version), shared);
    const { server } = mcp;
    // Both hooks of McpServer know only of tools and resources that were registered one by one.
    mcp.toolInputSchemaJson = (name) => features.tools.inputSchema(name);
    mcp.registerResource = (() => undefined) as unknown as McpServer["registerResource"];
    server.registerCapabilities({
      tools: { listChanged: true },
      resources: { listChanged: true, subscribe: features.resources.subscribe },
      prompts: { listChanged: true },
      completions: {},
      logging: {},
    });
    skills.attach(mcp);
    const threshold: { level: LoggingLevel | undefined } = { level: undefined };
    const exchangeOf = (context: ServerContext): Exchange => ({
      caller: originOf(context).caller,
      era,
      context,
      clientCapabilities:
        (era === "modern"
          ? inEnvelope(context, CLIENT_CAPABILITIES_META_KEY)
          : server.getClientCapabilities()) ?? {},
      log: logTo(context, era, threshold, parts.log),
      mintState: (payload) => state.mint(payload, context),
    });
    setHandlers(server, {
      features,
      skillSource,
      exchangeOf,
      onToolCall: parts.onToolCall,
      told: (context, work) => told(context, work, parts.log),
    });
    server.setRequestHandler("logging/setLevel", ({ params }) => {
      threshold.level = params.level;
      return {};
    });
    server.onerror = (error) => parts.log.debug("mcp", { era, error });
    return mcp;
  };
}

interface HandlerParts {
  features: McpFeatures;
  skillSource: SkillSource;
  exchangeOf(context: ServerContext): Exchange;
  onToolCall: WiringParts["onToolCall"];
  told<T>(context: ServerContext, work: Promise<T>): Promise<T>;
}

function setHandlers(server: Server, parts: HandlerParts): void {
  const { features, skillSource, exchangeOf, told } = parts;
  const { tools, resources, prompts } = features;
  server.setRequestHandler("tools/list", (_request, context) => ({ tools: tools.list(exchangeOf(context)) }));
  server.setRequestHandler("tools/call", ({ params }, context) => {
    parts.onToolCall?.(context);
    return told(context, tools.call(params, exchangeOf(context)));
  });
  server.setRequestHandler("resources/list", ({ params }, context) =>
    told(context, resources.list(params?.cursor, exchangeOf(context))),
  );
  server.setRequestHandler("resources/templates/list", (_request, context) =>
    resources.templates(exchangeOf(context)),
  );
  server.setRequestHandler("resources/read", async ({ params }, context) => {
    const { uri } = params;
    const read = uri.startsWith(SKILL_SCHEME)
      ? await told(context, readSkillFile(skillSource, uri, context))
      : await told(context, resources.read(uri, exchangeOf(context)));
    if (read === null) throw new ResourceNotFoundError(uri);
    return read;
  });
  server.setRequestHandler("prompts/list", (_request, context) =>
    told(context, prompts.list(exchangeOf(context))),
  );
  server.setRequestHandler("prompts/get", ({ params }, context) =>
    told(context, prompts.get(params, exchangeOf(context))),
  );
  server.setRequestHandler("completion/complete", ({ params }, context) =>
    told(context, features.complete(params, exchangeOf(context))),
  );
  if (!resources.subscribe) return;
  server.setRequestHandler("resources/subscribe", () => ({}));
  server.setRequestHandler("resources/unsubscribe", () => ({}));
}

async function readSkillFile(
  source: SkillSource,
  uri: string,
  context: ServerContext,
): Promise<ReadResourceResult | null> {
  const file = await source.read(uri, context);
  if (file === undefined) return null;
  const { mimeType = "text/plain" } = file;
  if ("text" in file) return { contents: [{ uri, mimeType, text: file.text }] };
  return { contents: [{ uri, mimeType, blob: Buffer.from(file.bytes).toString("base64") }] };
}

/** Errors that a client may read, as JSON-RPC has them; everything else goes to the log, and the client learns only that. */
async function told<T>(context: ServerContext, work: Promise<T>, log: Log): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ProtocolError || context.mcpReq.signal.aborted) throw error;
    const { code, message, hint } = toAppError(error);
    if (code === "internal") log.error("an MCP request failed", { method: context.mcpReq.method, error });
    throw new ProtocolError(
      ERROR_CODES[code][0] < 500 ? ProtocolErrorCode.InvalidParams : ProtocolErrorCode.InternalError,
      hint === undefined || code === "internal" ? message : `${message} ${hint}`,
    );
  }
}

/** What each request of the modern era says of its client; there a connection says nothing. */
interface Envelope {
  [CLIENT_CAPABILITIES_META_KEY]?: ClientCapabilities;
  [LOG_LEVEL_META_KEY]?: LoggingLevel;
}

function inEnvelope<K extends keyof Envelope>({ mcpReq }: ServerContext, key: K): Envelope[K] | undefined {
  return (mcpReq.envelope as Envelope | undefined)?.[key];
}

/** Modern clients name the level with each request, older ones once for the session; who never did wants nothing. */
function logTo(
  context: ServerContext,
  era: Era,
  threshold: { level: LoggingLevel | undefined },
  log: Log,
): Exchange["log"] {
  return (level, data) => {
    const wanted = era === "modern" ? inEnvelope(context, LOG_LEVEL_META_KEY) : threshold.level;
    if (wanted === undefined || LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(wanted)) return;
    context.mcpReq
      .notify({ method: "notifications/message", params: { level, logger: "hermes", data } })
      .catch((error: unknown) => log.debug("a log message could not be sent", { error }));
  };
}
