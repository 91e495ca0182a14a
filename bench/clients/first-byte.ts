// Asks one at a time over one raw connection and prints, for each, the time to the first "~" of the answer and to its end.
import { completeStatus, type RequestSpec, readJob, requestBytes } from "./wire.ts";

export interface FirstByteJob {
  request: RequestSpec;
  requests: number;
}
export interface FirstByteResult {
  firstMs: number[];
  wholeMs: number[];
}

const MARK = "~".charCodeAt(0);

const job = readJob<FirstByteJob>();
const bytes = requestBytes(job.request);
const { hostname, port } = new URL(job.request.url);
const result: FirstByteResult = { firstMs: [], wholeMs: [] };
const finished = Promise.withResolvers<void>();
let received = Buffer.alloc(0);
let sentAt = 0;
let marked = false;

function ask(socket: Bun.Socket): void {
  received = Buffer.alloc(0);
  marked = false;
  sentAt = performance.now();
  socket.write(bytes);
}

await Bun.connect({
  hostname,
  port: Number(port),
  socket: {
    open: ask,
    data(socket, part) {
      if (!marked && part.includes(MARK)) {
        marked = true;
        result.firstMs.push(performance.now() - sentAt);
      }
      received = received.length ? Buffer.concat([received, part]) : Buffer.from(part);
      const status = completeStatus(received);
      if (status === null) return;
      if (status !== 200 || !marked) finished.reject(new Error(`answered with ${received.toString()}`));
      result.wholeMs.push(performance.now() - sentAt);
      if (result.wholeMs.length < job.requests) ask(socket);
      else finished.resolve();
    },
    close: () => finished.reject(new Error("the server closed the connection")),
  },
});
await finished.promise;
console.log(JSON.stringify(result));
process.exit(0);
