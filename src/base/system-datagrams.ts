import dgram from "node:dgram";
import { isIP } from "node:net";
import type {
  Address,
  DatagramDoor,
  DatagramReader,
  DatagramTaker,
  DatagramWire,
} from "./world.ts";

const WAITING_MAX = 64; // datagrams sent before the address is known; a name may take a while

/** Rejects with the system's error. `warn`: what went wrong later, which stops nothing. */
export async function bindDatagrams(
  address: Address,
  taker: DatagramTaker,
  isPortShared: boolean,
  warn: (error: NodeJS.ErrnoException) => void,
): Promise<DatagramDoor> {
  const family = isIP(address.host) === 6 ? 6 : 4;
  const socket = dgram.createSocket({
    type: family === 6 ? "udp6" : "udp4",
    reusePort: isPortShared,
    // All addresses that we send to came with a datagram: there is nothing to look up.
    lookup: asIs(family),
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind({ address: address.host, port: address.port, exclusive: true }, () => {
      socket.off("error", reject);
      socket.on("error", warn);
      resolve();
    });
  }).catch((error) => {
    socket.close();
    throw error;
  });
  socket.on("message", (bytes, from) => {
    // Nobody can be answered at port 0, and Node throws at who tries; only a forger sends from it.
    if (from.port !== 0) taker.received(bytes, { host: from.address, port: from.port });
  });
  const bound = socket.address();
  let isOpen = true;
  return {
    address: { host: bound.address, port: bound.port },
    send(bytes, to) {
      if (isOpen) socket.send(bytes, to.port, to.host, ignore);
    },
    async [Symbol.asyncDispose]() {
      if (!isOpen) return;
      isOpen = false;
      socket.close();
    },
  };
}

/** An address is its own answer. */
function asIs(family: number): NonNullable<dgram.SocketOptions["lookup"]> {
  return (host, _options, told) => told(null, host, family);
}

/** A datagram that could not be sent is lost; its error has been told where somebody may act. */
function ignore(): void {}

export function connectDatagrams(address: Address, reader: DatagramReader): DatagramWire {
  return new ConnectedDatagrams(address, reader);
}

/**
 * One socket for one session: the system passes on what comes from that address alone, and tells of
 * a port where nobody is (ICMP), which a socket for all does not hear.
 */
class ConnectedDatagrams implements DatagramWire {
  readonly #reader: DatagramReader;
  #socket: dgram.Socket | undefined;
  #waiting: Uint8Array[] | undefined; // until it is connected
  #isOver: boolean;

  constructor(address: Address, reader: DatagramReader) {
    this.#reader = reader;
    this.#socket = undefined;
    this.#waiting = [];
    this.#isOver = false;
    this.#open(address.host, address.port);
  }

  #open(host: string, port: number): void {
    const family = isIP(host);
    const socket = dgram.createSocket({
      type: family === 6 ? "udp6" : "udp4", // a name is asked for by its IPv4 address
      ...(family === 0 ? {} : { lookup: asIs(family) }),
    });
    this.#socket = socket;
    socket.on("error", (error) => this.#fail(error));
    socket.on("message", (bytes) => {
      if (!this.#isOver) this.#reader.received(bytes);
    });
    socket.connect(port, host, (error?: NodeJS.ErrnoException) => {
      if (this.#isOver) return;
      if (error !== undefined) return this.#fail(error);
      const waiting = this.#waiting ?? [];
      this.#waiting = undefined;
      for (const bytes of waiting) this.send(bytes);
    });
  }

  send(bytes: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#waiting === undefined) {
      this.#socket?.send(bytes, (error) => {
        if (error !== null) this.#sendFailed(error);
      });
    } else if (this.#waiting.length < WAITING_MAX) this.#waiting.push(bytes);
  }

  // Buffers that are full lose a datagram and no more; a refused port is told by the next send.
  #sendFailed(error: NodeJS.ErrnoException): void {
    if (error.code === "ECONNREFUSED" || error.code === "EHOSTUNREACH") this.#fail(error);
  }

  destroy(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#waiting = undefined;
    this.#socket?.close();
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (this.#isOver) return;
    this.destroy();
    this.#reader.failed(error);
  }
}
