/** Wires to endpoints over TLS: node:tls as it stands, reading as plain wires do. */
import net from "node:net";
import tls from "node:tls";
import { handleOf, watchEnd } from "./system-tls-end.ts";
import { readTlsFiles, tlsFilesStamp } from "./tls-files.ts";
import type { Address, Clock, Log, TlsClient, TlsIdentity, WireReader } from "./world.ts";

const LOOK_EVERY_MS = 5_000; // at the files, when somebody connects
const SESSIONS_MAX = 1_000; // of one identity; each is a kilobyte or two

type ConnectOptions = net.NetConnectOpts;

/**
 * Connects and secures. A TLSSocket made in one go takes `onread`, as Node 26 has it: the owner lends
 * the buffer, and no "data" fires (system-tls.test.ts holds it). Where bytes go ahead of the handshake
 * it has to be made over a socket that is there, and then what it reads is copied.
 */
export class TlsConnector {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #contexts: WeakMap<TlsIdentity, IdentityContext>;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
    this.#contexts = new WeakMap();
  }

  connect(
    address: Address,
    options: ConnectOptions,
    secured: TlsClient,
    reader: WireReader,
  ): tls.TLSSocket {
    const context = this.#contextOf(secured.identity);
    if (context instanceof Error) return failing(context);
    const { serverName, alpn, preamble } = secured;
    const sessionKey = `${address.host} ${address.port} ${serverName} ${alpn}`;
    const session = context.sessions.get(sessionKey);
    const how: tls.ConnectionOptions = {
      secureContext: context.current(),
      // RFC 6066 §3: a name, and never an address.
      servername: net.isIP(serverName) === 0 ? serverName : "",
      ALPNProtocols: [...alpn],
      rejectUnauthorized: secured.identity.verify,
      checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(serverName, certificate),
      ...(session === undefined ? {} : { session }),
    };
    const socket =
      preamble === undefined
        ? tls.connect({ ...options, ...how } as tls.ConnectionOptions)
        : connectBehind(preamble, options, how, reader);
    socket.once("secureConnect", () => {
      const handle = handleOf(socket);
      if (handle !== null) watchEnd(handle, socket, () => handle._parent ?? null);
    });
    socket.on("session", (bytes: Buffer) => context.sessions.set(sessionKey, bytes));
    // There is no RST for a secured socket; nobody can take what has no close_notify for a whole.
    return Object.assign(socket, { resetAndDestroy: () => socket.destroy() });
  }

  /** An error: the files that the config's check has read are gone, or other ones, since. */
  #contextOf(identity: TlsIdentity): IdentityContext | Error {
    const known = this.#contexts.get(identity);
    if (known !== undefined) return known;
    try {
      const context = new IdentityContext(identity, this.#clock, this.#log);
      this.#contexts.set(identity, context);
      return context;
    } catch (error) {
      return error as Error;
    }
  }
}

function failing({ message }: Error): tls.TLSSocket {
  const socket = new tls.TLSSocket(new net.Socket());
  const error = Object.assign(new Error(message), { code: "TLS_FILES", syscall: "handshake" });
  setImmediate(() => socket.destroy(error)); // who asked has yet to listen
  return socket;
}

function connectBehind(
  preamble: Uint8Array,
  { onread: _, ...options }: ConnectOptions,
  how: tls.ConnectionOptions,
  reader: WireReader,
): tls.TLSSocket {
  const plain = net.connect(options as net.NetConnectOpts);
  plain.write(preamble);
  const socket = tls.connect({ ...how, socket: plain });
  plain.on("error", (error) => socket.destroy(error));
  socket.on("data", (bytes: Buffer) => copyTo(reader, bytes, socket));
  return socket;
}

function copyTo(reader: WireReader, bytes: Buffer, { destroyed }: tls.TLSSocket): void {
  for (let at = 0; at < bytes.length && !destroyed; ) {
    const buffer = reader.buffer();
    const count = Math.min(buffer.length, bytes.length - at);
    buffer.set(bytes.subarray(at, at + count));
    at += count;
    reader.read(count, buffer);
  }
}

/** What an identity's files have become, until they change; and the sessions to resume with it. */
class IdentityContext {
  readonly #identity: TlsIdentity;
  readonly #clock: Clock;
  readonly #log: Log;
  #context: tls.SecureContext;
  #stamp: string;
  #lookAtMs: number;
  sessions: Sessions;

  constructor(identity: TlsIdentity, clock: Clock, log: Log) {
    this.#identity = identity;
    this.#clock = clock;
    this.#log = log;
    this.#stamp = tlsFilesStamp(identity);
    this.#context = newContext(identity);
    this.#lookAtMs = clock.nowMs() + LOOK_EVERY_MS;
    this.sessions = new Sessions();
  }

  current(): tls.SecureContext {
    const nowMs = this.#clock.nowMs();
    if (nowMs >= this.#lookAtMs) {
      this.#lookAtMs = nowMs + LOOK_EVERY_MS;
      this.#look();
    }
    return this.#context;
  }

  /** Half-written files and a key that is not the certificate's leave what was there. */
  #look(): void {
    const stamp = tlsFilesStamp(this.#identity);
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    const { ca, cert } = this.#identity;
    const files = { ca, cert };
    try {
      this.#context = newContext(this.#identity);
      this.sessions = new Sessions();
      this.#log.info("TLS files for endpoints read again", files);
    } catch (error) {
      const { message } = error as Error;
      this.#log.warn("TLS files for endpoints stay as they were", { ...files, error: message });
    }
  }
}

function newContext(identity: TlsIdentity): tls.SecureContext {
  const { ca, cert, key } = readTlsFiles(identity);
  return tls.createSecureContext({
    ...(ca.length === 0 ? {} : { ca: [...ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    minVersion: identity.minVersion === "1.3" ? "TLSv1.3" : "TLSv1.2",
  });
}

/** Throws what is wrong with the files of an identity, taken together. */
export function tryTlsIdentity(identity: TlsIdentity): void {
  newContext(identity);
}

/** The last session of each endpoint; the oldest give way. */
class Sessions {
  readonly #byKey = new Map<string, Buffer>();

  get(key: string): Buffer | undefined {
    return this.#byKey.get(key);
  }

  set(key: string, session: Buffer): void {
    this.#byKey.delete(key);
    this.#byKey.set(key, session);
    if (this.#byKey.size <= SESSIONS_MAX) return;
    const [oldest] = this.#byKey.keys();
    this.#byKey.delete(oldest!);
  }
}
