import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HERMES_COMMAND, makeHome, type Service, startFakeLlm, startService } from "./support/hermes.ts";
import { bothLanguages } from "./support/pages.ts";

setDefaultTimeout(120_000);

const [english, chinese] = bothLanguages("docs/webhooks.md");
const FIRST = /^mkdir[\s\S]*hermes gateway --webhook --port 18789$/;
let fake: Service;
let home: string;

beforeAll(async () => {
  fake = await startFakeLlm();
  home = makeHome();
  mkdirSync(join(home, "bin"));
  const command = HERMES_COMMAND.map((part) => `'${part}'`).join(" ");
  writeFileSync(join(home, "bin/hermes"), `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
});
afterAll(async () => {
  await fake.kill();
  rmSync(home, { recursive: true, force: true });
});

/** A terminal that somebody has just opened: it knows nothing but where the commands are. */
const terminal = () => ({ cwd: home, env: { HOME: home, PATH: `${home}/bin:${process.env["PATH"]}` } });

async function run(command: string) {
  const child = Bun.spawn(["bash", "-c", command], { ...terminal(), stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, stdout, stderr };
}

test("the first commands of the page, in two terminals, take an event to its end", async () => {
  const block = english.blocks.find(({ code }) => FIRST.test(code.trim()))?.code ?? "";
  expect(chinese.blocks.map(({ code }) => code)).toContain(block);
  const script = block
    .replace("OPENROUTER_API_KEY=sk-or-...", "OPENAI_API_KEY=none-needed")
    .replace("18789", "0")
    .replace("hermes gateway", "exec hermes gateway");
  mkdirSync(join(home, ".hermes"), { mode: 0o700 });
  const openai = { base_url: `${fake.url}/v1` };
  const config = { model: { default: "openai/hello" }, providers: { openai } };
  writeFileSync(join(home, ".hermes/config.yaml"), JSON.stringify(config), { mode: 0o600 });
  const gateway = await startService(["bash", "-ec", script], terminal());
  try {
    const tested = await run("hermes webhook test");
    expect(tested.stderr).toBe("");
    expect(tested.stdout).toMatch(/^202$[\s\S]*^completed /m);
    expect(tested.code).toBe(0);
  } finally {
    await gateway.stop();
  }
});

test("without a key of a model the command that tests says what is missing", async () => {
  writeFileSync(join(home, ".hermes/config.yaml"), "{}", { mode: 0o600 });
  writeFileSync(join(home, ".hermes/.env"), `HERMES_WEBHOOK_SECRET=${"0123456789abcdef".repeat(2)}`);
  const gateway = await startService(["hermes", "gateway", "--webhook", "--port", "0"], terminal());
  try {
    const { code, stderr } = await run("hermes webhook test");
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/no model has a key, which `hermes doctor` tells/),
    ]);
    expect((await run("hermes doctor")).stdout).toContain("OPENROUTER_API_KEY");
  } finally {
    await gateway.stop();
  }
});
