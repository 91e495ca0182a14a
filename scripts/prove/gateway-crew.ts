import type { ChatServer } from "../../tests/contract/server.ts";
import type { StartServer } from "../../tests/contract/servers/all.ts";
import { type Hermes, startHermes, testConfig } from "../../tests/support/hermes.ts";
import { createWriters, type Question, type Writers } from "./gateway-writers.ts";

/** One platform in one of its modes, with its people. */
export interface Post {
  mode: string;
  server: ChatServer;
  writers: Writers;
}

/** One `hermes gateway` with the platforms that it answers on. */
export interface Crew extends AsyncDisposable {
  readonly posts: readonly Post[];
  readonly databasePath: string;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts again on the same home; resolves when the process says what it connects, before anything is connected. */
  restart(): Promise<void>;
  /** Resolves once every platform is connected. */
  connected(): Promise<void>;
  /** SIGTERM. */
  stop(): Promise<void>;
}

export interface CrewOptions {
  servers: Readonly<Record<string, StartServer>>;
  /** Platforms call Hermes, rather than Hermes them: where each calls, given where its webhook is. */
  callsAt?: (mode: string, url: string) => string;
  /** Who write to each platform in turn. */
  people?: number;
  modelUrl: string;
  /** More of the configuration. */
  agent?: Readonly<Record<string, unknown>>;
}

const CONNECT_TIMEOUT_MS = 60_000;
/** As the log has it, a line for each account. */
const CONNECTED = /connected as /g;
const CONNECTS = /Hermes .+ connects .+\n/;
/** Below the ports that the kernel hands out: nobody else gets it while Hermes is away. */
const PORTS = { first: 20_000, count: 10_000 };

/** Starts the platforms and their Hermes, and resolves once all of them are connected. */
export async function startCrew(options: CrewOptions): Promise<Crew> {
  const { servers, callsAt, people = 1, modelUrl, agent = {} } = options;
  const posts = await Promise.all(
    Object.entries(servers).map(async ([mode, start]): Promise<Post> => {
      const server = await start({ isPatient: true });
      return { mode, server, writers: createWriters({ server, name: mode, people }) };
    }),
  );
  const port = callsAt ? freePort() : 0;
  if (callsAt)
    for (const post of posts) {
      const url = `http://127.0.0.1:${port}/webhook/${addressOf(post, posts)}`;
      post.server.sendTo?.(callsAt(post.mode, url));
    }
  const hermes = await startHermes({
    config: {
      ...testConfig(modelUrl, "prove"),
      agent,
      platforms: sections(posts),
      log: { level: "info" },
    },
    args: callsAt ? ["gateway", "--webhook", "--port", `${port}`] : ["gateway"],
    ...(callsAt ? {} : { ready: CONNECTS }),
  });
  await connected(hermes, posts.length);
  if (!callsAt)
    // What is written before a bot was connected for the first time is not its own: Discord would never deliver it.
    for (const { server } of posts) while (server.connections === 0) await Bun.sleep(10);
  return {
    posts,
    databasePath: hermes.databasePath,
    kill: () => hermes.service.kill(),
    restart: () => hermes.restart(),
    connected: () => connected(hermes, posts.length),
    async stop() {
      await hermes.service.stop();
    },
    async [Symbol.asyncDispose]() {
      await hermes.remove();
      await Promise.all(posts.map(({ server }) => server[Symbol.asyncDispose]()));
    },
  };
}

/** Whether somebody has the whole answer before them. */
export function isAnswered(server: ChatServer, { person, answer }: Question): boolean {
  return server.shown(person).some((text) => text.includes(answer));
}

/** Section `platforms` of the configuration. Modes of one platform are accounts of it. */
function sections(posts: readonly Post[]): Record<string, unknown> {
  const byPlatform = Map.groupBy(posts, ({ server }) => server.platform);
  return Object.fromEntries(
    [...byPlatform].map(([platform, several]) => {
      const accounts = several.map(({ mode, server }) => ({
        name: mode,
        ...server.settings,
        allowed_users: ["*"],
      }));
      if (accounts.length > 1) return [platform, { accounts }];
      const [{ name: _, ...alone } = { name: "" }] = accounts;
      return [platform, alone];
    }),
  );
}

function addressOf({ mode, server }: Post, posts: readonly Post[]): string {
  const isAlone = posts.filter((one) => one.server.platform === server.platform).length === 1;
  return isAlone ? server.platform : `${server.platform}/${mode}`;
}

async function connected({ service }: Hermes, count: number): Promise<void> {
  const sinceMs = performance.now();
  while ((service.output().match(CONNECTED)?.length ?? 0) < count) {
    if (performance.now() - sinceMs > CONNECT_TIMEOUT_MS)
      throw new Error(`not every platform was connected\n${service.output()}`);
    await Bun.sleep(10);
  }
}

function freePort(): number {
  const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
  try {
    void Bun.serve({ hostname: "127.0.0.1", port, fetch: () => new Response() }).stop(true);
    return port;
  } catch {
    return freePort(); // it is taken
  }
}
