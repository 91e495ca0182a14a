import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const START_TIMEOUT_MS = 30_000;
const OUTPUT_KEPT_CHARS = 256 * 1024;
const URL_PATTERN = /http:\/\/127\.0\.0\.1:\d+/;

/** How Hermes is called: the binary that `HERMES_BINARY` names, otherwise the sources. */
export const HERMES_COMMAND: readonly string[] = process.env["HERMES_BINARY"]
  ? [process.env["HERMES_BINARY"]]
  : [process.execPath, join(ROOT, "src/main.ts")];

/** A process that serves HTTP on loopback and says where in its output. */
export interface Service {
  readonly url: string;
  readonly pid: number;
  /** Resolves with the exit code, or with 128 plus the number of the signal that ended it. */
  readonly exited: Promise<number>;
  /** The last part of what it wrote, stdout and stderr mixed. */
  output(): string;
  /** SIGKILL; resolves once the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number>;
}

export interface ServiceOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** What it writes once it is ready; its address unless said otherwise. */
  ready?: RegExp;
}

/** Starts a command and resolves once it is ready. Rejects with its output when it ends before that. */
export async function startService(
  command: readonly string[],
  options: ServiceOptions = {},
): Promise<Service> {
  const child = Bun.spawn([...command], {
    env: { PATH: process.env["PATH"] ?? "", ...options.env },
    cwd: options.cwd ?? tmpdir(),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const output = collectOutput(child.stdout, child.stderr);
  const exited = child.exited.then((code) => code ?? 128);
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => timeout.reject(new Error(`no address within ${START_TIMEOUT_MS} ms`)),
    START_TIMEOUT_MS,
  );
  try {
    const url = await Promise.race([
      output.match(options.ready ?? URL_PATTERN),
      timeout.promise,
      exited.then((code) => {
        throw new Error(`ended with code ${code}`);
      }),
    ]);
    return {
      url,
      pid: child.pid,
      exited,
      output: output.text,
      async kill() {
        child.kill("SIGKILL");
        await exited;
      },
      stop() {
        child.kill("SIGTERM");
        return exited;
      },
    };
  } catch (cause) {
    child.kill("SIGKILL");
    await exited;
    throw new Error(
      `${command.join(" ")}: ${cause instanceof Error ? cause.message : cause}\n${output.text()}`,
    );
  } finally {
    clearTimeout(timer);
  }
}

/** Reads the streams to their end, so that the process never blocks on a full pipe. */
function collectOutput(...streams: ReadableStream<Uint8Array>[]) {
  let text = "";
  let waiting: { pattern: RegExp; resolve: (found: string) => void } | null = null;
  const add = (part: string) => {
    text = (text + part).slice(-OUTPUT_KEPT_CHARS);
    // A match at the very end may still grow, as a port number does.
    const found = waiting && text.slice(0, text.lastIndexOf("\n") + 1).match(waiting.pattern);
    if (!found || !waiting) return;
    waiting.resolve(found[0]);
    waiting = null;
  };
  for (const stream of streams) {
    const decoder = new TextDecoder();
    void stream.pipeTo(
      new WritableStream({ write: (bytes) => add(decoder.decode(bytes, { stream: true })) }),
    );
  }
  return {
    text: () => text,
    match(pattern: RegExp): Promise<string> {
      const { promise, resolve } = Promise.withResolvers<string>();
      waiting = { pattern, resolve };
      add("");
      return promise;
    },
  };
}

export interface HermesOptions {
  /** The configuration, as the file would have it; put over what every test needs. */
  config?: Record<string, unknown>;
  /** Use this home, which stays after `remove`, instead of a new one. */
  home?: string;
  /** The command and its flags. */
  args?: readonly string[];
  env?: Record<string, string>;
  /** What it writes once it is ready; its address unless said otherwise. */
  ready?: RegExp;
}

/** Hermes in a process of its own, on a home of its own. */
export interface Hermes {
  readonly home: string;
  readonly databasePath: string;
  readonly token: string;
  /** The headers of the owner: the token and the type of a JSON body. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of the process that runs now. */
  readonly service: Service;
  /** The address of a path below the base path, such as `/chat`. */
  api(path: string): string;
  /** Starts again on the same home, once the process before has gone. */
  restart(): Promise<void>;
  /** Ends what runs and removes the home. */
  remove(): Promise<void>;
}

const TOKEN = "a-token-for-tests-only";

/** A configuration with the given model provider as the only one, no rate limit to speak of and any free port. */
export function testConfig(modelUrl: string, defaultModel: string): Record<string, unknown> {
  return {
    model: { default: `fake/${defaultModel}` },
    providers: { fake: { api_key: "none-needed", base_url: `${modelUrl}/v1` } },
    api: {
      port: 0,
      auth: { token: TOKEN },
      rate_limit: { requests_per_minute: 10_000_000 },
    },
    log: { level: "warn" },
  };
}

export function makeHome(): string {
  return mkdtempSync(join(tmpdir(), "hermes-"));
}

/** Starts Hermes and resolves once it listens. */
export async function startHermes(options: HermesOptions = {}): Promise<Hermes> {
  const home = options.home ?? makeHome();
  mkdirSync(home, { recursive: true, mode: 0o700 });
  if (options.config)
    writeFileSync(join(home, "config.yaml"), JSON.stringify(options.config), { mode: 0o600 });
  const start = () =>
    startService([...HERMES_COMMAND, ...(options.args ?? ["api"])], {
      cwd: home,
      env: { HOME: home, HERMES_HOME: home, ...options.env },
      ...(options.ready ? { ready: options.ready } : {}),
    });
  let service = await start();
  return {
    home,
    databasePath: join(home, "hermes.sqlite"),
    token: TOKEN,
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    get service() {
      return service;
    },
    api: (path) => `${service.url}/api/v1${path}`,
    async restart() {
      await service.exited;
      service = await start();
    },
    async remove() {
      await service.kill();
      if (!options.home) rmSync(home, { recursive: true, force: true });
    },
  };
}

export interface Finished {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command of Hermes to its end. */
export async function runHermes(args: readonly string[], home: string): Promise<Finished> {
  const child = Bun.spawn([...HERMES_COMMAND, ...args], {
    cwd: home,
    env: { PATH: process.env["PATH"] ?? "", HOME: home, HERMES_HOME: home },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, stdout, stderr };
}

/** Starts `hermes dev fake-llm` on any free port. */
export function startFakeLlm(): Promise<Service> {
  return startService([...HERMES_COMMAND, "dev", "fake-llm", "--port", "0"]);
}
