import { dirname } from "node:path";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { Client as LegacyClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as LegacyHttp } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { Type } from "typebox";
import { createMcpStreams } from "../../src/http/mcp/streams.ts";
import type { McpEndpoint, McpFeatures } from "../../src/mcp/contract.ts";
import { createMcpEndpoint } from "../../src/mcp/endpoint.ts";
import { createFeatures } from "../../src/mcp/features.ts";
import type { Store } from "../../src/store/contract.ts";
import { type Caller, defineTool, type Tool, type ToolContext } from "../../src/tools/contract.ts";
import { memoryTools } from "../../src/tools/memory.ts";
import { createToolRegistry, type ToolRegistry } from "../../src/tools/registry.ts";
import { sessionTools } from "../../src/tools/session.ts";
import { createSkillLibrary } from "../../src/tools/skill/library.ts";
import { skillTools } from "../../src/tools/skill/tools.ts";
import { todolistTools } from "../../src/tools/todolist.ts";
import { liveConfig, type TestConfig } from "./agent.ts";
import { openTempStore, quietLog } from "./store.ts";

export const OWNER: Caller = {
  door: "mcp-http",
  principal: "owner",
  scopes: ["read", "chat", "tools", "admin"],
};

export interface TestMcpOptions {
  /** Besides the tools for memory, todos, skills and sessions. */
  tools?: Tool[];
  mcp?: Record<string, unknown>;
  /** Who a key belongs to; everybody is the owner when absent. */
  callers?: Record<string, Caller>;
  requestStateTtlMs?: number;
}

/** The MCP endpoint behind the smallest HTTP server there is, on a store of its own. The header `x-api-key` names the caller. */
export interface TestMcp extends AsyncDisposable {
  readonly url: URL;
  readonly home: string;
  readonly endpoint: McpEndpoint;
  readonly features: McpFeatures;
  readonly registry: ToolRegistry;
  readonly store: Store;
  readonly config: TestConfig;
}

export async function openTestMcp(options: TestMcpOptions = {}): Promise<TestMcp> {
  const temp = await openTempStore();
  const { store } = temp;
  const log = quietLog();
  const home = dirname(store.path);
  const config = liveConfig({ mcp: options.mcp ?? {} });
  const skills = createSkillLibrary({ home, log });
  const all = [
    ...memoryTools(store.memory),
    ...todolistTools(store.todos),
    ...skillTools(skills),
    ...sessionTools(store.sessions),
    ...(options.tools ?? []),
  ];
  const registry = createToolRegistry({
    tools: () => all,
    enabledGroups: () => config.current.tools.groups,
    log,
  });
  const features = createFeatures({ tools: registry, store, skills, config, log });
  const { requestStateTtlMs } = options;
  const endpoint = createMcpEndpoint({
    features,
    config,
    version: "0.0.0-test",
    log,
    ...(requestStateTtlMs === undefined ? {} : { requestStateTtlMs }),
  });
  const streams = createMcpStreams();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const keyId = request.headers.get("x-api-key") ?? "none";
      const body = request.method === "POST" ? await request.json() : undefined;
      const caller = options.callers?.[keyId] ?? OWNER;
      const answer = await endpoint.handle({ request, body, keyId, caller });
      if (answer.headers.get("content-type") !== "text/event-stream") return answer;
      return streams.open(answer, { keyId, isStanding: request.method === "GET", release: () => undefined });
    },
  });
  return {
    url: new URL("/mcp", server.url),
    home,
    endpoint,
    features,
    registry,
    store,
    config,
    async [Symbol.asyncDispose]() {
      streams.end("all");
      await endpoint.close();
      await server.stop(true);
      await temp[Symbol.asyncDispose]();
    },
  };
}

/** A client of each kind that people use: the older SDK, and the newer one in each way it can begin. */
export const CLIENT_KINDS = ["sdk v1", "sdk v2 legacy", "sdk v2 auto", "sdk v2 modern"] as const;
export type ClientKind = (typeof CLIENT_KINDS)[number];
export const MODERN = "2026-07-28";

/** What an answer to an elicitation looks like. */
export interface ElicitAnswer {
  action: "accept" | "decline" | "cancel";
  content?: Record<string, string | number | boolean>;
}

export interface TestClientOptions {
  key?: string;
  /** Answers what the server asks; without it the client cannot be asked. */
  elicit?: (message: string) => ElicitAnswer | Promise<ElicitAnswer>;
}

/** The part of the two SDKs' clients that they have in common. */
export type TestClient = Client & AsyncDisposable;

export async function connect(
  kind: ClientKind,
  url: URL,
  options: TestClientOptions = {},
): Promise<TestClient> {
  const headers: Record<string, string> = options.key === undefined ? {} : { "x-api-key": options.key };
  const client = createClient(kind, options);
  const Transport = kind === "sdk v1" ? LegacyHttp : StreamableHTTPClientTransport;
  await client.connect(new Transport(url, { requestInit: { headers } }) as never);
  return client;
}

/** A client that is connected to nothing yet. */
export function createClient(kind: ClientKind, { elicit }: TestClientOptions = {}): TestClient {
  const info = { name: "test", version: "1" };
  const capabilities = elicit ? { elicitation: {} } : {};
  let client: Client;
  if (kind === "sdk v1") client = new LegacyClient(info, { capabilities }) as unknown as Client;
  else {
    const mode = kind === "sdk v2 modern" ? { pin: MODERN } : kind === "sdk v2 auto" ? "auto" : "legacy";
    client = new Client(info, { capabilities, versionNegotiation: { mode } });
  }
  if (elicit) answerElicitation(kind, client, elicit);
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

function answerElicitation(
  kind: ClientKind,
  client: Client,
  elicit: NonNullable<TestClientOptions["elicit"]>,
): void {
  if (kind === "sdk v1") {
    const legacy = client as unknown as LegacyClient;
    legacy.setRequestHandler(ElicitRequestSchema, async ({ params }) => ({
      ...(await elicit(params.message)),
    }));
  } else
    client.setRequestHandler("elicitation/create", async ({ params }) => ({
      ...(await elicit(params.message)),
    }));
}

/** A tool of the terminal group that does what the test says. */
export function testTool(
  name: string,
  run: (context: ToolContext, word: string) => Promise<string> | string,
  options: Partial<Pick<Tool, "approval" | "effect" | "group">> = {},
): Tool {
  const { group = "terminal", effect = "write", approval } = options;
  return defineTool({
    name,
    group,
    title: "Test",
    description: "Tests.",
    input: Type.Object({ word: Type.Optional(Type.String()) }, { additionalProperties: false }),
    output: Type.Object({ said: Type.String() }, { additionalProperties: false }),
    effect,
    ...(approval === undefined ? {} : { approval }),
    async run({ word = "" }, context) {
      const said = await run(context, word);
      return { text: said, structured: { said } };
    },
  });
}

/** The first text of a result. */
export function textOf(result: { content?: unknown }): string {
  const [first] = (result.content ?? []) as { type: string; text?: string }[];
  return first?.text ?? "";
}

/** A request of the modern era as it is on the wire. */
export function postModern(
  url: URL,
  method: string,
  params: Record<string, unknown> = {},
  options: { key?: string; id?: string | number; capabilities?: object; signal?: AbortSignal } = {},
): Promise<Response> {
  const { key = "none", id = 1, capabilities = {}, signal } = options;
  const name = params["name"] ?? params["uri"];
  return fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": MODERN,
      "mcp-method": method,
      "x-api-key": key,
      ...(typeof name === "string" ? { "mcp-name": name } : {}),
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id,
      method,
      params: {
        ...params,
        _meta: {
          "io.modelcontextprotocol/protocolVersion": MODERN,
          "io.modelcontextprotocol/clientCapabilities": capabilities,
        },
      },
    }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** A request of the older era as it is on the wire. */
export function postLegacy(
  url: URL,
  message: object,
  options: { key?: string; session?: string; version?: string; signal?: AbortSignal } = {},
): Promise<Response> {
  const { key = "none", session, version = "2025-11-25", signal } = options;
  return fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": version,
      "x-api-key": key,
      ...(session === undefined ? {} : { "mcp-session-id": session }),
    },
    body: JSON.stringify({ jsonrpc: "2.0", ...message }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Opens a session of the older era; its id. */
export async function openSession(url: URL, key = "none", version = "2025-11-25"): Promise<string> {
  const params = { protocolVersion: version, capabilities: {}, clientInfo: { name: "test", version: "1" } };
  const answer = await postLegacy(url, { id: "begin", method: "initialize", params }, { key, version });
  await answer.text();
  const session = answer.headers.get("mcp-session-id");
  if (session === null) throw new Error(`no session: ${answer.status}`);
  return session;
}
