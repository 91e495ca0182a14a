import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HERMES_COMMAND, makeHome, startHermes, testConfig } from "../../tests/support/hermes.ts";
import { type Figure, interleave, type Row, summarise } from "../rig.ts";

const POLL_MS = 0.5;

/** Compiles the empty server the way Hermes is compiled. */
async function compileEmpty(directory: string): Promise<string> {
  const binary = join(directory, "empty");
  const source = join(import.meta.dir, "../floors/empty.ts");
  const flags = ["--compile", "--bytecode", "--format=esm", "--minify-whitespace", "--minify-syntax"];
  const build = Bun.spawn([process.execPath, "build", ...flags, source, "--outfile", binary], {
    stdout: "ignore",
    stderr: "inherit",
    cwd: directory,
  });
  if ((await build.exited) !== 0) throw new Error("the empty server does not compile");
  return binary;
}

/** A port that nothing listens on just now. */
function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  listener.stop(true);
  return listener.port;
}

/** Resolves once `/health` has answered 200. Asks over raw connections, which cost less than the server's start. */
async function answered(port: number): Promise<void> {
  for (;;) {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        open: (socket) =>
          void socket.write("GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"),
        data(socket, part) {
          resolve(part.toString("latin1").startsWith("HTTP/1.1 200"));
          socket.end();
        },
        close: () => resolve(false),
      },
    }).catch(() => resolve(false)); // refused: it does not listen yet
    if (await promise) return;
    await Bun.sleep(POLL_MS);
  }
}

/** From the spawn of the process to its first 200, in milliseconds. */
async function startMs(command: (port: number) => string[], env: Record<string, string>): Promise<number> {
  const port = freePort();
  const startedAt = performance.now();
  const child = Bun.spawn(command(port), { env, cwd: tmpdir(), stdout: "ignore", stderr: "ignore" });
  await Promise.race([
    answered(port),
    child.exited.then((code) => {
      throw new Error(`${command(port).join(" ")} ended with code ${code}`);
    }),
  ]);
  const elapsedMs = performance.now() - startedAt;
  child.kill("SIGKILL");
  await child.exited;
  return elapsedMs;
}

/** Cold start on a home that was used before, and the size of the binary, both against an empty compiled server. */
export const start: Figure = {
  name: "start",
  async measure({ count }) {
    const directory = mkdtempSync(join(tmpdir(), "hermes-bench-"));
    const home = makeHome();
    try {
      const empty = await compileEmpty(directory);
      const config = testConfig("http://127.0.0.1:9", "instant");
      const first = await startHermes({ home, config });
      await first.service.stop();
      const env = { HOME: home, HERMES_HOME: home, PATH: process.env["PATH"] ?? "" };
      const pairs = await interleave(Math.min(count, 20), {
        hermes: () => startMs((port) => [...HERMES_COMMAND, "api", "--port", String(port)], env),
        floor: () => startMs((port) => [empty, String(port)], env),
      });
      const cold = summarise(pairs, (ms) => ms);
      const least = {
        hermes: Math.min(...pairs.map((pair) => pair.hermes)),
        floor: Math.min(...pairs.map((pair) => pair.floor)),
      };
      const rows: Row[] = [
        {
          name: `cold start to the first 200, median of ${pairs.length}`,
          unit: "ms",
          ...cold,
          aim: "<= 3 x, < 150 ms",
          met: cold.ratio <= 3 && cold.hermes < 150,
        },
        {
          name: "cold start to the first 200, least",
          unit: "ms",
          ...least,
          ratio: least.hermes / least.floor,
          aim: "",
          met: true,
        },
      ];
      if (HERMES_COMMAND.length === 1) rows.push(binarySize(HERMES_COMMAND[0] ?? "", empty));
      return rows;
    } finally {
      rmSync(directory, { recursive: true });
      rmSync(home, { recursive: true });
    }
  },
};

function binarySize(hermes: string, empty: string): Row {
  const [ours, theirs] = [hermes, empty].map((path) => statSync(path).size / 1e6) as [number, number];
  const name = "size of the binary";
  return {
    name,
    unit: "MB",
    hermes: ours,
    floor: theirs,
    ratio: ours / theirs,
    aim: "<= 120 MB",
    met: ours <= 120,
  };
}
