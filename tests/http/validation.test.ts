import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openTestServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await openTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

/** A body, and what the answer says is wrong with it. */
const BODIES: [path: string, body: unknown, detail: string, hint?: string][] = [
  ["/chat", {}, "message: missing."],
  ["/chat", { mesage: "x" }, "message: missing.", 'Did you mean "message"?'],
  ["/chat", { message: "x", strem: true }, "strem: unknown name.", 'Did you mean "stream"?'],
  [
    "/execute",
    { task: "x", stream: true },
    "stream: unknown name.",
    "Known names: task, attachments, tools, model, session_id.",
  ],
  ["/chat", { message: "" }, "message: must be text of 1 to 1000000 characters, not only spaces."],
  ["/chat", { message: " \n" }, "message: must be text of 1 to 1000000 characters, not only spaces."],
  ["/execute", { task: "\t" }, "task: must be text of 1 to 1000000 characters, not only spaces."],
  ["/chat", { message: null }, "message: missing."],
  ["/chat", { message: "x", session_id: "../x" }, "session_id: must be 1 to 64 letters, digits, _ or -."],
  ["/chat", { message: "x", model: "" }, "model: must be text of 1 to 200 characters."],
  ["/chat", { message: "x", stream: "yes" }, "stream: must be true or false."],
  ["/execute", { task: "x", attachments: "http://a" }, "attachments: must be a list of 8 entries at most."],
  [
    "/execute",
    { task: "x", attachments: ["file:///etc/passwd"] },
    "attachments/0: must be an address that begins with http:// or https://.",
  ],
  ["/execute", { task: "x", tools: "memory" }, "tools: must be a list of 100 entries at most."],
  ["/memory", { key: "", value: 1 }, "key: must be text of 1 to 200 characters."],
  ["/memory", { key: "k" }, "value: missing."],
  ...[[], null, "x", 1, true].map((body): [string, unknown, string, string] => [
    "/chat",
    body,
    "The body must be a JSON object.",
    "Put the fields between { and }.",
  ]),
];

const QUERIES: [query: string, detail: string][] = [
  ["limit=0", "limit: must be a whole number from 1 to 100."],
  ["limit=x", "limit: must be a whole number from 1 to 100."],
  ["q=", "q: must be text of 1 to 1000 characters."],
  ["cursor=", "cursor: must be text of 1 to 500 characters."],
];

const SEE_SWAGGER = "See /swagger for what this endpoint takes.";

describe("a request that is not as it should be is told what to do", () => {
  test.each(BODIES)("%s %j", async (path, body, detail, hint = SEE_SWAGGER) => {
    const answer = await server.post(path, body);
    expect(await answer.json()).toMatchObject({ status: 422, code: "invalid_request", detail, hint });
  });

  test.each(QUERIES)("GET /memory?%s", async (query, detail) => {
    const answer = await server.call(`/memory?${query}`);
    expect(await answer.json()).toMatchObject({ status: 422, code: "invalid_request", detail });
  });

  test("field by field, each once", async () => {
    const answer = await server.post("/chat", { mesage: "x", stream: 1, session_id: "" });
    expect((await answer.json()).errors).toEqual([
      { field: "/message", detail: "missing" },
      { field: "/mesage", detail: "unknown name" },
      { field: "/session_id", detail: "must be 1 to 64 letters, digits, _ or -" },
      { field: "/stream", detail: "must be true or false" },
    ]);
  });
});

test("an address of an attachment may be in capitals", async () => {
  const answer = await server.post("/execute", { task: "x", attachments: ["HTTP://127.0.0.1/"] });
  expect((await answer.json()).code).toBe("attachment_refused");
});
