import { startFakeTelegram } from "./server.ts";

/** Telegram as a process of its own, which prints where it is: `bun tests/fakes/telegram/serve.ts [port]`. */
const fake = await startFakeTelegram(Number(process.argv[2] ?? 0));
console.log(JSON.stringify({ url: fake.url, token: fake.token }));
