import { openSession, postLegacy, postModern, textOf } from "../../tests/support/mcp.ts";
import { messageOf } from "../../tests/support/mcp-requests.ts";
import { inLanes, type Part, serveMcp } from "./mcp-world.ts";

const CLIENTS = 64;
const IN_FLIGHT = 4;

/** One client: a principal of its own, and a way to call tools with the ids it chooses. */
interface Caller {
  name: string;
  call(id: number, tool: string, args: object): Promise<Response>;
}

/**
 * Clients of both eras call with equal ids, all at once, each several calls at a time. Each has a key of its own and keeps its
 * mark under the same memory key as all others: an answer that went to the wrong one shows another mark.
 */
export async function proveIsolation({ verdict, short }: Part): Promise<void> {
  const callsOfEach = Math.ceil((short ? 1_000 : 10_000) / CLIENTS);
  const keyOf = (client: number) => `a-key-of-client-${client}-for-this-proof-only`;
  const keys = Array.from({ length: CLIENTS }, (_, client) => ({
    name: `client-${client}`,
    token: keyOf(client),
    scopes: ["chat"],
  }));
  const hermes = await serveMcp({ auth: { type: "api_key", api_keys: ["a-key-of-the-owner"], keys } });
  try {
    const callers = await Promise.all(
      keys.map(async ({ name }, client): Promise<Caller> => {
        const key = keyOf(client);
        if (client % 2 === 0)
          return {
            name,
            call: (id, tool, args) =>
              postModern(hermes.url, "tools/call", { name: tool, arguments: args }, { key, id }),
          };
        const session = await openSession(hermes.url, key);
        const method = "tools/call";
        return {
          name,
          call: (id, tool, args) =>
            postLegacy(hermes.url, { id, method, params: { name: tool, arguments: args } }, { key, session }),
        };
      }),
    );
    let calls = 0;
    const check = async (caller: Caller, id: number, tool: string, args: object, mark: string) => {
      const message = await messageOf(await caller.call(id, tool, args));
      calls += 1;
      const shown = textOf(message?.result ?? {});
      if (message?.id !== id || !shown.includes(mark))
        verdict.violation(
          `${caller.name}, id ${id}, ${tool}: not its own answer: ${JSON.stringify(message).slice(0, 300)}`,
        );
    };
    await Promise.all(
      callers.map(async (caller) => {
        await caller.call(0, "memory_write", { key: "mark", value: `${caller.name}/` });
        await inLanes(IN_FLIGHT, Array(Math.ceil(callsOfEach / 2)).keys(), async (turn) => {
          const key = `${caller.name}/${turn}`;
          await check(caller, 2 * turn + 1, "memory_write", { key, value: turn }, `"${key}"`);
          await check(caller, 2 * turn + 2, "memory_read", { key: "mark" }, `"${caller.name}/"`);
        });
      }),
    );
    verdict.figure("clients with equal ids, half of each era", CLIENTS);
    verdict.figure("calls, each answered with its caller's own mark", calls);
  } finally {
    await hermes.remove();
  }
}
