import type { RateJob, RateResult } from "../clients/rate.ts";
import type { RequestSpec } from "../clients/wire.ts";
import { cpuMs, createRig, type Figure, interleave, type Row, runClient, summarise } from "../rig.ts";

const CONNECTIONS = 32;

/** A server and what it is asked. */
interface RateSide extends Pick<RateJob, "request" | "headersOf" | "eventsOf"> {
  pid: number;
}

/** Requests a second, and processor time a request, of one route on both sides. */
export async function compareRates(
  rounds: number,
  seconds: number,
  connections: number,
  sides: Record<"hermes" | "floor", RateSide>,
) {
  const side =
    ({ pid, ...job }: RateSide) =>
    async () => {
      const { request } = job;
      const before = cpuMs(pid);
      const result = await runClient<RateResult>("rate", { ...job, connections, seconds });
      if (result.refused > 0) throw new Error(`${request.url} refused ${result.refused} requests`);
      return { ...result, cpuUs: ((cpuMs(pid) - before) * 1000) / result.requests };
    };
  return interleave(rounds, { hermes: side(sides.hermes), floor: side(sides.floor) });
}

/** `/health` and an authenticated route that reads the database, against bare handlers that answer the same. */
export const routes: Figure = {
  name: "routes",
  async measure({ rounds, seconds }) {
    await using rig = createRig();
    const model = await rig.floor("model");
    const hermes = await rig.hermes(model.url, "instant");
    const floor = await rig.floor("http");
    const written = await fetch(hermes.api("/memory"), {
      method: "POST",
      headers: hermes.headers,
      body: JSON.stringify({ key: "bench", value: { text: "a value" } }),
    });
    if (!written.ok) throw new Error(`memory: ${written.status} ${await written.text()}`);
    const authorization = hermes.headers["authorization"] ?? "";
    const compared: [string, RequestSpec, RequestSpec][] = [
      [
        "GET /health",
        { method: "GET", url: `${hermes.service.url}/health`, headers: {} },
        { method: "GET", url: `${floor.url}/health`, headers: {} },
      ],
      [
        "GET /api/v1/memory?key=K",
        { method: "GET", url: hermes.api("/memory?key=bench"), headers: { authorization } },
        { method: "GET", url: `${floor.url}/json?key=bench`, headers: { authorization } },
      ],
    ];
    const rows: Row[] = [];
    for (const [name, ours, theirs] of compared) {
      const pairs = await compareRates(rounds, seconds, CONNECTIONS, {
        hermes: { pid: hermes.service.pid, request: ours },
        floor: { pid: floor.pid, request: theirs },
      });
      const rate = summarise(pairs, (one) => one.perSecond);
      const cpu = summarise(pairs, (one) => one.cpuUs);
      rows.push({ name, unit: "requests/s", ...rate, aim: ">= 70 %", met: rate.ratio >= 0.7 });
      rows.push({ name: `${name}, processor time`, unit: "us", ...cpu, aim: "", met: true });
    }
    return rows;
  },
};
