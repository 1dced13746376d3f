/**
 * TLS on wires that came in: node:tls over the socket as it stands, whose handle it reads and writes
 * itself, so that no byte goes through JavaScript before it is decrypted.
 *
 * Names inside Node are used (docs/decisions/0022-tls-takes-over-a-wire.md): `_handle.receive`, which
 * node:tls feeds with what was read ahead; `resetAndClosing`; `writelen` of the stream; and those of
 * system-tls-end.ts.
 */
import type net from "node:net";
import { TLSSocket, type TLSSocketOptions } from "node:tls";
import { ignore, letGo } from "./system-porch.ts";
import { handleOf, type WatchedHandle, watchEnd } from "./system-tls-end.ts";
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
    watchEnd(handle, socket, () => handleOf(raw));
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

interface TlsHandle extends WatchedHandle {
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
