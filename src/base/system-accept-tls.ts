/**
 * TLS on wires that came in: node:tls over the socket as it stands, whose handle it reads and writes
 * itself, so that no byte goes through JavaScript before it is decrypted.
 *
 * Names inside Node are used, all in this file (docs/decisions/0022-tls-takes-over-a-wire.md):
 * `_handle.receive`, which node:tls feeds with what was read ahead; the handle's `onread` and
 * `readStart`, which tell a close_notify from a FIN; `resetAndClosing`; and `writelen` of the stream.
 */
import type net from "node:net";
import { TLSSocket, type TLSSocketOptions } from "node:tls";
import { ignore, letGo } from "./system-porch.ts";
import type { TlsFacts, TlsServer, TlsTaker, Wire } from "./world.ts";

export function acceptTls(
  raw: net.Socket,
  early: Uint8Array,
  { context, alpn }: TlsServer,
  taker: TlsTaker,
): Wire {
  const socket = new AcceptedTls(raw, {
    isServer: true,
    secureContext: context,
    ALPNProtocols: alpn as string[], // it is only read
  });
  socket.on("error", ignore);
  // An error of TLS behind the handshake is told of by this and by nothing else.
  socket.on("_tlsError" as "error", destroyWith);
  socket.on("close", letGo);
  tellOnce(socket, taker);
  const { _handle: handle } = socket as unknown as { readonly _handle: TlsHandle | null };
  if (handle !== null) {
    watchEnd(handle, socket, raw);
    handle.receive(early);
  }
  return socket;
}

class AcceptedTls extends TLSSocket {
  readonly #raw: net.Socket;

  constructor(raw: net.Socket, options: TLSSocketOptions) {
    super(raw, options);
    this.#raw = raw;
  }

  /** What has been handed to OpenSSL is copied: what is not waits behind it. */
  get heldLength(): number {
    const { _writableState: state } = this as unknown as { _writableState?: { writelen?: number } };
    return this.writableLength - (state?.writelen ?? 0);
  }

  override resetAndDestroy(): this {
    // The socket's own would wait for what was written. This is how it tells its destroy().
    (this.#raw as net.Socket & { resetAndClosing?: boolean }).resetAndClosing = true;
    return this.destroy();
  }
}

/** And then holds on to the taker no more: the connection lives on without it. */
function tellOnce(socket: TLSSocket, taker: TlsTaker): void {
  let waits: TlsTaker | undefined = taker;
  let why = "the client closed the connection";
  const take = (): TlsTaker | undefined => {
    const taken = waits;
    waits = undefined;
    return taken;
  };
  socket.once("secure" as "secureConnect", () => take()?.secured(factsOf(socket)));
  socket.once("error", (error: NodeJS.ErrnoException) => {
    why = error.code ?? error.message;
  });
  socket.once("close", () => take()?.failed(why));
}

interface RawHandle {
  readStart(): number;
}

interface TlsHandle extends RawHandle {
  reading: boolean;
  onread: (bytes: ArrayBuffer | undefined) => unknown;
  receive(bytes: Uint8Array): void;
}

function destroyWith(this: net.Socket, error: Error): void {
  this.destroy(error);
}

function factsOf(socket: TLSSocket): TlsFacts {
  const { servername, alpnProtocol } = socket as { servername?: string | false | null } & TLSSocket;
  return {
    version: socket.getProtocol() ?? "",
    cipher: socket.getCipher().standardName,
    serverName: (servername || "").toLowerCase(),
    alpn: alpnProtocol || "",
    isResumed: socket.isSessionReused(),
  };
}

/**
 * To a TLSSocket both are the end. But a close_notify comes out of bytes that were read, while the
 * socket below goes on reading; at a FIN that one has stopped, and would start again if told to.
 */
function watchEnd(handle: TlsHandle, socket: net.Socket, raw: net.Socket): void {
  const usual = handle.onread;
  handle.onread = function (this: TlsHandle, bytes) {
    const answer = usual.call(this, bytes);
    if (!socket.readableEnded && !hasEnded(socket)) return answer;
    handle.onread = usual;
    const { _handle: below } = raw as unknown as { readonly _handle: RawHandle | null };
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
