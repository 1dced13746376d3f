import net from "node:net";
import type { Wire } from "./world.ts";

const HELD_MAX = 4096; // as many as the kernel would hold

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
  listening.onconnection = (error, accepted) => {
    if (error || accepted === undefined) usual.call(listening, error, accepted);
    else porch.accepted(accepted);
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
    else if (this.#held.length < HELD_MAX) this.#held.push(handle);
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
    this.#onWire(lendingSocket(handle, this.#buffer));
  }
}

function lendingSocket(accepted: AcceptedHandle, shared: Buffer): Wire {
  let own: Uint8Array | undefined;
  const options = {
    handle: accepted,
    allowHalfOpen: true,
    onread: {
      buffer: () => own ?? shared,
      callback: (count: number, buffer: Uint8Array) => {
        socket.emit("data", buffer.subarray(0, count));
        return true;
      },
    },
  };
  const socket = new net.Socket(options as net.SocketConstructorOpts);
  accepted.setNoDelay?.(true);
  socket.on("error", ignore);
  return Object.assign(socket, {
    readInto(buffer: Uint8Array | undefined) {
      own = buffer;
    },
  });
}

interface AcceptedHandle {
  setNoDelay?(isOn: boolean): void; // not on a unix socket
  close(): void;
}

interface ListeningHandle {
  onconnection?: (error: number, accepted: AcceptedHandle | undefined) => void;
}

/** "close" follows, and owners that want the reason add a handler of their own. */
function ignore(): void {}
