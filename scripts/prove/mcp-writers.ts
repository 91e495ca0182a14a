import { openSession, postLegacy } from "../../tests/support/mcp.ts";
import { messageOf } from "../../tests/support/mcp-requests.ts";
import { type Message, type Part, serveMcp, startStdio } from "./mcp-world.ts";

const PROCESSES = 8;
const WRITES = 100;
/** The most that one page of the to-do list has. */
const TODOS_AT_ONCE = 50;

type CallTool = (name: string, args: object) => Promise<Message>;

/** Every MCP client starts its own `hermes mcp`: they and a server write to one home at once, and nothing is lost. */
export async function proveWriters({ verdict }: Part): Promise<void> {
  const server = await serveMcp();
  const processes = await Promise.all(Array.from({ length: PROCESSES }, () => startStdio(server.home)));
  try {
    const session = await openSession(server.url);
    let id = 0;
    const overHttp: CallTool = async (name, args) => {
      const message = { id: ++id, method: "tools/call", params: { name, arguments: args } };
      return messageOf(await postLegacy(server.url, message, { session }));
    };
    const writers: CallTool[] = [
      ...processes.map(
        (one): CallTool =>
          (name, args) =>
            one.request("tools/call", { name, arguments: args }),
      ),
      overHttp,
    ];
    const made = await Promise.all(writers.map((call, writer) => writeAll(call, writer)));
    const failed = made.flat().filter(({ result }) => result?.structuredContent === undefined);
    for (const one of failed) verdict.violation(`a write failed: ${JSON.stringify(one)}`);

    const keptEntries = await countMemory(overHttp, writers.length);
    const todos = await countTodos(overHttp, made.flat());
    verdict.figure("processes of `hermes mcp` that write, and one server", PROCESSES);
    verdict.figure("memory entries kept, of those written", `${keptEntries} of ${writers.length * WRITES}`);
    verdict.figure("tasks kept, of those created", `${todos.kept} of ${todos.created}`);
    if (keptEntries !== writers.length * WRITES) verdict.violation("memory entries were lost");
    if (todos.kept !== todos.created || todos.created !== writers.length * WRITES)
      verdict.violation("tasks were lost");
  } finally {
    for (const one of processes) one.kill();
    await Promise.all(processes.map((one) => one.exited));
    await server.remove();
  }
}

function writeAll(call: CallTool, writer: number): Promise<Message[]> {
  const writes = Array.from({ length: WRITES }, (_, i) => [
    call("memory_write", { key: `writer ${writer}/${i}`, value: { writer, i } }),
    call("todolist_create", { todos: [{ title: `writer ${writer}/${i}` }] }),
  ]);
  return Promise.all(writes.flat());
}

async function countMemory(call: CallTool, writers: number): Promise<number> {
  let kept = 0;
  for (let writer = 0; writer < writers; writer++)
    for (let i = 0; i < WRITES; i++) {
      const { result } = await call("memory_read", { key: `writer ${writer}/${i}` });
      const value = result?.structuredContent?.value;
      if (value?.writer === writer && value.i === i) kept += 1;
    }
  return kept;
}

/** The list shows a page at a time: what was created is taken out of it by its id until nothing is left. */
async function countTodos(
  call: CallTool,
  made: readonly Message[],
): Promise<{ created: number; kept: number }> {
  const created = new Set<string>(
    made.flatMap(({ result }) =>
      (result?.structuredContent?.todos ?? []).map(({ id }: { id: string }) => id),
    ),
  );
  let kept = 0;
  for (;;) {
    const { result } = await call("todolist_list", { status: "pending" });
    const listed: { id: string }[] = result?.structuredContent?.todos ?? [];
    if (listed.length === 0) return { created: created.size, kept };
    for (let i = 0; i < listed.length; i += TODOS_AT_ONCE)
      await Promise.all(
        listed.slice(i, i + TODOS_AT_ONCE).map(async ({ id }) => {
          kept += created.has(id) ? 1 : 0;
          await call("todolist_update", { id, status: "completed" });
        }),
      );
  }
}
