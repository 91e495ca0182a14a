import { expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../support/command.ts";
import { makeHome } from "../support/hermes.ts";

test("openapi prints the document of this home's API, with and without --json", async () => {
  const home = makeHome();
  try {
    const plain = await runCommand(["openapi"], { home });
    expect(plain.stderr).toBe("");
    expect(JSON.parse(plain.stdout)).toMatchObject({ openapi: "3.1.0", paths: { "/api/v1/chat": {} } });
    expect((await runCommand(["openapi", "--json"], { home })).stdout).toBe(plain.stdout);
    writeFileSync(join(home, "config.yaml"), "api: { base_path: /v9 }\n", { mode: 0o600 });
    expect(JSON.parse((await runCommand(["openapi"], { home })).stdout)).toMatchObject({
      paths: { "/v9/chat": {} },
    });
  } finally {
    rmSync(home, { recursive: true });
  }
});
