import { writeSync } from "node:fs";
import { openStore } from "../../src/store/open.ts";
import { newRun, quietLog } from "../../tests/support/store.ts";

/**
 * The process whose writes `powercut.ts` records: `powercut-writer.ts DATABASE ROUNDS`. It writes a line for each
 * acknowledgement of the store, at once and in order.
 */
const [path = "", rounds = "0"] = process.argv.slice(2);
const acknowledge = (line: string) => void writeSync(1, `${line}\n`);

const store = await openStore({ path, log: quietLog() });
for (let round = 0; round < Number(rounds); round++) {
  const accepted = [0, 1, 2].map(async (lane) => {
    const id = `run_${round}_${lane}`;
    await store.runs.accept(
      newRun({
        id,
        session: { owner: "api:owner", id: `s${lane}` },
        delivery: { source: "api:owner", id, fingerprint: id },
      }),
    );
    acknowledge(`run ${id}`);
    return id;
  });
  await store.memory.set("owner", `key_${round}`, { round, filler: "x".repeat(300) }, "powercut");
  acknowledge(`memory key_${round}`);
  for (const id of await Promise.all(accepted)) {
    await store.runs.start(id, store.instance);
    await store.runs.recordStep(id, {
      messages: [{ role: "assistant", parts: [{ type: "text", text: `answer of ${id}` }] }],
      events: [{ type: "message.delta", data: `{"run":"${id}"}` }],
    });
    acknowledge(`step ${id}`);
    await store.runs.finish(
      id,
      {
        status: "completed",
        response: "done",
        finishReason: "stop",
        model: "m",
        usage: { inputTokens: 1, outputTokens: 1 },
      },
      { messages: [], events: [{ type: "run.completed", data: "{}" }] },
    );
    acknowledge(`end ${id}`);
  }
}
await store.close();
