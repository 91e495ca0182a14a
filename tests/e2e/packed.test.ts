import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { anthropicEvents } from "../fakes/anthropic.ts";
import { geminiEvents } from "../fakes/gemini.ts";
import { startScripted } from "../fakes/scripted-sse.ts";
import { buildAll } from "../support/binary.ts";
import { makeHome, startService, testConfig } from "../support/hermes.ts";

setDefaultTimeout(200_000); // the first build on a machine fetches the runtime of the other processor

/** What the build packs apart works in the executable: the SDKs of two providers, and the assets of the page at /swagger. */
const ANSWERS = {
  anthropic: anthropicEvents([{ type: "text", text: "unpacked" }]),
  gemini: geminiEvents([{ text: "unpacked" }]),
};

async function startBinary(config: Record<string, unknown>) {
  const { directory } = await buildAll();
  const home = makeHome();
  writeFileSync(join(home, "config.yaml"), JSON.stringify(config), { mode: 0o600 });
  const env = { HOME: home, HERMES_HOME: home };
  const service = await startService([join(directory, "hermes"), "api"], { cwd: home, env });
  return {
    url: service.url,
    async [Symbol.asyncDispose]() {
      await service.kill();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

for (const [provider, events] of Object.entries(ANSWERS))
  test(`the executable speaks to ${provider}`, async () => {
    const model = startScripted([events]);
    const base = testConfig(model.url, "none");
    const providers = { [provider]: { api_key: "none-needed", base_url: model.url } };
    await using hermes = await startBinary({ ...base, providers, model: { default: `${provider}/m` } });
    const { token } = (base["api"] as { auth: { token: string } }).auth;
    const answer = await fetch(`${hermes.url}/api/v1/chat`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ message: "hello" }),
    });
    expect(await answer.text()).toContain("unpacked");
    expect(model.requests).toHaveLength(1);
    await model.stop();
  });

test("the executable serves the assets of the documentation, compressed or not", async () => {
  await using hermes = await startBinary(testConfig("http://127.0.0.1:9", "none"));
  for (const file of ["swagger-ui-bundle.js", "swagger-ui.css"]) {
    const original = readFileSync(Bun.resolveSync(`swagger-ui-dist/${file}`, import.meta.dir));
    for (const coding of ["gzip", "identity"]) {
      const headers = { "accept-encoding": coding };
      const answer = await fetch(`${hermes.url}/swagger/${file}`, { headers, decompress: false });
      const bytes = new Uint8Array(await answer.arrayBuffer());
      expect([answer.status, answer.headers.get("content-encoding")]).toEqual([
        200,
        coding === "gzip" ? "gzip" : null,
      ]);
      expect(original.equals(coding === "gzip" ? Bun.gunzipSync(bytes) : bytes)).toBe(true);
    }
  }
});
