import { createRig, type Figure, summarise } from "../rig.ts";
import { compareRates } from "./routes.ts";

const CONNECTIONS = 64;
const SECRET = "a-secret-of-events-in-the-bench-0123456789";

/**
 * Events taken a second: each one new, verified and on disk before its 202, against an echo of the same requests that verifies
 * and keeps nothing. The agent runs one turn at a time at a model that never answers, so that the figure is that of taking them.
 */
export const events: Figure = {
  name: "events",
  async measure({ rounds, seconds }) {
    await using rig = createRig();
    const model = await rig.floor("model");
    const hermes = await rig.webhooks(model.url, "never", SECRET);
    const floor = await rig.floor("http");
    const request = { method: "POST", headers: {} } as const;
    const pairs = await compareRates(rounds, seconds, CONNECTIONS, {
      hermes: {
        pid: hermes.service.pid,
        request: { ...request, url: `${hermes.service.url}/webhook` },
        eventsOf: SECRET,
      },
      floor: { pid: floor.pid, request: { ...request, url: `${floor.url}/echo` }, eventsOf: SECRET },
    });
    const rate = summarise(pairs, (one) => one.perSecond);
    const cpu = summarise(pairs, (one) => one.cpuUs);
    return [
      {
        name: "events verified and stored",
        unit: "events/s",
        ...rate,
        aim: ">= 60 %",
        met: rate.ratio >= 0.6,
      },
      { name: "events verified and stored, processor time", unit: "us", ...cpu, aim: "", met: true },
    ];
  },
};
