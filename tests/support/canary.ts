import { once } from "node:events";
import { createServer } from "node:net";

/** A listener that nothing may ever reach, on every local address of one port, IPv4 and IPv6. */
export interface Canary {
  port: number;
  /** Connections so far. */
  connections(): number;
  stop(): void;
}

export async function startCanary(): Promise<Canary> {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  server.listen({ port: 0, host: "::", ipv6Only: false });
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the canary has no port");
  return { port: address.port, connections: () => connections, stop: () => void server.close() };
}
