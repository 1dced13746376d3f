/** What is served below HTTP: bytes of TCP and datagrams of UDP, passed on as they come. */
import type { Address } from "../base/world.ts";
import type { ProxiedAddress, ProxyFacts } from "../protocol/proxy-protocol/proxy-header.ts";
import type { ClientLimit } from "./client-limit.ts";
import type { Fault } from "./fault.ts";
import type { StreamTimeouts } from "./limits.ts";
import type { Endpoint, Upstream } from "./upstream.ts";
import type { Worker } from "./worker.ts";

/** One of `streams:`, compiled. */
export interface StreamPlan {
  readonly name: string;
  readonly serverNames: readonly string[]; // "a.test" "*.a.test"; none: whatever no other takes
  readonly upstream: Upstream;
  readonly timeouts: StreamTimeouts; // settled, those of the upstream too
  readonly proxyVersion: 1 | 2 | undefined; // of the header that endpoints get
  readonly connectionsMax: number; // through this stream, of all that come to its port
  readonly responses: number; // datagrams that end a session, for each that came; Infinity: none do
}

/** A port on which streams are served, and what is read there before it is known by which. */
export interface StreamListenerPlan {
  readonly key: string; // "0.0.0.0:5432" "udp/0.0.0.0:53"
  readonly protocol: "tcp" | "udp";
  readonly address: Address;
  readonly connectionsMax: number; // of UDP: sessions
  readonly clients?: ClientLimit | undefined; // how many connections one address may have
  readonly openingMs: number; // for the PROXY header and the ClientHello together
  readonly drainMs: number;
  readonly sendsProxyHeader: ((address: string) => boolean) | undefined;
  readonly readsHello: boolean;
  readonly streams: StreamTable;
}

/** Finds the stream of a server name: exact, then the longest wildcard, then the one without. */
export interface StreamTable {
  readonly all: readonly StreamPlan[];
  find(serverName: string): StreamPlan | undefined;
}

/** Whose connection it is. */
export interface StreamClient {
  readonly address: string; // as a PROXY header says, or else the wire's; "unix" for a unix socket
  readonly port: number;
  readonly wireAddress: string;
  readonly destination: ProxiedAddress; // what the client connected to
  readonly facts: ProxyFacts; // as a PROXY header says
}

/** One connection of a client through a stream, or one conversation over UDP. */
export class Session {
  readonly id: string;
  readonly stream: StreamPlan;
  readonly protocol: "tcp" | "udp";
  readonly client: StreamClient;
  readonly serverName: string; // as the ClientHello has it; ""
  readonly startedMs: number;
  connectedMs: number; // 0: never
  endedMs: number;
  endpoint: Endpoint | undefined; // of the last attempt
  attempts: number;
  bytesIn: number; // from the client
  bytesOut: number;
  fault: Fault | undefined;

  constructor(
    id: string,
    stream: StreamPlan,
    protocol: "tcp" | "udp",
    client: StreamClient,
    serverName: string,
    startedMs: number,
  ) {
    this.id = id;
    this.stream = stream;
    this.protocol = protocol;
    this.client = client;
    this.serverName = serverName;
    this.startedMs = startedMs;
    this.connectedMs = 0;
    this.endedMs = 0;
    this.endpoint = undefined;
    this.attempts = 0;
    this.bytesIn = 0;
    this.bytesOut = 0;
    this.fault = undefined;
  }
}

/** A worker that serves streams too. */
export interface StreamWorker extends Worker {
  sessionStarted(session: Session): void;
  /** Once for each session that was started. */
  sessionEnded(session: Session): void;
  streamMeter(stream: StreamPlan): StreamMeter;
  /** A datagram of nobody's session, dropped; there may be very many. */
  datagramDropped(listenerKey: string, fault: Fault): void;
}

/** Counts what goes through a stream while it goes. */
export interface StreamMeter {
  received(bytes: number): void; // from clients
  sent(bytes: number): void; // to clients
}
