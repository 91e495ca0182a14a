import type { RateResult } from "../clients/rate.ts";
import { createRig, type Figure, residentMb, runClient } from "../rig.ts";

const CALLERS = 16;
const SETTLE_MS = 5000;

/** Resident memory when nothing happens, and again after many turns, each in a session of its own. */
export const memory: Figure = {
  name: "memory",
  async measure({ turns }) {
    await using rig = createRig();
    const model = await rig.floor("model");
    const hermes = await rig.hermes(model.url, "instant");
    const floor = await rig.floor("http");
    await Promise.all([`${hermes.service.url}/health`, `${floor.url}/health`].map((url) => fetch(url)));
    await Bun.sleep(SETTLE_MS);
    const idle = { hermes: residentMb(hermes.service.pid), floor: residentMb(floor.pid) };
    const headers = { authorization: hermes.headers["authorization"] ?? "" };
    const request = { method: "POST", url: hermes.api("/chat"), headers, body: { message: "Hello" } };
    const load = await runClient<RateResult>("rate", { request, connections: CALLERS, requests: turns });
    if (load.refused > 0) throw new Error(`${load.refused} turns were refused`);
    await Bun.sleep(SETTLE_MS);
    const afterMb = residentMb(hermes.service.pid);
    return [
      {
        name: "memory, idle",
        unit: "MB",
        ...idle,
        ratio: idle.hermes / idle.floor,
        aim: "<= 60 MB",
        met: idle.hermes <= 60,
      },
      {
        name: `memory, after ${turns} turns`,
        unit: "MB",
        hermes: afterMb,
        floor: null,
        ratio: null,
        aim: "<= idle + 20 MB",
        met: afterMb <= idle.hermes + 20,
      },
    ];
  },
};
