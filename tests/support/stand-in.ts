import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** Stands for a server on the public internet: an address of its own, which the tests exempt. */
export const PUBLIC_ADDRESS = "127.77.0.1";

export interface StandIn {
  port: number;
  /** Where it listens. */
  origin: string;
  /** Requests so far. */
  hits(): number;
  /** A URL of it that redirects to this one, byte for byte. */
  redirectTo(url: string, host?: string): string;
  stop(): void;
}

/** Answers `stand-in`, or redirects to what `?to=` says, byte for byte, which no tidy HTTP library would send. */
export async function startStandIn(): Promise<StandIn> {
  let hits = 0;
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", (request) => {
      hits += 1;
      const to = /^[A-Z]+ \S*[?&]to=([^\s&]*)[ &]/.exec(request.toString())?.[1];
      socket.end(
        to ? redirect(decodeURIComponent(to)) : "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nstand-in",
      );
    });
  });
  server.listen(0, PUBLIC_ADDRESS);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `http://${PUBLIC_ADDRESS}:${port}`,
    hits: () => hits,
    redirectTo: (url, host = PUBLIC_ADDRESS) => `http://${host}:${port}/?to=${encodeURIComponent(url)}`,
    stop: () => void server.close(),
  };
}

/** A header holds no line end, and URL parsers skip tabs as they skip line ends. */
function redirect(url: string): string {
  return `HTTP/1.1 302 Found\r\nLocation: ${url.replaceAll("\n", "\t")}\r\nContent-Length: 0\r\n\r\n`;
}
