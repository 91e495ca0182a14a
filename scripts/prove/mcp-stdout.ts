import { rmSync } from "node:fs";
import { makeHome } from "../../tests/support/hermes.ts";
import { type Part, type StdioServer, startStdio } from "./mcp-world.ts";

const MAX_EXIT_MS = 500;
const GOOD_EVERY = 100;
const LONG_LINE_BYTES = 5_000_000;
/** A long line costs its bytes on both sides: one of so many is enough of them. */
const LONG_EVERY = 500;

const GOOD_CALL =
  '{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"memory_search","arguments":{"query":"x"}}}';

/** What a line can be wrong with. None of them answers, cancels or begins anything. */
const KINDS: readonly ((random: () => number) => string | Uint8Array)[] = [
  (random) =>
    Uint8Array.from({ length: 1 + Math.floor(random() * 300) }, () => notNewline(Math.floor(random() * 256))),
  (random) => GOOD_CALL.slice(0, 1 + Math.floor(random() * (GOOD_CALL.length - 2))),
  () => `[${GOOD_CALL},${GOOD_CALL}]`,
  (random) => `${'{"a":'.repeat(10 + Math.floor(random() * 3_000))}`,
  (random) => "[".repeat(200 + Math.floor(random() * 20_000)),
  () => `${'{"a":'.repeat(500)}1${"}".repeat(500)}`,
  () => GOOD_CALL.replace("2.0", "1.0"),
  () => GOOD_CALL.replace('"2.0"', "2.0"),
  () => "\u0000".repeat(20),
  () => `\u0000${GOOD_CALL}`,
  () => GOOD_CALL.replace('"memory_search"', '"memory\u0000search"'),
  () => GOOD_CALL.replace('"tools/call"', "7"),
  () => GOOD_CALL.replace('"id":9', '"id":{"a":1}'),
  () => '{"jsonrpc":"2.0","id":1e999,"method":"ping"}',
  () => '{"jsonrpc":"2.0","method":"no/such/notification","params":{"__proto__":{"polluted":true}}}',
  () => '{"jsonrpc":"2.0","id":"never asked","result":{}}',
  () => '"\\ud800"',
  () => "\ufeff{}",
  () => "console.log(1)\r",
];

/** Whatever comes in, nothing but JSON-RPC goes out, good calls are answered all along, and the end of the input ends it. */
export async function proveStdout({ verdict, short }: Part): Promise<void> {
  const lines = short ? 2_000 : 10_000;
  const home = makeHome();
  const random = seeded(20261122);
  const server = await startStdio(home);
  try {
    let answered = 0;
    for (let i = 0; i < lines; i++) {
      const kind = KINDS[i % KINDS.length];
      await server.write(
        i % LONG_EVERY === 1 ? `{"a":"${"x".repeat(LONG_LINE_BYTES)}"}` : (kind?.(random) ?? ""),
      );
      await server.write("\n");
      if (i % GOOD_EVERY === GOOD_EVERY - 1) answered += await goodCall(server);
    }
    const exitMs = await server.end();
    verdict.figure("malformed lines into `hermes mcp`", lines);
    verdict.figure("of them answered with an error", server.unasked.errors);
    verdict.figure("good calls in between, all answered", `${answered} of ${lines / GOOD_EVERY}`);
    verdict.figure("ms from the end of the input to the exit", exitMs.toFixed(0));
    if (answered !== lines / GOOD_EVERY) verdict.violation("a good call was not answered as it should be");
    if (server.unasked.errors < lines / 2) verdict.violation("most malformed lines went without an error");
    for (const line of server.impure) verdict.violation(`not JSON-RPC on stdout: ${line.slice(0, 200)}`);
    if (exitMs > MAX_EXIT_MS)
      verdict.violation(`gone only ${exitMs.toFixed(0)} ms after the end of its input`);
    if ((await server.exited) !== 0) verdict.violation(`exit code ${await server.exited}`);
  } finally {
    server.kill();
    rmSync(home, { recursive: true, force: true });
  }
}

async function goodCall(server: StdioServer): Promise<number> {
  const key = `call ${server.nextId}`;
  await server.request("tools/call", { name: "memory_write", arguments: { key, value: key } });
  const { result } = await server.request("tools/call", { name: "memory_read", arguments: { key } });
  return result?.structuredContent?.value === key ? 1 : 0;
}

function notNewline(byte: number): number {
  return byte === 10 ? 11 : byte;
}

/** The same numbers in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
