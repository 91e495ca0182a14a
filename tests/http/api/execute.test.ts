import { describe, expect, test } from "bun:test";
import { openTestServer, TOKENS } from "../../support/server.ts";

const toolNames = (body: unknown) =>
  ((body as { tools?: { function: { name: string } }[] }).tools ?? []).map((tool) => tool.function.name);

describe("POST /execute", () => {
  test("runs the task with the tools of the key and answers with the result", async () => {
    await using server = await openTestServer({ model: "script" });
    const task = 'call memory_write {"key":"colour","value":"green"}\nsay Done.';
    const answer = await server.post("/execute", { task });
    expect([answer.status, (await answer.json()).response]).toEqual([200, "Done."]);
    expect((await (await server.call("/memory?key=colour")).json()).value).toBe("green");
  });

  test("`tools` narrows to what it names, and to nothing when empty", async () => {
    await using server = await openTestServer();
    await server.post("/execute", { task: "hi", tools: ["memory_read", "session"] });
    await server.post("/execute", { task: "hi", tools: [] });
    const [narrowed, none] = server.llm.requests.map(({ body }) => toolNames(body));
    expect(narrowed?.sort()).toEqual(["memory_read", "session_read", "session_search"]);
    expect(none).toEqual([]);
  });

  test("`tools` never widens what the key may use", async () => {
    await using server = await openTestServer();
    server.config.change((config) => {
      config.api.auth.keys.push({
        name: "narrow",
        token: "a-narrow-key",
        scopes: ["tools", "chat"],
        tools: ["memory_read"],
      });
    });
    const as = { as: null, headers: { authorization: "Bearer a-narrow-key" } };
    const refused = await server.post("/execute", { task: "hi", tools: ["todolist_create"] }, as);
    expect([refused.status, (await refused.json()).code]).toEqual([403, "forbidden"]);
    await server.post("/execute", { task: "hi", tools: ["memory"] }, as);
    await server.post("/execute", { task: "hi" }, as);
    expect(server.llm.requests.map(({ body }) => toolNames(body))).toEqual([
      ["memory_read"],
      ["memory_read"],
    ]);
  });

  test("an unknown tool is 422 with the nearest name", async () => {
    await using server = await openTestServer();
    const body = await (await server.post("/execute", { task: "hi", tools: ["memory_reed"] })).json();
    expect([body.code, body.hint]).toEqual(["unknown_tool", "Did you mean memory_read?"]);
  });

  test("attachments go through the guarded fetch: addresses of this machine are refused", async () => {
    await using server = await openTestServer();
    for (const address of [
      "http://127.0.0.1:1/x",
      "http://localhost/x",
      "http://[::1]/x",
      "http://169.254.169.254/",
    ]) {
      const answer = await server.post("/execute", { task: "hi", attachments: [address] });
      const body = await answer.json();
      expect([address, answer.status]).toEqual([address, 422]);
      expect(JSON.stringify(body)).not.toContain(TOKENS.owner);
    }
    for (const attachments of [
      ["file:///etc/passwd"],
      ["ftp://a/b"],
      [7],
      Array(11).fill("https://a.example/"),
    ])
      expect((await server.post("/execute", { task: "hi", attachments })).status).toBe(422);
  });
});
