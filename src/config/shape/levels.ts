/** Limits, timeouts and rates: the same names wherever they may stand, each with its default. */
import {
  duration,
  durationAboveZero,
  durationAboveZeroOrOff,
  durationOrOff,
  durationText,
  sizeBetween,
  sizeBytes,
  sizeOrOff,
  sizeText,
  wanted,
  wholeNumber,
  z,
} from "../../core/fields.ts";
import { H2_OWN_STREAMS_MAX, LIMITS, RATES, TIMEOUTS } from "../../core/limits.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const COUNT_MAX = 1_000_000_000;

export const countOrOff = z.union(
  [z.literal("off").transform(() => Number.POSITIVE_INFINITY), wholeNumber(1, COUNT_MAX)],
  { error: wanted(`a whole number from 1 to ${COUNT_MAX}, or "off"`) },
);

const HANDSHAKES_MAX = 65_535;

function countUpTo(max: number) {
  return z.union(
    [z.literal("off").transform(() => Number.POSITIVE_INFINITY), wholeNumber(1, max)],
    { error: wanted(`a whole number from 1 to ${max}, or "off"`) },
  );
}

/** The default stands behind what the setting is about, so nobody has to look it up. */
function bytes<T extends z.ZodType>(field: T, key: keyof typeof LIMITS, about: string) {
  const fallback = LIMITS[key];
  const text = fallback === Number.POSITIVE_INFINITY ? "off" : sizeText(fallback);
  return field.optional().describe(`${about} Default: ${text}.`);
}

function counted<T extends z.ZodType>(field: T, key: keyof typeof LIMITS, about: string) {
  const fallback = LIMITS[key];
  const text = fallback === Number.POSITIVE_INFINITY ? "off" : String(fallback);
  return field.optional().describe(`${about} Default: ${text}.`);
}

function time<T extends z.ZodType>(field: T, key: keyof typeof TIMEOUTS, about: string) {
  return field.optional().describe(`${about} Default: ${durationText(TIMEOUTS[key])}.`);
}

// The lower bounds keep a typo ("8" for "8KiB") from refusing every request; the upper ones keep
// one request from holding much memory, since heads and replays are held in it.
const downstreamLimits = {
  requestLineBytes: bytes(
    sizeBetween(64, MIB),
    "requestLineBytes",
    "The longest request line; beyond it 414.",
  ),
  headerBytes: bytes(
    sizeBetween(256, 16 * MIB),
    "headerBytes",
    "All header lines of a request, each counted with 32 bytes more; beyond it 431.",
  ),
  headerCount: counted(
    wholeNumber(1, 10_000),
    "headerCount",
    "Header lines of a request; beyond it 431.",
  ),
  trailerBytes: bytes(sizeBetween(0, 16 * MIB), "trailerBytes", "All trailer lines of a message."),
  trailerCount: counted(wholeNumber(0, 10_000), "trailerCount", "Trailer lines of a message."),
  bodyBytes: bytes(sizeOrOff, "bodyBytes", "The largest request body; beyond it 413."),
  replayBytes: bytes(
    sizeBetween(0, 64 * MIB),
    "replayBytes",
    "How much of a request body is kept for another try.",
  ),
  connectionsMax: counted(
    countOrOff,
    "connectionsMax",
    "Client connections open at once on a listener.",
  ),
  connectionsPerClient: counted(
    countOrOff,
    "connectionsPerClient",
    "Of those, connections from one address; of IPv6 from one /64. Trusted proxies are not counted.",
  ),
  handshakesPerSecond: counted(
    countUpTo(HANDSHAKES_MAX),
    "handshakesPerSecond",
    "TLS handshakes that begin in one second on a listener, in all workers.",
  ),
  handshakesPerClient: counted(
    countUpTo(HANDSHAKES_MAX),
    "handshakesPerClient",
    "As that, from one address; of IPv6 from one /64.",
  ),
  requestsPerConnection: counted(
    countOrOff,
    "requestsPerConnection",
    "Requests on one client connection before it is closed.",
  ),
  http2StreamsMax: counted(
    wholeNumber(1, 10_000),
    "http2StreamsMax",
    "Streams that a client may have open at once on a connection of HTTP/2.",
  ),
  http2StreamWindowBytes: bytes(
    sizeBetween(64 * KIB, 16 * MIB),
    "http2StreamWindowBytes",
    "What the window of a stream grows to while its request body is taken as fast as it comes; it begins with 64KiB.",
  ),
  http2ConnectionWindowBytes: bytes(
    sizeBetween(64 * KIB, 64 * MIB),
    "http2ConnectionWindowBytes",
    "The window of a connection of HTTP/2, for the request bodies of all its streams.",
  ),
  http2FloodPoints: counted(
    wholeNumber(100, 1_000_000),
    "http2FloodPoints",
    "What a client's frames that do no work, resets above all, may cost at once; a twentieth comes back each second.",
  ),
  codecBytes: bytes(
    sizeBetween(0, 64 * 1024 * MIB),
    "codecBytes",
    "What compressing and decompressing may hold in memory at once, in each worker.",
  ),
};

const upstreamLimits = {
  responseHeaderBytes: bytes(
    sizeBetween(256, 16 * MIB),
    "responseHeaderBytes",
    "All header lines of a response; beyond it 502.",
  ),
  responseHeaderCount: counted(
    wholeNumber(1, 10_000),
    "responseHeaderCount",
    "Header lines of a response; beyond it 502.",
  ),
};

const downstreamTimeouts = {
  handshake: time(
    durationAboveZero,
    "handshake",
    "The TLS handshake of a client, from its connection on.",
  ),
  requestHead: time(
    durationAboveZero,
    "requestHead",
    "The whole request head, from its first byte; beyond it 408.",
  ),
  requestBody: time(
    durationAboveZeroOrOff,
    "requestBody",
    "Between two reads of the request body; beyond it 408.",
  ),
  write: time(
    durationAboveZeroOrOff,
    "write",
    "How long a client may take nothing of the response.",
  ),
  keepAlive: time(durationOrOff, "keepAlive", "How long an idle client connection stays open."),
  halfClose: time(
    durationOrOff,
    "halfClose",
    "How long an exchange goes on after the client has closed its side.",
  ),
  drain: time(
    durationOrOff,
    "drain",
    "How long exchanges may go on after SIGTERM, or after a reload took their route away.",
  ),
  drainTunnel: time(
    durationOrOff,
    "drainTunnel",
    "How long a WebSocket or other tunnel may go on after a reload took its route away.",
  ),
};

const upstreamTimeouts = {
  connect: time(durationAboveZero, "connect", "Making a connection to an endpoint."),
  connectTls: time(
    durationAboveZero,
    "connectTls",
    "The TLS handshake with an endpoint, once it is connected.",
  ),
  send: time(
    durationAboveZeroOrOff,
    "send",
    "How long an endpoint may take nothing of the request.",
  ),
  responseHead: time(
    durationAboveZeroOrOff,
    "responseHead",
    "From the end of the request to the response head; beyond it 504.",
  ),
  responseBody: time(
    durationAboveZeroOrOff,
    "responseBody",
    "Between two reads of the response body.",
  ),
  expectContinue: time(
    durationOrOff,
    "expectContinue",
    "How long an endpoint has to answer Expect: 100-continue before the client is told to go on.",
  ),
  tunnelIdle: time(
    durationAboveZeroOrOff,
    "tunnelIdle",
    "How long a WebSocket or other tunnel may carry nothing.",
  ),
  upstreamKeepAlive: time(
    durationOrOff,
    "upstreamKeepAlive",
    "How long an idle connection to an endpoint is kept.",
  ),
  upstreamAge: time(
    durationAboveZeroOrOff,
    "upstreamAge",
    "How old a connection to an endpoint may get; then it takes no more requests.",
  ),
};

const RATE = /^(?:(\d{1,15}(?:B|KiB|MiB|GiB))\/s|(\d{1,15}))$/;
const rateForm = 'a rate such as "500B/s", or "off"';

/** "500B/s" or a count of bytes → bytes per second; "off" → 0, which everyone manages. */
const minimumRate = z
  .union([z.literal("off"), z.string().meta({ pattern: RATE.source }), z.number().int()], {
    error: wanted(rateForm),
  })
  .refine((value) => value === "off" || Number.isSafeInteger(rateBytes(value)), {
    error: wanted(rateForm),
  })
  .transform((value) => (value === "off" ? 0 : rateBytes(value)));

function rateBytes(value: string | number): number {
  const [, perSecond, plain] = RATE.exec(String(value)) ?? [];
  return sizeBytes(perSecond ?? plain ?? "");
}

const ownStreams = wholeNumber(1, 10_000)
  .optional()
  .describe(
    `Requests at once on one connection of HTTP/2; then there is another. Default: ${H2_OWN_STREAMS_MAX}.`,
  );

const aMap = { error: wanted("a map") };

export const limits = z.strictObject({ ...downstreamLimits, ...upstreamLimits }, aMap);
export const timeouts = z.strictObject({ ...downstreamTimeouts, ...upstreamTimeouts }, aMap);
export const limitsOfUpstream = z.strictObject(
  { ...upstreamLimits, http2StreamsMax: ownStreams },
  aMap,
);
export const timeoutsOfUpstream = z.strictObject(upstreamTimeouts, aMap);

export const rates = z.strictObject(
  {
    minimum: minimumRate
      .optional()
      .describe(
        `The least progress a client must make over time. Default: ${RATES.minBytesPerSecond}B/s.`,
      ),
    grace: duration
      .optional()
      .describe(`How long it may stay below that. Default: ${durationText(RATES.graceMs)}.`),
  },
  aMap,
);

/** The three together, as they stand at the top level, on a listener, a site and a route. */
export const levels = {
  limits: limits.optional().describe("Limits on what is held in memory and let through."),
  timeouts: timeouts
    .optional()
    .describe("Timers; all but handshake, requestHead and drain count idle time."),
  rates: rates.optional().describe("The least progress a client must make, against slow attacks."),
};

/** Where a number is too late to have an effect: the head is read before its site is known. */
export const ONLY_TOP_OR_LISTENER: ReadonlySet<string> = new Set([
  "limits.requestLineBytes",
  "limits.headerBytes",
  "limits.headerCount",
  "limits.connectionsMax",
  "limits.connectionsPerClient",
  "limits.handshakesPerSecond",
  "limits.handshakesPerClient",
  "limits.requestsPerConnection",
  "timeouts.handshake",
  "limits.http2StreamsMax",
  "limits.http2StreamWindowBytes",
  "limits.http2ConnectionWindowBytes",
  "limits.http2FloodPoints",
  "timeouts.requestHead",
  "timeouts.keepAlive",
]);
export const ONLY_TOP: ReadonlySet<string> = new Set([
  "limits.codecBytes",
  "timeouts.drain",
  "timeouts.drainTunnel",
]);
/** Idle connections belong to an endpoint, which knows no route or listener. */
export const ONLY_TOP_OR_UPSTREAM: ReadonlySet<string> = new Set([
  "timeouts.upstreamKeepAlive",
  "timeouts.upstreamAge",
]);
