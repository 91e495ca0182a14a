import { createRig, type Figure, summarise } from "../rig.ts";
import { compareRates } from "./routes.ts";

const CONNECTIONS = 64;

/**
 * Messages accepted a second: each one on disk before its 202, each in a new session. The agent runs one turn at a time at a
 * model that never answers, so that the figure is that of accepting and not of the turns that follow.
 */
export const accept: Figure = {
  name: "accept",
  async measure({ rounds, seconds }) {
    await using rig = createRig();
    const model = await rig.floor("model");
    const hermes = await rig.hermes(model.url, "never", { max_concurrent_turns: 1 });
    const floor = await rig.floor("http");
    const body = { task: "A task of an ordinary length, to be taken on now and worked off later." };
    const authorization = hermes.headers["authorization"] ?? "";
    const pairs = await compareRates(rounds, seconds, CONNECTIONS, {
      hermes: {
        pid: hermes.service.pid,
        request: {
          method: "POST",
          url: hermes.api("/execute"),
          headers: { authorization, prefer: "respond-async" },
          body,
        },
      },
      floor: {
        pid: floor.pid,
        request: { method: "POST", url: `${floor.url}/echo`, headers: { authorization }, body },
      },
    });
    const rate = summarise(pairs, (one) => one.perSecond);
    const cpu = summarise(pairs, (one) => one.cpuUs);
    return [
      { name: "durable accept", unit: "requests/s", ...rate, aim: ">= 60 %", met: rate.ratio >= 0.6 },
      { name: "durable accept, processor time", unit: "us", ...cpu, aim: "", met: true },
    ];
  },
};
