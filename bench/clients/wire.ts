/** What a load client sends again and again. */
export interface RequestSpec {
  url: string;
  method: "GET" | "POST";
  headers: Record<string, string>;
  body?: unknown;
}

/** The one line of JSON that a client gets as its argument. */
export function readJob<Job>(): Job {
  return JSON.parse(process.argv[2] ?? "null") as Job;
}

/** The request as HTTP/1.1 bytes for a kept-alive connection. */
export function requestBytes(spec: RequestSpec): Buffer {
  const url = new URL(spec.url);
  const body = spec.body === undefined ? "" : JSON.stringify(spec.body);
  const headers = {
    host: url.host,
    ...spec.headers,
    ...(body
      ? { "content-type": "application/json", "content-length": String(Buffer.byteLength(body)) }
      : {}),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${spec.method} ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join("")}\r\n${body}`);
}

const HEADER_END = Buffer.from("\r\n\r\n");
const CHUNKED_END = Buffer.from("\r\n0\r\n\r\n");

/** The status of the one response in the buffer once it is complete, otherwise null. Knows no pipelining. */
export function completeStatus(buffer: Buffer): number | null {
  const headerEnd = buffer.indexOf(HEADER_END);
  if (headerEnd < 0) return null;
  const head = buffer.toString("latin1", 0, headerEnd).toLowerCase();
  const at = head.indexOf("\r\ncontent-length: ");
  const complete =
    at < 0
      ? buffer.subarray(-CHUNKED_END.length).equals(CHUNKED_END)
      : buffer.length >= headerEnd + HEADER_END.length + Number.parseInt(head.slice(at + 18), 10);
  return complete ? Number(head.slice(9, 12)) : null;
}
