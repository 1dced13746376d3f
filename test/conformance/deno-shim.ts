/** The parts of Deno that a test suite written for it uses: arguments, exit, a TCP connection. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

class Connection {
  readonly #socket: Socket;
  readonly #chunks: Buffer[] = [];
  #ended = false; // by the peer
  #closed = false; // by us: in Deno a read then fails
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes: Buffer) => {
      this.#chunks.push(bytes);
      this.#wake();
    });
    for (const event of ["end", "close", "error"]) {
      socket.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
    }
  }

  async write(bytes: Uint8Array): Promise<number> {
    await new Promise<void>((resolve) => this.#socket.write(bytes, () => resolve()));
    return bytes.length;
  }

  /** As Deno's: the count of bytes put into `into`, null at the end. */
  async read(into: Uint8Array): Promise<number | null> {
    while (this.#chunks.length === 0) {
      if (this.#closed) throw new Error("the connection has been closed here");
      if (this.#ended) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const chunk = this.#chunks.shift()!;
    into.set(chunk.subarray(0, into.length));
    if (chunk.length > into.length) this.#chunks.unshift(chunk.subarray(into.length));
    return Math.min(chunk.length, into.length);
  }

  close(): void {
    this.#closed = true;
    this.#socket.destroy();
  }
}

Object.assign(globalThis, {
  Deno: {
    args: process.argv.slice(2),
    exit: (code: number) => process.exit(code),
    async connect(address: { hostname: string; port: number }) {
      const socket = connect({ host: address.hostname, port: address.port, noDelay: true });
      await once(socket, "connect");
      return new Connection(socket);
    },
  },
});
