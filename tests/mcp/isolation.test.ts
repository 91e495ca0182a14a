import { expect, test } from "bun:test";
import { openSession, openTestMcp, postLegacy, postModern, testTool } from "../support/mcp.ts";

const CLIENTS = 64;
const CALLS = 10;

/** The result in a JSON body or in the event that carries it. */
function resultOf(body: string): { id: unknown; result: { structuredContent: { said: string } } } {
  const json = body.startsWith("{") ? body : (/^data: (\{.*"result".*)$/m.exec(body)?.[1] ?? "null");
  return JSON.parse(json);
}

test("64 clients of both eras with equal ids get their own answers", async () => {
  const echo = testTool("terminal_echo", async (_context, word) => {
    await Bun.sleep(Math.random() * 5); // so that answers overtake one another
    return word;
  });
  await using mcp = await openTestMcp({ tools: [echo] });
  const callsOf = async (client: number) => {
    const session = client % 2 === 0 ? await openSession(mcp.url, `key${client}`) : null;
    const key = `key${client}`;
    for (let id = 1; id <= CALLS; id++) {
      const word = `client ${client}, call ${id}`;
      const params = { name: "terminal_echo", arguments: { word } };
      const answer =
        session === null
          ? await postModern(mcp.url, "tools/call", params, { id, key })
          : await postLegacy(mcp.url, { id, method: "tools/call", params }, { session, key });
      const { id: answered, result } = resultOf(await answer.text());
      expect([answered, result.structuredContent.said]).toEqual([id, word]);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, client) => callsOf(client)));
  expect(mcp.endpoint.sessions).toBe(CLIENTS / 2);
});
