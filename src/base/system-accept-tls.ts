/**
 * TLS on wires that came in: node:tls over the socket as it stands, whose handle it reads and writes
 * itself, so that no byte goes through JavaScript before it is decrypted.
 *
 * Names inside Node are used (docs/decisions/0022-tls-takes-over-a-wire.md): `_handle.receive`, which
 * node:tls feeds with what was read ahead; `resetAndClosing`; `writelen` of the stream; `verifyError`, which
 * is what a server of node:tls asks about the certificate of a client; `setOCSPResponse`, in which its event
 * "OCSPRequest" ends, and which spares handshakes that event; and those of system-tls-end.ts.
 */
import type net from "node:net";
import { TLSSocket, type TLSSocketOptions } from "node:tls";
import { ignore, letGo } from "./system-porch.ts";
import { handleOf, type WatchedHandle, watchEnd } from "./system-tls-end.ts";
import type { TlsFacts, TlsServer, TlsTaker, Wire } from "./world.ts";

export function acceptTls(
  raw: net.Socket,
  early: Uint8Array,
  { context, alpn, asks, staple }: TlsServer,
  taker: TlsTaker,
): Wire {
  const socket = new AcceptedTls(raw, {
    isServer: true,
    secureContext: context,
    ALPNProtocols: onTheWire(alpn),
    // OpenSSL refuses who has none; what one is worth is asked below, since Node lets all of them pass.
    requestCert: asks !== undefined,
    rejectUnauthorized: asks === "required",
  });
  socket.on("error", ignore);
  // An error of TLS behind the handshake is told of by this and by nothing else.
  socket.on("_tlsError" as "error", destroyWith);
  socket.on("close", letGo);
  tellOnce(socket, asks, taker);
  const { _handle: handle } = socket as unknown as { readonly _handle: TlsHandle | null };
  if (handle !== null) {
    watchEnd(handle, socket, () => handleOf(raw));
    if (staple !== undefined) handle.setOCSPResponse(staple);
    feed(socket, handle, early);
  }
  return socket;
}

const KNOWN = new WeakMap<readonly string[], DataView>();

/**
 * Names with their lengths (RFC 7301 §3.1), once for a listener. Node keeps a copy with each connection:
 * one of its own if it is given a view that is no Uint8Array, and else a part of some 64 KiB, all of
 * which live on with it.
 */
function onTheWire(alpn: readonly string[]): DataView {
  let view = KNOWN.get(alpn);
  if (view === undefined) {
    const bytes = Buffer.concat(
      alpn.map((name) => Buffer.concat([Buffer.of(name.length), Buffer.from(name, "latin1")])),
    );
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    KNOWN.set(alpn, view);
  }
  return view;
}

const PIECE_BYTES = 1_000;

/**
 * Node keeps what it has read for OpenSSL in a buffer of 1 KiB, and once that was full in one of 16 KiB
 * besides, for as long as the connection lives. Each piece is taken before the next one comes, so that
 * a hello with keys against quantum computers, which has 2 KiB, does not fill it.
 */
function feed(socket: TLSSocket, handle: TlsHandle, early: Uint8Array): void {
  for (let at = 0; at < early.length && !socket.destroyed; at += PIECE_BYTES) {
    handle.receive(early.subarray(at, at + PIECE_BYTES));
  }
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
function tellOnce(socket: TLSSocket, asks: TlsServer["asks"], taker: TlsTaker): void {
  let waits: TlsTaker | undefined = taker;
  let why = "the client closed the connection";
  let isCertificate = false;
  const take = (): TlsTaker | undefined => {
    const taken = waits;
    waits = undefined;
    return taken;
  };
  socket.once("secure" as "secureConnect", () => {
    const refusal = refusalOf(socket, asks);
    if (refusal === undefined) {
      take()?.secured(factsOf(socket, asks));
      return;
    }
    why = refusal;
    isCertificate = true;
    socket.destroy();
  });
  socket.once("error", ({ code, message }: NodeJS.ErrnoException) => {
    why = code ?? message;
    isCertificate = code === "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE";
  });
  socket.once("close", () => take()?.failed(why, isCertificate));
}

interface TlsHandle extends WatchedHandle {
  receive(bytes: Uint8Array): void;
  setOCSPResponse(bytes: Uint8Array): void; // only held on to
  verifyError(): NodeJS.ErrnoException | null | undefined;
}

function destroyWith(this: net.Socket, error: Error): void {
  this.destroy(error);
}

/** Why the client's certificate is not good enough; a resumed session has the verdict of its first. */
function refusalOf(socket: TLSSocket, asks: TlsServer["asks"]): string | undefined {
  if (asks === undefined) return undefined;
  if (socket.getPeerX509Certificate() === undefined) {
    return asks === "required" ? "no certificate" : undefined;
  }
  const { _handle: handle } = socket as unknown as { readonly _handle: TlsHandle };
  const error = handle.verifyError();
  return error === null || error === undefined ? undefined : (error.code ?? error.message);
}

function factsOf(socket: TLSSocket, asks: TlsServer["asks"]): TlsFacts {
  const { servername, alpnProtocol } = socket as { servername?: string | false | null } & TLSSocket;
  return {
    version: socket.getProtocol() ?? "",
    cipher: socket.getCipher().standardName,
    serverName: (servername || "").toLowerCase(),
    alpn: alpnProtocol || "",
    isResumed: socket.isSessionReused(),
    certificate: asks === undefined ? undefined : socket.getPeerX509Certificate(),
  };
}
