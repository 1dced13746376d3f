/** Connections that come in, from the listening socket to whoever serves them. */
import net from "node:net";
import type { Wire } from "./world.ts";

export const BACKLOG = 4096; // the kernel cuts it to net.core.somaxconn

/**
 * Accepted sockets read into one buffer for all of them, as `onread` does for sockets that connect.
 * Node offers that to nobody who accepts: there each read is a fresh 64 KiB and an event through
 * the whole of a stream, which costs a small request a twentieth and a large upload most of its time.
 *
 * The listening handle's callback is Node's own affair. Where a later Node has none of that name,
 * connections come as ordinary sockets through "connection", and only the gain is gone.
 */
export function acceptLending(server: net.Server, porch: Porch): void {
  const { _handle: listening } = server as unknown as { readonly _handle?: ListeningHandle };
  const usual = listening?.onconnection;
  if (listening === undefined || typeof usual !== "function") return;
  // On Linux an accepted socket has TCP_NODELAY from the one that listens: a system call less each.
  const isInherited = process.platform === "linux" && listening.setNoDelay?.(true) === 0;
  listening.onconnection = (error, accepted) => {
    if (error || accepted === undefined) {
      usual.call(listening, error, accepted);
      return;
    }
    if (!isInherited) accepted.setNoDelay?.(true);
    porch.accepted(accepted);
  };
}

/**
 * Between a connection that was accepted and whoever serves it. While it holds, sockets are not made
 * yet, since one that is made reads: what nobody listens for would be lost.
 */
export class Porch {
  readonly #onWire: (wire: Wire) => void;
  readonly #buffer: Buffer;
  #held: AcceptedHandle[] | undefined; // undefined: it lets everybody in
  count: number; // of all that ever came

  constructor(onWire: (wire: Wire) => void, buffer: Buffer, holds: boolean) {
    this.#onWire = onWire;
    this.#buffer = buffer;
    this.#held = holds ? [] : undefined;
    this.count = 0;
  }

  accepted(handle: AcceptedHandle): void {
    this.count++;
    if (this.#held === undefined) this.#serve(handle);
    else if (this.#held.length < BACKLOG) this.#held.push(handle);
    else handle.close();
  }

  /** Where handles are not to be had; such a socket cannot be held. */
  arrived(socket: net.Socket): void {
    this.count++;
    this.#onWire(socket);
  }

  letIn(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const handle of held) this.#serve(handle);
  }

  turnAway(): void {
    for (const handle of this.#held ?? []) handle.close();
    this.#held = [];
  }

  #serve(handle: AcceptedHandle): void {
    this.#onWire(LendingSocket.of(handle, this.#buffer));
  }
}

/**
 * A class, and readInto() on its prototype: a property added to each socket that is made gave every
 * connection a hidden class of its own making.
 */
class LendingSocket extends net.Socket {
  readonly #loan: Loan;

  static of(accepted: AcceptedHandle, shared: Buffer): LendingSocket {
    const loan: Loan = { own: undefined, socket: undefined, taker: undefined };
    const options = {
      handle: accepted,
      allowHalfOpen: true,
      onread: {
        buffer: () => loan.own ?? shared, // asked for while the socket is still being made
        callback: (count: number, buffer: Buffer) => {
          const bytes = buffer.subarray(0, count);
          if (loan.taker === undefined) loan.socket!.emit("data", bytes);
          else loan.taker(bytes);
          return true;
        },
      },
    };
    const socket = new LendingSocket(options as net.SocketConstructorOpts, loan);
    socket.on("error", ignore);
    socket.on("close", letGo);
    socket.on("close", letGoOfTaker);
    return socket;
  }

  private constructor(options: net.SocketConstructorOpts, loan: Loan) {
    super(options);
    this.#loan = loan;
    loan.socket = this;
  }

  readInto(buffer: Uint8Array | undefined): void {
    this.#loan.own = buffer;
  }

  lendTo(taker: (bytes: Buffer) => void): void {
    this.#loan.taker = taker;
  }

  /** As letGo() has it. */
  letGoOfTaker(): void {
    this.#loan.taker = undefined;
  }
}

function letGoOfTaker(this: LendingSocket): void {
  this.letGoOfTaker();
}

/** What a socket reads into, if not what all share; and whom it lends that to. */
interface Loan {
  own: Uint8Array | undefined;
  socket: LendingSocket | undefined;
  taker: ((bytes: Buffer) => void) | undefined;
}

interface AcceptedHandle {
  setNoDelay?(isOn: boolean): void; // not on a unix socket
  close(): void;
}

interface ListeningHandle {
  onconnection?: (error: number, accepted: AcceptedHandle | undefined) => void;
  setNoDelay?(isOn: boolean): number; // an error's number, or 0
}

/** "close" follows, and owners that want the reason add a handler of their own. */
export function ignore(): void {}

/**
 * A socket that has closed is garbage, and yet it stays until the next full collection, with all
 * that it points to: Node makes one closure of each stream in the old generation (V8 does that with
 * a function that is assigned to a property). So it must not point to its owner. Those who listen
 * for "close" are called all the same, since emit() goes on with the listeners it began with.
 */
export function letGo(this: net.Socket): void {
  this.removeAllListeners();
  this.on("error", ignore);
}
