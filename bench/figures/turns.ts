import type { FirstByteResult } from "../clients/first-byte.ts";
import type { RateResult } from "../clients/rate.ts";
import type { RequestSpec } from "../clients/wire.ts";
import { cpuMs, createRig, type Figure, interleave, median, runClient, summarise } from "../rig.ts";

const CALLERS = 16;

/** A whole durable turn, not streamed, against a proxy to the same model: cost and latency alone, then at 16 callers. */
export const turns: Figure = {
  name: "turns",
  async measure({ rounds, seconds, count }) {
    await using rig = createRig();
    const model = await rig.floor("model");
    const hermes = await rig.hermes(model.url, "instant");
    const proxy = await rig.floor("proxy", model.url);
    const sides = {
      hermes: {
        pid: hermes.service.pid,
        request: {
          method: "POST",
          url: hermes.api("/chat"),
          headers: { authorization: hermes.headers["authorization"] ?? "" },
          body: { message: "Hello" },
        } satisfies RequestSpec,
      },
      floor: {
        pid: proxy.pid,
        request: {
          method: "POST",
          url: `${proxy.url}/chat`,
          headers: {},
          body: { message: "Hello", model: "instant" },
        } satisfies RequestSpec,
      },
    };
    const alone = (side: (typeof sides)["hermes"] | (typeof sides)["floor"]) => async () => {
      const before = cpuMs(side.pid);
      const { wholeMs } = await runClient<FirstByteResult>("first-byte", {
        request: side.request,
        requests: count,
      });
      return { cpuMs: (cpuMs(side.pid) - before) / count, latencyMs: median(wholeMs) };
    };
    const crowd = (side: (typeof sides)["hermes"] | (typeof sides)["floor"]) => async () => {
      const before = cpuMs(side.pid);
      const job = { request: side.request, connections: CALLERS, seconds };
      const result = await runClient<RateResult>("rate", job);
      if (result.refused > 0) throw new Error(`${side.request.url} refused ${result.refused} turns`);
      return { ...result, cpuMs: (cpuMs(side.pid) - before) / result.requests };
    };
    const single = await interleave(rounds, { hermes: alone(sides.hermes), floor: alone(sides.floor) });
    const many = await interleave(rounds, { hermes: crowd(sides.hermes), floor: crowd(sides.floor) });
    const cpu = summarise(single, (one) => one.cpuMs);
    const latency = summarise(single, (one) => one.latencyMs);
    const rate = summarise(many, (one) => one.perSecond);
    const cpuMany = summarise(many, (one) => one.cpuMs);
    return [
      { name: "a durable turn, processor time", unit: "ms", ...cpu, aim: "<= 5 ms", met: cpu.hermes <= 5 },
      { name: "a durable turn, latency", unit: "ms", ...latency, aim: "", met: true },
      {
        name: `turns at ${CALLERS} callers`,
        unit: "turns/s",
        ...rate,
        aim: ">= 300",
        met: rate.hermes >= 300,
      },
      { name: `a turn at ${CALLERS} callers, processor time`, unit: "ms", ...cpuMany, aim: "", met: true },
    ];
  },
};
