import { H2_STREAMS_PER_CONNECTION, type Limits } from "../core/limits.ts";
import type { ConnectionLimits } from "../protocol/h2/connection.ts";

/** What a client's connection of HTTP/2 is held to. */
export function serverLimits(limits: Limits): ConnectionLimits {
  const { requestsPerConnection } = limits;
  return {
    streamsMax: limits.http2StreamsMax,
    streamsPerConnection:
      requestsPerConnection === Number.POSITIVE_INFINITY
        ? H2_STREAMS_PER_CONNECTION
        : requestsPerConnection,
    streamWindowBytes: limits.http2StreamWindowBytes,
    connectionWindowBytes: limits.http2ConnectionWindowBytes,
    floodPoints: limits.http2FloodPoints,
    head: { fieldBytes: limits.headerBytes, fieldCount: limits.headerCount },
    trailers: { fieldBytes: limits.trailerBytes, fieldCount: limits.trailerCount },
  };
}
