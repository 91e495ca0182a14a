// Holds many streams open and counts the "~" in them. Writes a line when all of them run and another, with the count,
// after the given time: between the two lines nothing happens at the server but streaming.
import { type RequestSpec, readJob, requestBytes } from "./wire.ts";

export interface StreamsJob {
  request: RequestSpec;
  streams: number;
  seconds: number;
}
export interface StreamsResult {
  chunks: number;
}

const MARK = "~".charCodeAt(0);
const SETTLED_CHUNKS = 5;

const job = readJob<StreamsJob>();
const bytes = requestBytes(job.request);
const { hostname, port } = new URL(job.request.url);
const settled = Promise.withResolvers<void>();
let running = 0;
let chunks = 0;

for (let i = 0; i < job.streams; i++)
  await Bun.connect<{ seen: number }>({
    hostname,
    port: Number(port),
    data: { seen: 0 },
    socket: {
      open: (socket) => void socket.write(bytes),
      data(socket, part) {
        let found = 0;
        for (let at = part.indexOf(MARK); at >= 0; at = part.indexOf(MARK, at + 1)) found++;
        chunks += found;
        const before = socket.data.seen;
        socket.data.seen += found;
        if (before < SETTLED_CHUNKS && socket.data.seen >= SETTLED_CHUNKS && ++running === job.streams)
          settled.resolve();
      },
      close: () => settled.reject(new Error("the server closed a stream before all were running")),
    },
  });
await settled.promise;
console.log("running");
const before = chunks;
await Bun.sleep(job.seconds * 1000);
const result: StreamsResult = { chunks: chunks - before };
console.log(JSON.stringify(result));
process.exit(0);
