/** docs/timeouts-and-limits.md: every number with its default, where it may be set, what it ends in. */
import {
  limits,
  limitsOfUpstream,
  ONLY_TOP,
  ONLY_TOP_OR_LISTENER,
  ONLY_TOP_OR_UPSTREAM,
  rates,
  timeouts,
  timeoutsOfUpstream,
} from "../../src/config/shape/levels.ts";
import {
  HELD_BYTES_MAX,
  INTERIM_RESPONSES_MAX,
  LINGER_BYTES_MAX,
  LINGER_MS,
  type Limits,
  type Timeouts,
} from "../../src/core/limits.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** What the one at fault gets to see: a code of docs/faults.md, or what becomes of the connection. */
const LIMIT_ENDS: Readonly<Record<keyof Limits, string>> = {
  requestLineBytes: "414 `request_line_too_long`; 502 for a status line",
  headerBytes: "431 `request_head_too_large`",
  headerCount: "431 `request_head_too_large`",
  trailerBytes: "400 `request_body_malformed`; the response is cut",
  trailerCount: "400 `request_body_malformed`; the response is cut",
  responseHeaderBytes: "502 `response_head_too_large`",
  responseHeaderCount: "502 `response_head_too_large`",
  bodyBytes: "413 `request_body_too_large`, before the body is read where its length is told",
  replayBytes: "no other try once more of the body has left",
  connectionsMax:
    "503 `overloaded`; over TLS the connection is closed ([more](connection-limits.md))",
  connectionsPerClient:
    "429 `connections_limited`; over TLS, and by a stream, the connection is closed",
  handshakesPerSecond: "the connection is closed, `handshakes_limited` is counted",
  handshakesPerClient: "the connection is closed, `handshakes_limited` is counted",
  requestsPerConnection: "`Connection: close` with the last response",
  http2StreamsMax: "the stream is reset with REFUSED_STREAM",
  http2StreamWindowBytes: "the client holds on; more is FLOW_CONTROL_ERROR",
  http2ConnectionWindowBytes: "the client holds on; more is FLOW_CONTROL_ERROR",
  http2FloodPoints: "the connection is closed with ENHANCE_YOUR_CALM",
  codecBytes: "the response goes out as it is; a request to be decompressed gets 503 `overloaded`",
};

const TIMEOUT_ENDS: Readonly<Record<keyof Timeouts, string>> = {
  handshake: "the connection is closed, `handshake_timeout` in the log",
  requestHead: "408 `request_head_timeout`",
  requestBody: "408 `request_body_timeout`",
  write: "the connection is cut, `response_write_timeout` in the log",
  keepAlive: "the connection is closed",
  halfClose: "the exchange is dropped, `client_gone` in the log",
  connect: "504 `connect_timeout`, another endpoint is tried",
  connectTls: "504 `upstream_tls_timeout`, another endpoint is tried",
  send: "504 `upstream_send_timeout`",
  responseHead: "504 `response_timeout`",
  responseBody: "the response is cut, `response_body_timeout` in the log",
  expectContinue: "the client gets our own 100",
  tunnelIdle: "both sides are closed, `tunnel_idle` in the log",
  upstreamKeepAlive: "the connection is closed",
  upstreamAge: "the connection is closed, once nothing is in flight on it",
  drain:
    "what is left is cut and named in the log, `shutting_down`; after a reload `route_removed`",
  drainTunnel: "the tunnel is cut, `route_removed`",
};

interface Described {
  readonly description?: string | undefined;
}

export function numbersPage(): string {
  return `${HEAD}
## Limits

${table("limits", limits.shape, LIMIT_ENDS, limitsOfUpstream.shape)}
## Timeouts

All of them start anew with each bit of progress, but for \`handshake\`, \`requestHead\`, \`drain\` and
\`drainTunnel\`, which are about the whole. Time in which Sluice itself held a peer back is not held against it.

${table("timeouts", timeouts.shape, TIMEOUT_ENDS, timeoutsOfUpstream.shape)}
## Rates

${table("rates", rates.shape, RATE_ENDS, {})}
${TAIL}`;
}

function table<Key extends string>(
  group: string,
  shape: Readonly<Record<Key, Described>>,
  ends: Readonly<Record<Key, string>>,
  ofUpstream: Readonly<Record<string, unknown>>,
): string {
  const rows = (Object.keys(shape) as Key[]).map((key) => {
    const [about = "", fallback = ""] = (shape[key].description ?? "").split(/ Default: (.*)\.$/);
    const levels = levelsOf(`${group}.${key}`, key in ofUpstream);
    return `| \`${group}.${key}\` | ${fallback} | ${levels} | ${about} | ${ends[key]} |`;
  });
  const head = [
    "| number | default | levels | what it bounds | beyond it |",
    "|---|---|---|---|---|",
  ];
  return `${[...head, ...rows].join("\n")}\n`;
}

function levelsOf(name: string, isOfUpstream: boolean): string {
  if (ONLY_TOP.has(name)) return "top";
  if (ONLY_TOP_OR_UPSTREAM.has(name)) return "top, upstream";
  if (ONLY_TOP_OR_LISTENER.has(name)) return "top, listener";
  return isOfUpstream ? "top to route, upstream" : "top to route";
}

const RATE_END = "408 `request_body_timeout`, or the response is cut, `response_write_timeout`";
const RATE_ENDS = { minimum: RATE_END, grace: RATE_END };

const LINGER = `${LINGER_BYTES_MAX / MIB} MiB, ${LINGER_MS / 1000} s`;

const HEAD = `# Timeouts and limits

<!-- Written by tools/docs.ts from src/core/limits.ts and src/config/shape/levels.ts. -->

Every number that bounds something, with its default. Each is settled on its own, and the nearest
level wins: the top level of the config, the listener, the site, the route, and for what is about an
endpoint the upstream (see [decision 0008](decisions/0008-numbers-settle-one-by-one.md)).
\`sluice explain\` shows the number in effect and the level that it comes from. \`off\` takes a number
away where that makes sense; a number at a level where it comes too late is a warning of
\`sluice check\`.
`;

const TAIL = `A client is too slow when, over a window of five seconds (or the grace, if that is shorter), it has
sent less of a body, or taken less of a response, than \`rates.minimum\`, and \`rates.grace\` has passed
since it began.

## Fixed

Bounds of the engine that no config moves:

| bound | number | beyond it |
|---|---|---|
| interim responses (1xx) to one request | ${INTERIM_RESPONSES_MAX} | 502 \`response_interim\` |
| what a client sent ahead of its turn | ${HELD_BYTES_MAX / KIB} KiB | it is not read until there is room |
| the rest of a request, its answer sent | ${LINGER} | the connection is closed |
| a method | 32 bytes | 400 \`request_malformed\` |
| a chunk's line with its extensions | 256 bytes | 400 \`request_body_malformed\`; the response is cut |
| log lines that wait to be written | 8 MiB | they are dropped and counted |
`;
