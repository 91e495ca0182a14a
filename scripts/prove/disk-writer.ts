import { writeSync } from "node:fs";
import { AppError } from "../../src/lib/errors.ts";
import { openStore } from "../../src/store/open.ts";
import { quietLog } from "../../tests/support/store.ts";

/**
 * The process that `disk.ts` puts on a failing disk: `disk-writer.ts DATABASE`. It writes to memory without end, and a
 * line to stdout for each answer of the store; it ends when its stdin does.
 */
const PAUSE_MS = 2;
const [path = ""] = process.argv.slice(2);
const say = (line: string) => void writeSync(1, `${line}\n`);

let stopping = false;
const stdinEnded = (async () => {
  for await (const _chunk of Bun.stdin.stream());
  stopping = true;
})();

const store = await openStore({ path, log: quietLog() });
for (let i = 0; !stopping; i++) {
  try {
    await store.memory.set("owner", `key_${i}`, "x".repeat(500), "disk");
    say(`kept key_${i}`);
  } catch (error) {
    const expected = error instanceof AppError && error.code === "store_unavailable" && error.retryAfterMs;
    say(expected ? `refused ${(await store.health()).ok ? "healthy" : "unhealthy"}` : `wrong ${error}`);
  }
  await Bun.sleep(PAUSE_MS);
}
await stdinEnded;
await store.close();
say("closed");
