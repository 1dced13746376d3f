/**
 * Every limit and timeout with its default. Numbers are resolved one by one, the nearest level wins:
 * defaults here, then the config's top level, listener, site, route, upstream.
 */
export interface Limits {
  readonly requestLineBytes: number;
  readonly headerBytes: number; // all header lines, each counted with 32 more (RFC 9113 §6.5.2)
  readonly headerCount: number;
  readonly trailerBytes: number;
  readonly trailerCount: number;
  readonly responseHeaderBytes: number;
  readonly responseHeaderCount: number;
  readonly bodyBytes: number; // Infinity: none
  readonly replayBytes: number; // how much of a request body is kept for another try
  readonly connectionsMax: number; // per listener; Infinity: none
  readonly connectionsPerClient: number; // per listener and address; Infinity: any number
  readonly handshakesPerSecond: number; // of TLS, on a listener; Infinity: any number
  readonly handshakesPerClient: number; // in a second, from one address
  readonly requestsPerConnection: number; // Infinity: none
  readonly http2StreamsMax: number; // of one client connection at once
  readonly http2StreamWindowBytes: number; // what a stream's window grows to while its body flows
  readonly http2ConnectionWindowBytes: number; // of all request bodies of a connection, on their way
  readonly http2FloodPoints: number; // that frames which do no work may cost at once
  readonly codecBytes: number; // what compression and decompression hold at once, per worker
}

/** Milliseconds. Infinity switches a timer off. All are progress timeouts unless said. */
export interface Timeouts {
  readonly handshake: number; // total, of TLS, from the connection on
  readonly requestHead: number; // total, from the first byte of the head
  readonly requestBody: number; // between two reads of the body
  readonly write: number; // the client takes nothing of the response
  readonly keepAlive: number; // an idle client connection
  readonly halfClose: number; // how long an exchange goes on after the client's FIN
  readonly connect: number;
  readonly connectTls: number; // the handshake, once the endpoint is connected; total
  readonly send: number; // the endpoint takes nothing of the request
  readonly responseHead: number;
  readonly responseBody: number; // between two reads of the body
  readonly expectContinue: number; // how long we wait for the endpoint's 100 before we send our own
  readonly tunnelIdle: number;
  readonly upstreamKeepAlive: number; // an idle upstream connection
  readonly upstreamAge: number; // total, of an upstream connection; what is in flight goes on
  readonly drain: number; // total, from SIGTERM, or since a reload took the route or listener away
  readonly drainTunnel: number; // as drain, of a tunnel whose route or listener a reload took away
}

/** The least progress a peer may make over time, against slow bodies and slow reads. */
export interface Rates {
  readonly minBytesPerSecond: number;
  readonly graceMs: number;
}

const KIB = 1024;

export const LIMITS: Limits = {
  requestLineBytes: 8 * KIB,
  headerBytes: 32 * KIB,
  headerCount: 100,
  trailerBytes: 8 * KIB,
  trailerCount: 32,
  responseHeaderBytes: 64 * KIB,
  responseHeaderCount: 256,
  bodyBytes: Number.POSITIVE_INFINITY,
  replayBytes: 64 * KIB,
  connectionsMax: Number.POSITIVE_INFINITY,
  connectionsPerClient: Number.POSITIVE_INFINITY, // behind one address there may be a whole company
  handshakesPerSecond: Number.POSITIVE_INFINITY, // a machine does some thousands; who knows how many others share it
  handshakesPerClient: Number.POSITIVE_INFINITY, // as connectionsPerClient
  requestsPerConnection: Number.POSITIVE_INFINITY,
  http2StreamsMax: 100,
  http2StreamWindowBytes: 512 * KIB, // 50 MB/s at 10 ms
  http2ConnectionWindowBytes: 1024 * KIB, // that one client may make us hold, of bodies nobody wants yet
  http2FloodPoints: 1_000, // a page of 200 pictures that is left at once (decision 0021)
  codecBytes: 128 * 1024 * KIB, // some 70 streams of zstd, 80 of br, 400 of gzip, at the usual levels
};

export const TIMEOUTS: Timeouts = {
  handshake: 10_000,
  requestHead: 15_000,
  requestBody: 30_000,
  write: 30_000,
  keepAlive: 75_000, // above the 60 s of common load balancers, so that they close first
  halfClose: 500,
  connect: 3_000,
  connectTls: 5_000,
  send: 30_000,
  responseHead: 60_000,
  responseBody: 60_000,
  expectContinue: 1_000,
  tunnelIdle: 600_000,
  upstreamKeepAlive: 30_000,
  upstreamAge: Number.POSITIVE_INFINITY,
  drain: 30_000,
  drainTunnel: 300_000, // who has a WebSocket open is told nothing, and has to connect anew
};

export const RATES: Rates = { minBytesPerSecond: 500, graceMs: 20_000 };

/** Of caching. Bytes are those of the whole process; each worker has its share. */
export const CACHE_BYTES = 256 * KIB * KIB;
export const CACHE_OBJECT_BYTES = 8 * KIB * KIB; // larger ones pass by
export const CACHE_VARIANTS_MAX = 64; // of one URL: what Vary can make of it (SECURITY D10)
export const CACHE_VARY_NAMES_MAX = 16; // more than that is a page for each client
export const UNCACHEABLE_MAX = 10_000; // URLs that are known not to be worth waiting for
export const UNCACHEABLE_MS = 60_000;
export const CACHE_FETCHES_MAX = 10_000; // that others can wait for, at once
/** Of the part on disk, for each worker. */
export const CACHE_DISK_QUEUE_BYTES = 16 * KIB * KIB; // that wait to be written; more are not stored
export const CACHE_DISK_READS_MAX = 512; // at once, of heads and small bodies; more are misses
export const CACHE_DISK_WAIT_MS = 1_000; // for what is on disk, and then the origin is asked
export const CACHE_DISK_BLOCK_MS = 10_000; // for more of a body that has begun
export const CACHE_DISK_ORDERS_MAX = 65_536; // purges in force; more empty the disk
export const CACHE_DISK_PREFIXES_MAX = 1_024; // each is looked at with every hit on disk

/** Of a stream: TCP or UDP below HTTP. */
export interface StreamTimeouts {
  readonly connect: number;
  readonly idle: number; // nothing moves, in either direction
  readonly drain: number; // total, from SIGTERM
}

export const STREAM_TIMEOUTS: Omit<StreamTimeouts, "connect"> = {
  idle: 600_000,
  drain: 300_000, // a database connection has no end of its own, and to cut it is an error to its user
};
export const UDP_IDLE_MS = 60_000; // nothing else ends a conversation over UDP
export const UDP_SESSIONS_MAX = 10_000; // each is a socket of ours; anyone can begin one, forged too
export const STREAM_ATTEMPTS_MAX = 3;

/** Fixed by the protocol engine; not settable. */
export const INTERIM_RESPONSES_MAX = 8;
export const HELD_BYTES_MAX = 64 * KIB; // of a client that sends ahead, before we stop reading
export const LINGER_BYTES_MAX = 16 * 1024 * KIB; // of a request body nobody wants, read and dropped
export const FIRST_REQUEST_MS = 1_000; // of a connection that a drain finds before it has sent any
export const LINGER_MS = 2_000;
export const UNSHED_MS = 1_000; // that a head or a first request has to come, before it may be shed
export const H2_OWN_STREAMS_MAX = 100; // to an endpoint on one connection at once; then there is another
export const H2_OWN_WINDOW_BYTES = 256 * KIB; // of a response that its client does not take
export const H2_STREAMS_PER_CONNECTION = 10_000; // and then it is drained; unless requestsPerConnection is set
export const H2_SETTINGS_MS = 10_000; // for a peer to acknowledge our SETTINGS
