import type { Socket } from "bun";

/** A way to a server on 127.0.0.1 that can go silent without closing anything. */
export interface TcpProxy {
  /** In place of the server's address. */
  readonly origin: string;
  /** From now on nothing goes through the websockets that are open; what is opened later works. */
  freeze(): void;
  stop(): void;
}

interface Ends {
  other: Socket<Ends> | null;
  /** What came before the other end was there. */
  early: Uint8Array[];
  isFrozen: boolean;
  isWebSocket: boolean;
}

/** Starts a proxy to the server at `origin`. */
export function startTcpProxy(origin: string): TcpProxy {
  const { hostname, port } = new URL(origin);
  const open = new Set<Socket<Ends>>();
  const relay = {
    data(socket: Socket<Ends>, data: Uint8Array) {
      if (socket.data.isFrozen) return;
      if (/\r\nUpgrade: websocket\r\n/i.test(Buffer.from(data).toString("latin1")))
        socket.data.isWebSocket = true;
      if (socket.data.other === null) socket.data.early.push(new Uint8Array(data));
      else socket.data.other.write(data);
    },
    close(socket: Socket<Ends>) {
      open.delete(socket);
      if (!socket.data.isFrozen) socket.data.other?.end();
    },
  };
  const ends = (other: Socket<Ends> | null): Ends => ({
    other,
    early: [],
    isFrozen: false,
    isWebSocket: false,
  });
  const listener = Bun.listen<Ends>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      ...relay,
      async open(socket) {
        socket.data = ends(null);
        open.add(socket);
        const other = await Bun.connect<Ends>({
          hostname,
          port: Number(port),
          data: ends(socket),
          socket: relay,
        });
        open.add(other);
        socket.data.other = other;
        for (const data of socket.data.early) other.write(data);
      },
    },
  });
  return {
    origin: `http://127.0.0.1:${listener.port}`,
    freeze() {
      for (const socket of open) socket.data.isFrozen = socket.data.isWebSocket;
    },
    stop() {
      listener.stop(true);
      for (const socket of open) socket.terminate();
    },
  };
}
