import type { Socket } from "bun";
import type { HttpTarget } from "./http.ts";
import type { Verdict } from "./verdict.ts";

const UPLOAD_BYTES = 100_000_000;
const PIECE = Buffer.alloc(262_144, "a");
const MAX_GROWTH_BYTES = 50 * 1024 * 1024;
const SAMPLE_MS = 20;

const POST = "POST /api/v1/chat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
/** A proxy that keeps its connections, one that does not, and somebody who does not say how much will come. */
const KINDS = [
  { name: "kept open", head: `${POST}Content-Length: ${UPLOAD_BYTES}\r\n\r\n` },
  { name: "closing", head: `${POST}Connection: close\r\nContent-Length: ${UPLOAD_BYTES}\r\n\r\n` },
  { name: "chunked", head: `${POST}Transfer-Encoding: chunked\r\n\r\n${UPLOAD_BYTES.toString(16)}\r\n` },
] as const;

/** Strangers who send 100 MB each, all at once: every one is told 401, and memory stays as it was. */
export async function proveUploads(
  target: HttpTarget,
  { connections }: { connections: number },
  verdict: Verdict,
): Promise<void> {
  for (const { name, head } of KINDS) {
    const before = target.rssBytes();
    let most = before;
    const sampling = setInterval(() => {
      most = Math.max(most, target.rssBytes());
    }, SAMPLE_MS);
    const answers = await Promise.all(Array.from({ length: connections }, () => upload(target.port, head)));
    clearInterval(sampling);
    const refused = answers.filter((answer) => answer.startsWith("HTTP/1.1 401 ")).length;
    if (refused < connections)
      verdict.violation(`uploads, ${name}: ${connections - refused} of ${connections} were not told 401`);
    const growth = most - before;
    verdict.figure(
      `uploads: ${connections} x 100 MB, ${name}: growth in MB`,
      (growth / 1_048_576).toFixed(1),
    );
    if (growth > MAX_GROWTH_BYTES) verdict.violation(`uploads, ${name}: memory grew by ${growth} bytes`);
  }
}

/** Sends all that is taken; resolves with what came back until the connection closed. */
async function upload(port: number, head: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let answer = "";
  let sent = 0;
  const pump = (socket: Socket) => {
    while (sent < UPLOAD_BYTES) {
      const taken = socket.write(PIECE.subarray(0, UPLOAD_BYTES - sent));
      if (taken <= 0) return;
      sent += taken;
    }
    socket.end();
  };
  await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open(socket) {
        socket.write(head);
        pump(socket);
      },
      drain: pump,
      data(_socket, bytes) {
        answer += bytes.toString("latin1");
      },
      error() {}, // the connection is cut while it is written to, and closes
      close: () => resolve(answer),
    },
  });
  return await promise;
}
