/**
 * Where bytes over TLS end: at a close_notify, or cut off by whoever is on the way. The handle's
 * `onread` and `readStart` tell, names inside Node (docs/decisions/0022-tls-takes-over-a-wire.md).
 */
import type net from "node:net";

interface RawHandle {
  readStart(): number;
}

export interface WatchedHandle extends RawHandle {
  reading: boolean;
  onread: (bytes: ArrayBuffer | undefined) => unknown;
  readonly _parent?: RawHandle | null; // the socket's below, where it was made with it
}

export function handleOf(socket: net.Socket): WatchedHandle | null {
  return (socket as unknown as { readonly _handle: WatchedHandle | null })._handle;
}

/**
 * To a TLSSocket both are the end. But a close_notify comes out of bytes that were read, while the
 * socket below goes on reading; at a FIN that one has stopped, and would start again if told to.
 */
export function watchEnd(
  handle: WatchedHandle,
  socket: net.Socket,
  belowOf: () => RawHandle | null,
): void {
  const usual = handle.onread;
  handle.onread = function (this: WatchedHandle, bytes) {
    const answer = usual.call(this, bytes);
    if (!socket.readableEnded && !hasEnded(socket)) return answer;
    handle.onread = usual;
    const below = belowOf();
    // Where it is paused it does not read, and so has not come upon a FIN.
    const isCut = handle.reading && below !== null && below.readStart() === 0;
    if (isCut) socket.destroy(Object.assign(new Error("FIN without close_notify"), TRUNCATED));
    return answer;
  };
}

const TRUNCATED = { code: "ERR_TLS_TRUNCATED" };

function hasEnded(socket: net.Socket): boolean {
  const { _readableState: state } = socket as unknown as { _readableState?: { ended: boolean } };
  return state?.ended === true;
}
