import { createAgent } from "../../src/agent/agent.ts";
import type { AgentService } from "../../src/agent/contract.ts";
import type { Config } from "../../src/config/schema.ts";
import { createHttpServer, type HttpServer } from "../../src/http/server.ts";
import { createSafeFetch } from "../../src/lib/safe-fetch.ts";
import { type FakeLlm, startFakeLlm } from "../../src/models/fake-llm/server.ts";
import { createModelRouter } from "../../src/models/router.ts";
import type { Store } from "../../src/store/contract.ts";
import { builtinTools } from "../../src/tools/builtin.ts";
import type { Scope } from "../../src/tools/contract.ts";
import { createToolRegistry } from "../../src/tools/registry.ts";
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
const KEYS = [
  key("read", ["read"]),
  key("chat", ["chat"]),
  key("tools", ["tools"]),
  key("admin", ["admin"]),
  key("alice", ["read", "chat", "tools"]),
  key("bob", ["read", "chat", "tools"]),
];

export interface TestServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
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
  /** The model of the fake that answers by default. */
  model?: string;
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
  });
  const models = createModelRouter({ config, log });
  const enabledGroups = () => config.current.tools.groups;
  const tools = createToolRegistry({ tools: builtinTools(store), enabledGroups, log });
  const fetchSafely = createSafeFetch({ allowCidrs: () => config.current.network.allow_cidrs });
  const agent = createAgent({ store, models, tools, config, log, fetch: fetchSafely });
  const http = createHttpServer({ config, agent, store, models, tools, log, version: "0.0.0-test" });
  const { url, port } = await http.listen();

  const call: TestServer["call"] = (path, { as = "owner", headers, ...init } = {}) =>
    fetch(path.startsWith("//") ? url + path.slice(1) : `${url}${config.current.api.base_path}${path}`, {
      ...init,
      headers: { ...(as === null ? {} : { authorization: `Bearer ${TOKENS[as]}` }), ...headers },
    });

  return {
    url,
    port,
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
      await Promise.all([http.stop(0), agent.stop(0)]);
      await llm.stop();
      await temp[Symbol.asyncDispose]();
    },
  };
}

/** Takes every key out of a configuration but these. */
export function keepKeys(config: Config, names: readonly string[]): void {
  config.api.auth.keys = config.api.auth.keys.filter(({ name }) => names.includes(name));
}

/** Sends bytes as they are and resolves with everything that came back until the connection closed. */
export async function rawExchange(port: number, request: string | Uint8Array): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = "";
  await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (socket) => void socket.write(request),
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
