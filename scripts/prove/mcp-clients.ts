import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { AjvJsonSchemaValidator } from "@modelcontextprotocol/client/validators/ajv";
import { StdioClientTransport as LegacyStdio } from "@modelcontextprotocol/sdk/client/stdio.js";
import { startFakeSearch } from "../../tests/fakes/search.ts";
import { HERMES_COMMAND, startFakeLlm, testConfig } from "../../tests/support/hermes.ts";
import {
  CLIENT_KINDS,
  type ClientKind,
  connect,
  createClient,
  type TestClient,
  textOf,
} from "../../tests/support/mcp.ts";
import { type Message, type Part, serveMcp } from "./mcp-world.ts";

/** A call of the matrix; what it needs of earlier answers is in `before`, by tool. */
interface Step {
  tool: string;
  args(before: Readonly<Record<string, Message>>, world: World): object;
}

interface World {
  /** Differs from client to client. */
  mark: string;
  pageUrl: string;
}

/** Every tool, in an order in which each finds what it needs. */
const MATRIX: readonly Step[] = [
  { tool: "memory_write", args: (_, { mark }) => ({ key: mark, value: { deep: [1, [2, null]], mark } }) },
  { tool: "memory_read", args: (_, { mark }) => ({ key: mark }) },
  { tool: "memory_search", args: (_, { mark }) => ({ query: mark }) },
  { tool: "memory_delete", args: (_, { mark }) => ({ key: mark }) },
  { tool: "todolist_create", args: (_, { mark }) => ({ todos: [{ title: mark, notes: "a note" }] }) },
  {
    tool: "todolist_update",
    args: (before) => ({ id: before["todolist_create"].todos[0].id, status: "completed" }),
  },
  { tool: "todolist_list", args: () => ({}) },
  { tool: "file_write", args: (_, { mark }) => ({ path: `${mark}.txt`, content: "one\ntwo\n" }) },
  { tool: "file_edit", args: (_, { mark }) => ({ path: `${mark}.txt`, old_text: "two", new_text: "three" }) },
  { tool: "file_read", args: (_, { mark }) => ({ path: `${mark}.txt` }) },
  { tool: "file_list", args: () => ({}) },
  { tool: "file_search", args: () => ({ query: "three" }) },
  { tool: "terminal_run", args: () => ({ command: "echo done; sleep 60", background: true }) },
  { tool: "terminal_process", args: (before) => ({ action: "stop", id: before["terminal_run"].id }) },
  { tool: "web_search", args: () => ({ query: "hermes" }) },
  { tool: "web_extract", args: (_, { pageUrl }) => ({ url: pageUrl }) },
  { tool: "delegate_task", args: () => ({ task: "Say hello." }) },
  { tool: "session_search", args: () => ({ query: "hello" }) },
  { tool: "session_read", args: (before) => ({ session_id: before["delegate_task"].session_id }) },
  {
    tool: "skill_save",
    args: (_, { mark }) => ({
      name: mark,
      description: "Does nothing. For tests.",
      instructions: "Nothing.",
    }),
  },
  { tool: "skill_list", args: () => ({}) },
  { tool: "skill_load", args: (_, { mark }) => ({ name: mark }) },
];

const PAGE =
  "<!doctype html><title>A page</title><main><h1>A page</h1><p>With enough words to be read by anybody.</p></main>";

/** Both SDKs' clients, in every way they can begin, call every tool over both transports and find the answers as promised. */
export async function proveClients({ verdict }: Part): Promise<void> {
  const llm = await startFakeLlm();
  const search = startFakeSearch("searxng");
  const pages = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response(PAGE, { headers: { "content-type": "text/html" } }),
  });
  search.found = [{ title: "A page", url: pages.url.href, snippet: "A snippet." }];
  const { model, providers } = testConfig(llm.url, "hello");
  const server = await serveMcp(
    {},
    {
      model,
      providers,
      network: { allow_cidrs: ["127.0.0.0/8"] },
      tools: { skill: { approval: "allow" }, web: { search: { searxng: { base_url: search.baseUrl } } } },
    },
  );
  try {
    let calls = 0;
    for (const transport of ["http", "stdio"] as const)
      for (const kind of CLIENT_KINDS) {
        const client = await (transport === "http"
          ? connect(kind, server.url)
          : connectStdio(kind, server.home));
        const world = { mark: `${transport}-${kind.replaceAll(" ", "-")}`, pageUrl: pages.url.href };
        const problems = await callEverything(client, world);
        for (const problem of problems) verdict.violation(`${kind} over ${transport}: ${problem}`);
        calls += MATRIX.length - problems.length;
        await client.close();
      }
    verdict.figure("tools that every client called, each answer valid", MATRIX.length);
    verdict.figure("calls of the matrix, both SDKs, both transports", calls);
  } finally {
    await server.remove();
    await pages.stop(true);
    await search[Symbol.asyncDispose]();
    await llm.kill();
  }
}

async function connectStdio(kind: ClientKind, home: string): Promise<TestClient> {
  const [command = "", ...args] = HERMES_COMMAND;
  const client = createClient(kind);
  const env = { PATH: process.env["PATH"] ?? "", HOME: home, HERMES_HOME: home };
  const Transport = kind === "sdk v1" ? LegacyStdio : StdioClientTransport;
  await client.connect(new Transport({ command, args: [...args, "mcp"], env, stderr: "ignore" }) as never);
  return client;
}

/** Once more by a validator of our own, as a client may leave it out. */
async function callEverything(client: TestClient, world: World): Promise<string[]> {
  const problems: string[] = [];
  const { tools } = await client.listTools();
  const untried = tools.map(({ name }) => name).filter((name) => !MATRIX.some(({ tool }) => tool === name));
  if (untried.length > 0) problems.push(`no call of ${untried.join(", ")}`);
  const ajv = new AjvJsonSchemaValidator();
  const before: Record<string, Message> = {};
  for (const { tool, args } of MATRIX)
    try {
      const schema = tools.find(({ name }) => name === tool)?.outputSchema;
      const result = await client.callTool({ name: tool, arguments: { ...args(before, world) } });
      before[tool] = result.structuredContent;
      if (result.isError) problems.push(`${tool}: ${textOf(result)}`);
      else if (schema === undefined) problems.push(`${tool} has no output schema`);
      else {
        const checked = ajv.getValidator(schema as Record<string, unknown>)(result.structuredContent);
        if (!checked.valid) problems.push(`${tool} breaks its output schema: ${checked.errorMessage}`);
      }
    } catch (error) {
      problems.push(`${tool}: ${error instanceof Error ? error.message : error}`);
    }
  return problems;
}
