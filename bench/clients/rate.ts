// Asks as fast as it is answered, over kept-alive raw connections, and prints how often and how fast that was.
import { HERMES } from "../../src/webhooks/hmac-schemes.ts";
import { completeStatus, type RequestSpec, readJob, requestBytes } from "./wire.ts";

export interface RateJob {
  request: RequestSpec;
  connections: number;
  /** Headers that each connection sends besides, such as a session of its own. */
  headersOf?: Record<string, string>[];
  /** Each request is a new event, signed with this secret, instead of `body`. */
  eventsOf?: string;
  /** How long to ask; or, when `requests` is given, how often. */
  seconds?: number;
  requests?: number;
}
export interface RateResult {
  requests: number;
  seconds: number;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  refused: number;
}

const job = readJob<RateJob>();
const bytesOf = (connection: number) =>
  requestBytes({ ...job.request, headers: { ...job.request.headers, ...job.headersOf?.[connection] } });
const lifeOf = Math.random().toString(36).slice(2);

/** An event that nobody has sent before. */
function eventBytes(secret: string): Buffer {
  const body = {
    id: `${lifeOf}-${sent}`,
    text: "An event of an ordinary length, to be taken on and done later.",
  };
  const signature = HERMES.sign(Buffer.from(JSON.stringify(body)), secret, { id: "", nowMs: 0 });
  return requestBytes({ ...job.request, headers: { ...job.request.headers, ...signature }, body });
}
const { hostname, port } = new URL(job.request.url);
const latencies: number[] = [];
const finished = Promise.withResolvers<void>();
const wanted = job.requests ?? Number.POSITIVE_INFINITY;
let sent = 0;
let refused = 0;
let open = job.connections;
let stopping = false;

interface Connection {
  bytes: Buffer;
  sentAt: number;
  received: Buffer;
}

function ask(socket: Bun.Socket<Connection>): void {
  if (stopping || sent >= wanted) {
    socket.end();
    if (--open === 0) finished.resolve();
    return;
  }
  sent++;
  socket.data.received = Buffer.alloc(0);
  socket.data.sentAt = performance.now();
  socket.write(job.eventsOf === undefined ? socket.data.bytes : eventBytes(job.eventsOf));
}

const startedAt = performance.now();
for (let i = 0; i < job.connections; i++)
  await Bun.connect<Connection>({
    hostname,
    port: Number(port),
    data: { bytes: bytesOf(i), sentAt: 0, received: Buffer.alloc(0) },
    socket: {
      open: ask,
      data(socket, part) {
        const data = socket.data;
        data.received = data.received.length ? Buffer.concat([data.received, part]) : part;
        const status = completeStatus(data.received);
        if (status === null) return;
        latencies.push(performance.now() - data.sentAt);
        if (status < 200 || status > 299) refused++;
        ask(socket);
      },
      close() {
        if (!stopping && sent < wanted) finished.reject(new Error("the server closed a connection"));
      },
      error: (_, error) => finished.reject(error),
    },
  });
if (job.seconds !== undefined)
  setTimeout(() => {
    stopping = true;
  }, job.seconds * 1000);
await finished.promise;

const seconds = (performance.now() - startedAt) / 1000;
latencies.sort((a, b) => a - b);
const at = (part: number) => latencies[Math.floor(latencies.length * part)] ?? 0;
const result: RateResult = {
  requests: latencies.length,
  seconds,
  perSecond: latencies.length / seconds,
  p50Ms: at(0.5),
  p99Ms: at(0.99),
  refused,
};
console.log(JSON.stringify(result));
