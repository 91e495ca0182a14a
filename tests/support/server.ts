import { dirname } from "node:path";
import { createAgent } from "../../src/agent/agent.ts";
import type { AgentService } from "../../src/agent/contract.ts";
import { createDelegation } from "../../src/agent/delegation.ts";
import type { Config } from "../../src/config/schema.ts";
import type { Gateway } from "../../src/gateway/contract.ts";
import { createHooks } from "../../src/gateway/hooks/hooks.ts";
import { API_SURFACE } from "../../src/http/api/surface.ts";
import type { SurfaceName } from "../../src/http/edge.ts";
import { mcpSurface } from "../../src/http/mcp/surface.ts";
import { ROUTES } from "../../src/http/routes.ts";
import { createHttpServer, type HttpServer } from "../../src/http/server.ts";
import { webhookSurface } from "../../src/http/webhook/surface.ts";
import { createSafeFetch } from "../../src/lib/safe-fetch.ts";
import type { McpEndpoint } from "../../src/mcp/contract.ts";
import { createMcpEndpoint } from "../../src/mcp/endpoint.ts";
import { createFeatures } from "../../src/mcp/features.ts";
import { type FakeLlm, startFakeLlm } from "../../src/models/fake-llm/server.ts";
import { createModelRouter } from "../../src/models/router.ts";
import type { Store } from "../../src/store/contract.ts";
import { builtinTools } from "../../src/tools/builtin.ts";
import type { Scope, Tool } from "../../src/tools/contract.ts";
import { createToolRegistry, type ToolRegistry } from "../../src/tools/registry.ts";
import { createSkillLibrary } from "../../src/tools/skill/library.ts";
import { liveConfig, type TestConfig } from "./agent.ts";
import { openTempStore, quietLog } from "./store.ts";

/** The keys of a test server, by what they are for. */
export const TOKENS = {
  owner: "test-token-of-the-owner-0123456789abcdef",
  read: "test-token-that-reads-0123456789abcdef",
  chat: "test-token-that-chats-0123456789abcdef",
  tools: "test-token-with-tools-0123456789abcdef",
  admin: "test-token-that-rules-0123456789abcdef",
  alice: "test-token-of-alice-0123456789abcdefgh",
  bob: "test-token-of-bob-0123456789abcdefghij",
} as const;
export type TokenName = keyof typeof TOKENS;

const key = (name: TokenName, scopes: Scope[]) => ({ name, token: TOKENS[name], scopes });
/** The keys besides the owner's token. */
export const KEYS = [
  key("read", ["read"]),
  key("chat", ["chat"]),
  key("tools", ["tools"]),
  key("admin", ["admin"]),
  key("alice", ["read", "chat", "tools"]),
  key("bob", ["read", "chat", "tools"]),
];

/** The keys of MCP: two of the owner, and one for each scope. */
export const MCP_TOKENS = {
  owner: "test-mcp-key-of-the-owner-0123456789abc",
  second: "test-mcp-key-of-the-owner-too-0123456789",
  read: "test-mcp-key-that-reads-0123456789abcdef",
  chat: "test-mcp-key-that-chats-0123456789abcdef",
  tools: "test-mcp-key-with-tools-0123456789abcdef",
  admin: "test-mcp-key-that-rules-0123456789abcdef",
  alice: "test-mcp-key-of-alice-0123456789abcdefgh",
} as const;

const MCP_KEYS = [
  ...(["read", "chat", "tools", "admin"] as const).map((name) => ({
    name,
    token: MCP_TOKENS[name],
    scopes: [name],
  })),
  { name: "alice", token: MCP_TOKENS.alice, scopes: ["read", "chat", "tools"], tools: ["memory"] },
];

export interface TestServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
  /** Where MCP answers, without a path; the same as `url` when both share a port, empty when it is not served. */
  readonly mcpUrl: string;
  readonly mcpPort: number;
  /** Where the webhooks answer; 0 when they are not served. */
  readonly webhookPort: number;
  readonly http: HttpServer;
  readonly store: Store;
  readonly agent: AgentService;
  readonly config: TestConfig;
  readonly llm: FakeLlm;
  /** What was logged. */
  readonly log: string[];
  /** A request with the owner's key, or another one's, or none. `path` below the base path unless it begins with `//`. */
  call(path: string, options?: CallOptions): Promise<Response>;
  /** `POST` of a JSON body. */
  post(path: string, body: unknown, options?: CallOptions): Promise<Response>;
}

export interface CallOptions {
  method?: string;
  as?: TokenName | null;
  headers?: Record<string, string>;
  body?: BodyInit;
  signal?: AbortSignal;
}

export interface TestServerOptions {
  /** Over the defaults of the configuration's section `api`. */
  api?: Record<string, unknown>;
  config?: Record<string, unknown>;
  /** Also serves MCP, with this over what the tests need in section `mcp`. */
  mcp?: Record<string, unknown>;
  /** Instead of Hermes's own MCP server. */
  endpoint?: McpEndpoint;
  /** The model of the fake that answers by default. */
  model?: string;
  /** Besides the built-in ones. */
  tools?: Tool[];
  /** Stands for the platforms that are connected. */
  gateway?: Gateway;
  /** Also serves the webhooks. */
  webhook?: boolean;
}

/** A real server: real store on a real file, real agent, real tools, and the fake model behind a real router. */
export async function openTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const temp = await openTempStore();
  const { store } = temp;
  const llm = startFakeLlm({ port: 0 });
  const lines: string[] = [];
  const log = quietLog(lines);
  const config = liveConfig({
    model: { default: `fake/${options.model ?? "hello"}`, retries: 0 },
    providers: { fake: { type: "openai-compatible", base_url: llm.url, api_key: "sk-canary-0123456789" } },
    ...options.config,
    api: {
      port: 0,
      auth: { token: TOKENS.owner, keys: KEYS },
      rate_limit: { requests_per_minute: 10_000_000 },
      ...options.api,
    },
    mcp: {
      enabled: options.mcp !== undefined,
      port: 0,
      auth: { api_keys: [MCP_TOKENS.owner, MCP_TOKENS.second], keys: MCP_KEYS },
      rate_limit: { requests_per_minute: 10_000_000 },
      ...options.mcp,
    },
  });
  const models = createModelRouter({ config, log });
  const enabledGroups = () => config.current.tools.groups;
  const fetchSafely = createSafeFetch({ allowCidrs: () => config.current.network.allow_cidrs });
  const delegation = createDelegation({ agent: () => agent, tools: () => tools, config, log });
  const home = dirname(store.path);
  const own = [
    ...builtinTools({ store, config, home, fetch: fetchSafely, delegation, log }),
    ...(options.tools ?? []),
  ];
  const tools: ToolRegistry = createToolRegistry({ tools: () => own, enabledGroups, log });
  const agent: AgentService = createAgent({ store, models, tools, config, log, fetch: fetchSafely });
  const { gateway = null } = options;
  const shared = { config, agent, store, models, tools, log };
  const parts = { ...shared, fetch: fetchSafely, gateway, version: "0.0.0-test" };
  const endpoint = () => {
    const skills = createSkillLibrary({ home, log });
    return (
      options.endpoint ?? createMcpEndpoint({ ...parts, features: createFeatures({ ...parts, skills }) })
    );
  };
  const http = createHttpServer(parts, [
    API_SURFACE,
    ...(options.mcp ? [mcpSurface(endpoint)] : []),
    ...(options.webhook ? [webhookSurface(createHooks(parts))] : []),
  ]);
  const listening = await http.listen();
  const portOf = (name: SurfaceName) => listening.find(({ surface }) => surface === name)?.port ?? 0;
  const port = portOf("api");
  const mcpPort = portOf("mcp");
  const webhookPort = portOf("webhook");
  const url = `http://127.0.0.1:${port}`;

  const call: TestServer["call"] = (path, { as = "owner", headers, ...init } = {}) =>
    fetch(path.startsWith("//") ? url + path.slice(1) : `${url}${config.current.api.base_path}${path}`, {
      ...init,
      headers: { ...(as === null ? {} : { authorization: `Bearer ${TOKENS[as]}` }), ...headers },
    });

  return {
    url,
    port,
    mcpUrl: options.mcp ? `http://127.0.0.1:${mcpPort}` : "",
    mcpPort,
    webhookPort,
    http,
    store,
    agent,
    config,
    llm,
    log: lines,
    call,
    post: (path, body, { headers, ...init } = {}) =>
      call(path, {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json", ...headers },
        ...init,
      }),
    async [Symbol.asyncDispose]() {
      await Promise.all([http.stop({ graceMs: 0 }), agent.stop(0)]);
      await llm.stop();
      await temp[Symbol.asyncDispose]();
    },
  };
}

/** Takes every key out of a configuration but these. */
export function keepKeys(config: Config, names: readonly string[]): void {
  config.api.auth.keys = config.api.auth.keys.filter(({ name }) => names.includes(name));
}

/** Sends bytes as they are, over TLS where it is told of; resolves with everything that came back until the connection closed. */
export async function rawExchange(
  port: number,
  request: string | Uint8Array,
  tls?: { ca: string; serverName: string },
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = "";
  await Bun.connect({
    hostname: "127.0.0.1",
    port,
    ...(tls && { tls }),
    socket: {
      open: (socket) => void (tls ?? socket.write(request)),
      handshake: (socket) => void socket.write(request),
      data: (_socket, bytes) => {
        text += bytes.toString("latin1");
      },
      close: () => resolve(text),
      error: (_socket, error) => reject(error),
      connectError: (_socket, error) => reject(error),
    },
  });
  return await promise;
}

export type RouteName = keyof typeof ROUTES;

/** A request that reaches each route, and the status that the right key gets. */
export const SAMPLES: Record<RouteName, { path: string; body?: unknown; status: number }> = {
  chat: { path: "/api/v1/chat", body: { message: "hi" }, status: 200 },
  execute: { path: "/api/v1/execute", body: { task: "hi" }, status: 200 },
  run: { path: "/api/v1/runs/run_absent", status: 404 },
  runEvents: { path: "/api/v1/runs/run_absent/events", status: 404 },
  cancelRun: { path: "/api/v1/runs/run_absent/cancel", status: 404 },
  decideApproval: {
    path: "/api/v1/runs/run_absent/approvals/apr_absent",
    body: { decision: "approve" },
    status: 404,
  },
  readMemory: { path: "/api/v1/memory", status: 200 },
  writeMemory: { path: "/api/v1/memory", body: { key: "sample", value: 1 }, status: 200 },
  deleteMemory: { path: "/api/v1/memory?key=absent", status: 404 },
  sessions: { path: "/api/v1/sessions", status: 200 },
  sessionMessages: { path: "/api/v1/sessions/absent/messages", status: 404 },
  deleteSession: { path: "/api/v1/sessions/absent", status: 404 },
  deliveries: { path: "/api/v1/deliveries", status: 200 },
  delivery: { path: "/api/v1/deliveries/whd_absent", status: 404 },
  replayDelivery: { path: "/api/v1/deliveries/whd_absent/replay", status: 404 },
  replayDeliveries: {
    path: "/api/v1/deliveries",
    body: { since: "2026-11-22T08:00:00Z" },
    status: 200,
  },
  status: { path: "/api/v1/status", status: 200 },
  models: { path: "/api/v1/models", status: 200 },
  health: { path: "/health", status: 200 },
  ready: { path: "/ready", status: 200 },
  docs: { path: "/swagger", status: 200 },
  docsDocument: { path: "/swagger/json", status: 200 },
  docsScript: { path: "/swagger/swagger-ui-bundle.js", status: 200 },
  docsStart: { path: "/swagger/start.js", status: 200 },
  docsStyle: { path: "/swagger/swagger-ui.css", status: 200 },
  docsIcon: { path: "/swagger/favicon-32x32.png", status: 200 },
};

/** The names of all routes, for tests that are made from the table. */
export const ROUTE_NAMES = Object.keys(ROUTES) as RouteName[];

/** One request as text, for what `fetch` would tidy up. */
export function rawRequest(
  { method, path, body }: { method: string; path: string; body?: unknown },
  headers: readonly string[],
): string {
  const text = body === undefined ? "" : JSON.stringify(body);
  const lines = [`${method} ${path} HTTP/1.1`, "Host: localhost", "Connection: close", ...headers];
  if (body !== undefined)
    lines.push("Content-Type: application/json", `Content-Length: ${Buffer.byteLength(text)}`);
  return `${lines.join("\r\n")}\r\n\r\n${text}`;
}

/** The status of an answer that came as text. */
export function rawStatus(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
}

/** Other ways to write a path; none of them is the path. */
export function spellings(path: string): string[] {
  const [bare = "", query] = path.split("?");
  const tail = query === undefined ? "" : `?${query}`;
  const last = bare.lastIndexOf("/");
  const encoded = `%${bare.charCodeAt(last + 1).toString(16)}`;
  return [
    bare.toUpperCase(),
    `${bare.slice(0, last + 1)}${bare.charAt(last + 1).toUpperCase()}${bare.slice(last + 2)}`,
    `${bare}/`,
    `${bare}//`,
    `/${bare}`,
    `${bare.slice(0, last)}//${bare.slice(last + 1)}`,
    `${bare.slice(0, last)}/./${bare.slice(last + 1)}`,
    `${bare.slice(0, last)}/x/../${bare.slice(last + 1)}`,
    `${bare.slice(0, last)}/%2e/${bare.slice(last + 1)}`,
    `${bare.slice(0, last)}/x/%2e%2e/${bare.slice(last + 1)}`,
    `${bare.slice(0, last)}%2f${bare.slice(last + 1)}`,
    `${bare.slice(0, last)}%252f${bare.slice(last + 1)}`,
    `${bare.slice(0, last)}\\${bare.slice(last + 1)}`,
    `${bare.slice(0, last + 1)}${encoded}${bare.slice(last + 2)}`,
    `${bare}%2f`,
    `${bare}%00`,
    `${bare};a=b`,
    `${bare}%20`,
    `${bare}.json`,
  ].map((spelling) => spelling + tail);
}

/** `Authorization` headers that are not the token. */
export function wrongAuthorizations(token: string): string[][] {
  const swapped = token.replace(/[a-z]/, (letter) => letter.toUpperCase());
  return [
    [],
    ["Authorization:"],
    ["Authorization: "],
    ["Authorization: Bearer"],
    ["Authorization: Bearer "],
    ["Authorization: Bearer null"],
    ["Authorization: Bearer undefined"],
    ["Authorization: Bearer wrong"],
    [`Authorization: Bearer ${token}x`],
    [`Authorization: Bearer ${token.slice(0, -1)}`],
    [`Authorization: Bearer ${swapped}`],
    [`Authorization: Bearer ${token.toUpperCase()}`],
    [`Authorization: Bearer "${token}"`],
    [`Authorization: Bearer  ${token}`],
    [`Authorization: Bearer ${token} ${token}`],
    [`Authorization: Bearer ${token},`],
    [`Authorization: Basic ${Buffer.from(`owner:${token}`).toString("base64")}`],
    [`Authorization: ${token}`],
    [`Authorization: Bearer wrong`, `Authorization: Bearer ${token}`],
    [`Authorization: Bearer ${token}`, "Authorization: Bearer wrong"],
    [`Authorization: Bearer ${token}`, `Authorization: Bearer ${token}`],
    [`X-Api-Key: ${token}`],
    [`Cookie: token=${token}`],
    [`Proxy-Authorization: Bearer ${token}`],
  ];
}
