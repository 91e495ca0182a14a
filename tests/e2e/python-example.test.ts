import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type Hermes, type Service, startFakeLlm, startHermes, testConfig } from "../support/hermes.ts";

let fake: Service;
let hermes: Hermes;

beforeAll(async () => {
  fake = await startFakeLlm();
  const config = testConfig(fake.url, "hello");
  const auth = { token: "your-secure-api-token" };
  hermes = await startHermes({ config: { ...config, api: { ...(config["api"] as object), auth } } });
}, 60_000);
afterAll(async () => {
  await hermes.remove();
  await fake.kill();
});

/** Runs a published example, unchanged but for the port. */
async function runExample(name: string) {
  const source = await Bun.file(join(import.meta.dir, name)).text();
  const script = source.replace("http://127.0.0.1:18791", hermes.service.url);
  const python = Bun.spawn(["python3", "-c", script], { stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([
    python.stdout.text(),
    python.stderr.text(),
    python.exited,
  ]);
  return { stdout, stderr, code };
}

const GREETING =
  'Hello! I am the fake model that ships with Hermes: there is no real AI behind me. You said: "Hello, Hermes!". Set the key of a model provider to talk to a real one.\n';

describe("the published Python example (python3 with requests)", () => {
  test("chats", async () => {
    expect(await runExample("chat.py")).toEqual({ stdout: GREETING, stderr: "", code: 0 });
  }, 30_000);

  test("streams with iter_lines", async () => {
    expect(await runExample("stream.py")).toEqual({ stdout: GREETING, stderr: "", code: 0 });
  }, 30_000);
});
