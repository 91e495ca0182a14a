import { describe, expect, test } from "bun:test";
import { openTestServer } from "../../support/server.ts";

describe("/models", () => {
  test("list the models with the names to ask for", async () => {
    await using server = await openTestServer();
    const { default: byDefault, models } = await (await server.call("/models")).json();
    expect(byDefault).toBe("fake/hello");
    expect(models.map(({ id }: { id: string }) => id)).toContain("fake/echo");
  });
});
