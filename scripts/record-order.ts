/**
 * `bun run record:order`: runs a compiled Hermes as a service, with chats and API, and writes which functions it used to
 * `scripts/bytecode.order`. The build places those together. The names are hashes of their syntax, so that the file serves
 * until much of the code has changed: what it does not know lies behind.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CHAT_SERVERS } from "../tests/contract/servers/all.ts";
import { startHermes, testConfig } from "../tests/support/hermes.ts";
import { onCompiledHermes } from "./prove/compiled.ts";
import { promptFor, startRecordingModel } from "./prove/recording-model.ts";

const MESSAGES = 20;
const PATIENCE_MS = 60_000;
const ORDER = join(import.meta.dir, "bytecode.order");

const code = await onCompiledHermes();
if (code !== null) process.exit(code);

const model = startRecordingModel();
const servers = await Promise.all(Object.values(CHAT_SERVERS).map((start) => start()));
const platforms = Object.fromEntries(
  servers.map(({ platform, settings }) => [platform, { ...settings, allowed_users: ["*"] }]),
);
const hermes = await startHermes({
  config: { ...testConfig(model.url, "prove"), platforms },
  args: ["serve"],
  env: { BUN_BYTECODE_ORDER_OUT: `${ORDER}.new` },
});
try {
  await until(() => servers.every((server) => server.connections > 0));
  await Promise.all([askChats(), askApi()]);
  if ((await hermes.service.stop()) !== 0)
    throw new Error(`it did not end well:\n${hermes.service.output()}`);
} finally {
  await hermes.remove();
  for (const server of servers) await server[Symbol.asyncDispose]();
  await model.stop();
}
const recorded = await Bun.file(`${ORDER}.new`).text();
await Bun.file(`${ORDER}.new`).delete();
// Functions alone: strings and keys would make the file fifteen times larger, for a fifth of the gain.
const [version = "", ...lines] = recorded.split("\n");
const functions = lines.filter((line) => line.startsWith("F "));
const before = new Set(readFileSync(ORDER, "utf8").split("\n"));
writeFileSync(ORDER, `${[version, ...functions].join("\n")}\n`);
console.log(
  `${functions.length} functions, ${functions.filter((line) => !before.has(line)).length} of them new`,
);
process.exit(0);

async function askChats(): Promise<void> {
  for (let n = 0; n < MESSAGES; n++)
    for (const server of servers) {
      server.write(0, promptFor({ name: `${server.platform}-${n}`, chunks: 4, everyMs: 0 }));
      const answer = `Answer to ${server.platform}-${n}:`;
      await until(() => server.shown(0).some((text) => text.includes(answer)));
    }
}

async function askApi(): Promise<void> {
  for (let n = 0; n < MESSAGES; n++) {
    const message = promptFor({ name: `api-${n}`, chunks: 4, everyMs: 0, tool: n % 2 === 0 });
    const body = JSON.stringify({ message, stream: n % 3 === 0 });
    const answer = await fetch(hermes.api("/chat"), { method: "POST", headers: hermes.headers, body });
    if (!answer.ok) throw new Error(`the API answered ${answer.status}`);
    await answer.text();
  }
}

async function until(condition: () => boolean): Promise<void> {
  const last = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > last)
      throw new Error(`it never came to this: ${condition}\n${hermes.service.output()}`);
    await Bun.sleep(20);
  }
}
