import type { FirstByteResult } from "../clients/first-byte.ts";
import type { StreamsResult } from "../clients/streams.ts";
import type { RequestSpec } from "../clients/wire.ts";
import {
  client,
  cpuMs,
  createRig,
  type Figure,
  interleave,
  median,
  type Row,
  runClient,
  summarise,
} from "../rig.ts";

const STREAMS = 100;
const EVERY_MS = 20;
const RAMP_SECONDS = 20;

/** Processor time of `pid` for each chunk, once all streams run. */
async function cpuPerChunk(pid: number, request: RequestSpec, seconds: number): Promise<number> {
  let startedCpu = 0;
  for await (const line of client("streams", { request, streams: STREAMS, seconds }))
    if (line === "running") startedCpu = cpuMs(pid);
    else return ((cpuMs(pid) - startedCpu) * 1000) / (JSON.parse(line) as StreamsResult).chunks;
  throw new Error("the streams client said nothing");
}

/** 100 streams at 50 chunks a second each, every chunk stored, against a proxy that hands the same bytes through. */
async function pacedStreams(rounds: number, seconds: number): Promise<Row> {
  const modelName = `paced-${((RAMP_SECONDS + seconds) * 1000) / EVERY_MS}-${EVERY_MS}`;
  // Runs go on when their clients leave, so every round has processes of its own.
  const pairs = await interleave(rounds, {
    async hermes() {
      await using rig = createRig();
      const model = await rig.floor("model");
      const hermes = await rig.hermes(model.url, modelName);
      const headers = { authorization: hermes.headers["authorization"] ?? "" };
      const body = { message: "Hello", stream: true };
      const request: RequestSpec = { method: "POST", url: hermes.api("/chat"), headers, body };
      return await cpuPerChunk(hermes.service.pid, request, seconds);
    },
    async floor() {
      await using rig = createRig();
      const proxy = await rig.floor("proxy", (await rig.floor("model")).url);
      const body = { message: "Hello", model: modelName, stream: true };
      const request: RequestSpec = { method: "POST", url: `${proxy.url}/chat`, headers: {}, body };
      return await cpuPerChunk(proxy.pid, request, seconds);
    },
  });
  const cpu = summarise(pairs, (us) => us);
  return {
    name: `a stored chunk at ${STREAMS} streams, processor time`,
    unit: "us",
    ...cpu,
    aim: "<= 3 x",
    met: cpu.ratio <= 3,
  };
}

/** How much later than through the proxy the first text of a streamed answer arrives. */
async function firstByte(rounds: number, count: number): Promise<Row> {
  await using rig = createRig();
  const model = await rig.floor("model");
  const hermes = await rig.hermes(model.url, "instant");
  const proxy = await rig.floor("proxy", model.url);
  const first = (request: RequestSpec) => async () =>
    median((await runClient<FirstByteResult>("first-byte", { request, requests: count })).firstMs);
  const pairs = await interleave(rounds, {
    hermes: first({
      method: "POST",
      url: hermes.api("/chat"),
      headers: { authorization: hermes.headers["authorization"] ?? "" },
      body: { message: "Hello", stream: true },
    }),
    floor: first({
      method: "POST",
      url: `${proxy.url}/chat`,
      headers: {},
      body: { message: "Hello", model: "instant", stream: true },
    }),
  });
  const latency = summarise(pairs, (ms) => ms);
  const addedMs = median(pairs.map((pair) => pair.hermes - pair.floor));
  return {
    name: `first text of a stream (${addedMs.toFixed(2)} ms added)`,
    unit: "ms",
    ...latency,
    aim: "<= 2 ms added",
    met: addedMs <= 2,
  };
}

export const streams: Figure = {
  name: "streams",
  async measure({ rounds, seconds, count }) {
    return [await pacedStreams(rounds, seconds), await firstByte(rounds, count)];
  },
};
