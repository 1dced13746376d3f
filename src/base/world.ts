import type { X509Certificate } from "node:crypto";
import type { SecureContext } from "node:tls";
import type { Files } from "./files.ts";

/** Everything outside the program that could make two runs differ. */
export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly names: Names;
  readonly web: Web;
  readonly log: Log;
  readonly files?: Files; // absent: there is no disk
  /** How much of the memory it may have this process has, from 0 to 1; absent: nobody knows. */
  memoryShare?(): number;
}

/** Wall time is for people and HTTP dates; monotonic time is for every interval and timeout. */
export interface Clock {
  wallMs(): number; // may jump, in either direction
  nowMs(): number; // never goes back; fractions are meaningful
  after(delayMs: number, fire: () => void): Timer; // never keeps the process alive
}

export interface Timer {
  cancel(): void;
}

/** Choices only: balancing, jitter, sampling. Secrets come from node:crypto, never from a seed. */
export interface Random {
  below(bound: number): number; // a whole number in [0, bound)
}

/** The part of net.Socket the data path uses. A net.Socket is a Wire as it stands: no wrapper. */
export interface Wire {
  readonly destroyed: boolean;
  readonly writableLength: number; // bytes taken by write() that the system has not taken yet
  /** Those of them that still lie in the buffers given to write(); absent: all of them do. */
  readonly heldLength?: number;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  /** Of a secured wire, from "secureConnect" on: what ALPN chose; false if it chose nothing. */
  readonly alpnProtocol?: string | false | null;
  write(bytes: Uint8Array): boolean; // false: hold on until "drain"
  write(text: string, encoding: "latin1"): boolean;
  end(): unknown; // sends FIN after what was written; reading goes on
  destroy(): unknown;
  destroySoon(): unknown; // FIN after what was written, and then destroy without waiting to read
  resetAndDestroy(): unknown; // RST: the peer must not take what it has for a whole
  pause(): unknown;
  resume(): unknown;
  /**
   * A wire that was accepted may have this. Then "data" only lends its bytes until the handlers
   * return, unless they lie in the buffer given here, which later reads go into; undefined: the
   * network's own again. Takes effect with the next read if called from a "data" handler.
   */
  readInto?(buffer: Uint8Array | undefined): void;
  /**
   * A wire with readInto() may have this: what "data" would lend goes to this taker, once and for
   * all, and "data" is not emitted. Spares a connection the start of a stream, and each read an event.
   */
  lendTo?(taker: (bytes: Buffer) => void): void;
  on(event: "data", fn: (bytes: Uint8Array) => void): unknown;
  /** A secured wire may be used from "secureConnect" on; "connect" is when the handshake begins. */
  on(event: "connect" | "secureConnect" | "end" | "close" | "drain", fn: () => void): unknown;
  on(event: "error", fn: (error: NodeJS.ErrnoException) => void): unknown;
  /** For whoever hands the wire on to the next reader. */
  off(event: "data", fn: (bytes: Uint8Array) => void): unknown;
  off(event: "connect" | "secureConnect" | "end" | "close" | "drain", fn: () => void): unknown;
}

/** How a wire that we open is secured, and with whom. Plain data. */
export interface TlsClient {
  /** Whom the certificate must be for, and, unless it is an IP address, who is asked for (SNI). */
  readonly serverName: string;
  readonly alpn: readonly string[]; // the best first; none: not offered
  /** The same object for all wires that share it: what was read and agreed on hangs off it. */
  readonly identity: TlsIdentity;
  readonly preamble?: Uint8Array; // sent before the handshake, unsecured
}

/** Who we are and whom we believe. Files are absolute paths to PEM; they are read again when they change. */
export interface TlsIdentity {
  readonly ca: readonly string[]; // none: those that Node comes with
  readonly cert: string | undefined; // of our own, its chain behind it
  readonly key: string | undefined;
  readonly verify: boolean;
  readonly minVersion: "1.2" | "1.3";
}

/** How TLS is ended on a wire that came in. */
export interface TlsServer {
  readonly context: SecureContext; // the certificate, what may be negotiated, and whom clients are vouched for by
  /** For a certificate of the client: who has none is refused where one is required. */
  readonly asks?: "optional" | "required" | undefined;
  /** What a CA says of the certificate (OCSP), for clients who ask for it. */
  readonly staple?: Uint8Array | undefined;
  /** Ours, the best first. Who offers others only is refused; who offers nothing is not (RFC 7301 §3.2). */
  readonly alpn: readonly string[];
}

/** Who waits for a handshake; one of the two is called, once, and none if the wire was destroyed here. */
export interface TlsTaker {
  secured(facts: TlsFacts): void;
  /** The wire is destroyed. `isCertificate`: because of the client's, or that there is none. */
  failed(why: string, isCertificate: boolean): void;
}

/** What a handshake came to. */
export interface TlsFacts {
  readonly version: string; // "TLSv1.3"
  readonly cipher: string; // by its standard name, "TLS_AES_128_GCM_SHA256"
  readonly serverName: string; // lower case; "" if the client named none
  readonly alpn: string; // "" if none was agreed on
  readonly isResumed: boolean;
  readonly certificate: X509Certificate | undefined; // the client's, verified
}

/**
 * Who reads a wire that we opened. The owner lends the buffer to read into, so that a slice of it
 * can be written on without a copy; "data" events do not fire on such a wire.
 */
export interface WireReader {
  buffer(): Uint8Array; // asked for before every read
  read(count: number, buffer: Uint8Array): void;
}

export interface Network {
  /**
   * Rejects with the system's error if the address cannot be bound. `holds`: the address is ours,
   * and who comes waits for letIn(), if there is one.
   */
  listen(address: Address, onWire: (wire: Wire) => void, holds?: boolean): Promise<Door>;
  /**
   * For a network whose addresses several may listen on at once: rejects, as listen() would alone,
   * if somebody does already. Not for an address that we have ourselves.
   */
  claim?(address: Address): Promise<void>;
  /**
   * Answers at once; the wire emits "connect", or "error" and "close". The engine's network has
   * addresses only: a name is looked up in the directory, and nobody is asked for it.
   */
  connect(address: Address, reader: WireReader, tls?: TlsClient): Wire;
  /**
   * Ends TLS on a wire that came in; `early` is what has been read of it, and is copied. The answer
   * takes the wire's place: it may be read and written from secured() on, and does not lend its
   * bytes. "end" is a close_notify; a FIN without one is an "error" and "close", since anybody on
   * the way can make it (truncation).
   */
  acceptTls?(wire: Wire, early: Uint8Array, server: TlsServer, taker: TlsTaker): Wire;
  /** For clients to send to. Rejects with the system's error if the address cannot be bound. */
  bindDatagrams(address: Address, taker: DatagramTaker): Promise<DatagramDoor>;
  /** To and from one other address alone. Answers at once; what is sent before that works waits. */
  connectDatagrams(address: Address, reader: DatagramReader): DatagramWire;
}

export interface DatagramTaker {
  /** The bytes are the taker's to keep. */
  received(bytes: Uint8Array, from: Address): void;
}

export interface DatagramDoor extends AsyncDisposable {
  readonly address: Address; // as bound
  /** What the system does not take is lost, as datagrams are. */
  send(bytes: Uint8Array, to: Address): void;
}

export interface DatagramReader {
  received(bytes: Uint8Array): void;
  /** Nobody is there, or the address cannot be reached; nothing follows. */
  failed(error: NodeJS.ErrnoException): void;
}

export interface DatagramWire {
  send(bytes: Uint8Array): void;
  destroy(): void;
}

export interface Address {
  readonly host: string; // an IP address, a name, or a socket path that starts with "/"
  readonly port: number; // 0 asks the system for a free port when listening; unused for a path
}

/** A bound socket. Disposing it stops accepting; wires already accepted live on. */
export interface Door extends AsyncDisposable {
  readonly address: Address; // as bound, so port 0 is already resolved
  letIn?(): void;
  /** Descriptors of the listening sockets, for a process that takes over; none where that cannot be. */
  readonly descriptors?: readonly number[];
  /** As disposing it, but the socket stays what it is: another process has it as well. */
  handOver?(): Promise<void>;
}

export interface Log {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Asks for what a name stands for. Never rejects: that nobody could say is an answer, too. */
export interface Names {
  addresses(name: string, family: 4 | 6, asking: Asking): Promise<NameAnswer<string>>;
  services(name: string, asking: Asking): Promise<NameAnswer<ServiceRecord>>;
  /** Records of plain text; an alias leads to its name, and the servers of a zone to theirs. */
  texts(kind: "TXT" | "CNAME" | "NS", name: string, asking: Asking): Promise<NameAnswer<string>>;
}

/** Asks web servers that are no endpoints: certificate authorities. Off the data path. */
export interface Web {
  /** Rejects with an Error that says why there is no answer. Redirects are answers. */
  ask(question: WebQuestion): Promise<WebAnswer>;
}

export interface WebQuestion {
  readonly method: "GET" | "HEAD" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly roots: string | undefined; // PEM: whom to trust instead of whom the system trusts
  readonly timeoutMs: number; // for all of it
  readonly answerBytesMax: number;
}

export interface WebAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>; // lower-case names; several values joined by ", "
  readonly body: Uint8Array;
}

/** Whom to ask, and how patiently. */
export interface Asking {
  readonly servers: readonly string[]; // "10.0.0.53" "127.0.0.1:5353"; none: those of the system
  readonly timeoutMs: number; // of one try
  readonly attempts: number;
}

export type NameAnswer<Found> =
  | { readonly kind: "found"; readonly records: readonly Found[]; readonly ttlMs: number }
  | { readonly kind: "none"; readonly why: string } // there is no such name, or nothing of that kind
  | { readonly kind: "failed"; readonly why: string }; // nobody could say

/** One SRV record (RFC 2782). */
export interface ServiceRecord {
  readonly host: string;
  readonly port: number;
  readonly priority: number; // the lowest is asked first
  readonly weight: number;
}
