import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Hermes, type Service, startFakeLlm, startHermes, testConfig } from "../support/hermes.ts";

setDefaultTimeout(60_000);

/** The published call: a task with `tools: ["terminal", "file"]` and attachments, on the real server with the real tools. */
let fake: Service;
let hermes: Hermes;
let files: ReturnType<typeof Bun.serve>;
const FRUIT = "apples,3\npears,4\nplums,5\n";
const KEYS = {
  narrow: "key-with-files-only-0123456789abcdef",
  chatter: "key-that-only-chats-0123456789abcdef",
};

beforeAll(async () => {
  fake = await startFakeLlm();
  // An address of its own, so that the exemption below is for this server and no other.
  files = Bun.serve({
    hostname: "127.0.0.2",
    port: 0,
    fetch: () => new Response(FRUIT, { headers: { "content-type": "text/csv" } }),
  });
  const config = testConfig(fake.url, "script");
  const api = config["api"] as { auth: object };
  const keys = [
    { name: "narrow", token: KEYS.narrow, scopes: ["chat", "tools"], tools: ["file"] },
    { name: "chatter", token: KEYS.chatter, scopes: ["chat"] },
  ];
  hermes = await startHermes({
    config: {
      ...config,
      api: { ...api, auth: { ...api.auth, keys } },
      network: { allow_cidrs: ["127.0.0.2/32"] },
    },
  });
});
afterAll(async () => {
  await hermes.remove();
  await fake.kill();
  await files.stop(true);
});

async function execute(body: object, token = hermes.token) {
  const answer = await fetch(hermes.api("/execute"), {
    method: "POST",
    headers: { ...hermes.headers, authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

/** What the model was sent, from the oldest request on that contains this word. */
async function requestsWith(word: string) {
  const answer = await fetch(`${fake.url}/debug/requests`);
  const { requests } = (await answer.json()) as {
    requests: { body: { tools?: { function: { name: string } }[] } }[];
  };
  return requests.map(({ body }) => body).filter((body) => JSON.stringify(body).includes(word));
}

const toolNames = (body: { tools?: { function: { name: string } }[] } | undefined) =>
  (body?.tools ?? []).map((tool) => tool.function.name);
const inWorkspace = (...path: string[]) => join(hermes.home, "workspace", ...path);

describe('POST /execute with tools: ["terminal", "file"] and attachments', () => {
  test("writes a file, runs it, reads its result, and answers with it", async () => {
    const script = [
      "total=0",
      "while IFS=, read -r name count; do total=$((total + count)); done < fruit.csv",
      'echo "total: $total" > total.txt',
    ];
    const task = [
      "Add up the fruit of the attachment (task-of-the-sum).",
      `call file_write ${JSON.stringify({ path: "fruit.csv", content: FRUIT })}`,
      `call file_write ${JSON.stringify({ path: "sum.sh", content: `${script.join("\n")}\n` })}`,
      `call terminal_run ${JSON.stringify({ command: "sh sum.sh && ls" })}`,
      `call file_read ${JSON.stringify({ path: "total.txt" })}`,
    ].join("\n");
    const attachments = [`${files.url.origin}/fruit.csv`];
    const { status, body } = await execute({ task, attachments, tools: ["terminal", "file"] });
    expect(status).toBe(200);
    expect(body["response"]).toContain("total: 12");
    expect(body["response"]).toContain("fruit.csv");
    expect(body).toMatchObject({
      finish_reason: "stop",
      session_id: expect.any(String),
      run_id: expect.any(String),
    });
    expect(readFileSync(inWorkspace("total.txt"), "utf8")).toBe("total: 12\n");
    expect(statSync(inWorkspace("sum.sh")).mode & 0o111).toBe(0);

    const [first] = await requestsWith("task-of-the-sum");
    expect(JSON.stringify(first)).toContain("plums,5");
    expect(JSON.stringify(first)).toContain("<<<untrusted");
    const groups = new Set(toolNames(first).map((name) => name.split("_")[0]));
    expect([...groups].sort()).toEqual(["file", "terminal"]);
    expect(toolNames(first)).toEqual(expect.arrayContaining(["file_read", "file_write", "terminal_run"]));
  });

  test("a tool outside of `tools` is neither offered nor run", async () => {
    const task =
      'call memory_write {"key":"owned","value":1}\ncall terminal_run {"command":"touch owned.txt"}';
    const { status, body } = await execute({ task, tools: ["file"] });
    expect(status).toBe(200);
    expect(body["response"]).toContain("not among the tools");
    expect(existsSync(inWorkspace("owned.txt"))).toBe(false);
    const memory = await fetch(hermes.api("/memory?key=owned"), { headers: hermes.headers });
    expect(memory.status).toBe(404);
  });

  test("a wrong tool name is 422 with the nearest one", async () => {
    const { status, body } = await execute({ task: "hi", tools: ["terminal", "fil"] });
    expect([status, body["code"], body["hint"]]).toEqual([422, "unknown_tool", "Did you mean file?"]);
  });

  test("a key gets no more than it has: `tools` cannot widen it", async () => {
    const run = 'call terminal_run {"command":"touch by-narrow.txt"}';
    const asked = await execute({ task: run, tools: ["terminal", "file"] }, KEYS.narrow);
    expect([asked.status, asked.body["code"]]).toEqual([403, "forbidden"]);
    const tried = await execute({ task: run }, KEYS.narrow);
    expect(tried.body["response"]).toContain("not among the tools");
    const written = await execute({ task: 'call file_write {"path":"ok.txt","content":"x"}' }, KEYS.narrow);
    expect(written.body["response"]).toContain("ok.txt");
    expect([existsSync(inWorkspace("by-narrow.txt")), existsSync(inWorkspace("ok.txt"))]).toEqual([
      false,
      true,
    ]);
  });

  test("a key without the scope is refused before anything runs", async () => {
    const task = 'call terminal_run {"command":"touch by-chatter.txt"}';
    const { status, body } = await execute({ task, tools: ["terminal"] }, KEYS.chatter);
    expect([status, body["code"]]).toEqual([403, "forbidden"]);
    expect((await execute({ task }, "no-key-at-all-0123456789abcdef0123")).status).toBe(401);
    expect(existsSync(inWorkspace("by-chatter.txt"))).toBe(false);
  });

  test("an attachment from an address that is not exempted is refused, and nothing runs", async () => {
    const task = 'call file_write {"path":"refused.txt","content":"x"}';
    const { status, body } = await execute({ task, attachments: [`${fake.url}/v1/models`], tools: ["file"] });
    expect([status, body["code"]]).toEqual([422, "attachment_refused"]);
    expect(existsSync(inWorkspace("refused.txt"))).toBe(false);
  });
});
