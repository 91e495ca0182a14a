import { describe, expect, test } from "bun:test";
import { openTestServer, TOKENS } from "../../support/server.ts";

describe("/status", () => {
  test("tell what runs and how it is, without a secret", async () => {
    await using server = await openTestServer();
    await server.post("/chat", { message: "hi" });
    const text = await (await server.call("/status")).text();
    expect(JSON.parse(text)).toMatchObject({
      status: "ok",
      version: "0.0.0-test",
      api: { host: "127.0.0.1", port: server.port, base_path: "/api/v1" },
      model: { default: "fake/hello" },
      runs: { running: 0, queued: 0 },
      store: { ok: true, counts: { sessions: 1, messages: 2 } },
    });
    for (const secret of [...Object.values(TOKENS), "sk-canary"]) expect(text).not.toContain(secret);
  });
});
