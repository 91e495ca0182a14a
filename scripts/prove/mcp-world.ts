import { HERMES_COMMAND, type Hermes, makeHome, startHermes } from "../../tests/support/hermes.ts";
import type { Verdict } from "./verdict.ts";

/** What every part of the proof gets. */
export interface Part {
  verdict: Verdict;
  short: boolean;
}

/** The parts of the configuration that all of these proofs have: nothing is counted, nobody asks for a key. */
export const OPEN_MCP = { auth: { type: "none" }, rate_limit: { requests_per_minute: 10_000_000 } };

/** `hermes mcp --transport http` on a home of its own; `url` ends in /mcp. */
export async function serveMcp(
  mcp: object = {},
  more: Record<string, unknown> = {},
): Promise<Hermes & { readonly url: URL }> {
  const hermes = await startHermes({
    args: ["mcp", "--transport", "http", "--port", "0"],
    config: { mcp: { ...OPEN_MCP, ...mcp }, log: { level: "warn" }, ...more },
  });
  return Object.assign(hermes, { url: new URL("/mcp", hermes.service.url) });
}

// biome-ignore lint/suspicious/noExplicitAny: proofs read whatever members they are about
export type Message = any;

/** `hermes mcp` as a process, line by line. */
export interface StdioServer {
  readonly pid: number;
  readonly exited: Promise<number>;
  /** Every line of stdout that is not a JSON-RPC message; there must be none. */
  readonly impure: string[];
  /** How many messages came that answer no request, such as errors about lines that are none. */
  readonly unasked: { errors: number };
  /** Writes bytes as they are. */
  write(bytes: string | Uint8Array): Promise<void>;
  /** Sends a request of the older era and resolves with its answer. */
  request(method: string, params?: object): Promise<Message>;
  notify(method: string, params?: object): Promise<void>;
  /** The id that the next request gets. */
  readonly nextId: number;
  /** Ends the input; resolves with the milliseconds until the process has gone. */
  end(): Promise<number>;
  kill(): void;
}

export const HELLO = {
  protocolVersion: "2025-11-25",
  capabilities: {},
  clientInfo: { name: "t", version: "1" },
};

/** Starts it; `initialize` has been answered when this resolves. */
export async function startStdio(
  home: string = makeHome(),
  env: Record<string, string> = {},
): Promise<StdioServer> {
  const child = Bun.spawn([...HERMES_COMMAND, "mcp"], {
    cwd: home,
    env: { PATH: process.env["PATH"] ?? "", HOME: home, HERMES_HOME: home, ...env },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  const waiting = new Map<number, (answer: Message) => void>();
  const impure: string[] = [];
  const unasked = { errors: 0 };
  let nextId = 1;

  const onLine = (line: string) => {
    let message: Message;
    try {
      message = JSON.parse(line);
    } catch {
      return void impure.push(line);
    }
    if (message?.jsonrpc !== "2.0") return void impure.push(line);
    const resolve = waiting.get(message.id);
    if (resolve === undefined) unasked.errors += message.error === undefined ? 0 : 1;
    else if (message.method === undefined) {
      waiting.delete(message.id);
      resolve(message);
    }
  };
  void readLines(child.stdout, onLine);
  const write = async (bytes: string | Uint8Array) => {
    child.stdin.write(bytes);
    await child.stdin.flush();
  };
  const send = (message: object) => write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);

  const server: StdioServer = {
    pid: child.pid,
    exited: child.exited,
    impure,
    unasked,
    write,
    async request(method, params = {}) {
      const id = nextId++;
      const { promise, resolve } = Promise.withResolvers<Message>();
      waiting.set(id, resolve);
      await send({ id, method, params });
      return promise;
    },
    notify: (method, params = {}) => send({ method, params }),
    get nextId() {
      return nextId;
    },
    async end() {
      const endedAt = performance.now();
      child.stdin.end();
      await child.exited;
      return performance.now() - endedAt;
    },
    kill: () => child.kill("SIGKILL"),
  };
  await server.request("initialize", HELLO);
  await server.notify("notifications/initialized");
  return server;
}

async function readLines(stream: ReadableStream<Uint8Array>, onLine: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  }
  if (rest !== "") onLine(rest);
}

/** Works the jobs off, a number of them at a time. */
export async function inLanes<T>(
  lanes: number,
  jobs: Iterable<T>,
  work: (job: T) => Promise<void>,
): Promise<void> {
  const queue = jobs[Symbol.iterator]();
  const lane = async () => {
    for (let next = queue.next(); !next.done; next = queue.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
