import {
  H2_OWN_STREAMS_MAX,
  H2_OWN_WINDOW_BYTES,
  type Limits,
  type Timeouts,
} from "../core/limits.ts";
import type { ConnectionMeter, Worker } from "../core/worker.ts";
import type { Destination } from "../transport/carrier.ts";
import type { EndpointPool, PoolShape } from "./endpoint-pool.ts";
import { Pool } from "./pool.ts";
import { SharedPool } from "./shared-pool.ts";

export function poolTo(
  destination: Destination,
  worker: Worker,
  meter: ConnectionMeter,
  shape: PoolShape,
): EndpointPool {
  const mayShare = destination.manner.speaks.includes("h2");
  return new (mayShare ? SharedPool : Pool)(worker, destination, meter, shape);
}

/** `limits`: as the upstream has them; of its own alone, `http2StreamsMax` is about endpoints. */
export function poolShape(
  timeouts: Timeouts,
  limits: Limits,
  { maxIdle, streamsMax = H2_OWN_STREAMS_MAX }: OwnNumbers,
): PoolShape {
  return {
    keepAliveMs: timeouts.upstreamKeepAlive,
    ageMs: timeouts.upstreamAge,
    idleMax: maxIdle,
    streamsMax,
    sendMs: timeouts.send,
    limits: {
      streamsMax: 0, // of the endpoint: it opens none
      streamsPerConnection: Number.POSITIVE_INFINITY,
      head: { fieldBytes: limits.responseHeaderBytes, fieldCount: limits.responseHeaderCount },
      trailers: { fieldBytes: limits.trailerBytes, fieldCount: limits.trailerCount },
      streamWindowBytes: H2_OWN_WINDOW_BYTES,
      // So wide that clients who take nothing never hold up the others on the connection.
      connectionWindowBytes: Math.max(H2_OWN_WINDOW_BYTES * streamsMax, CONNECTION_WINDOW_MIN),
    },
  };
}

const CONNECTION_WINDOW_MIN = 1024 * 1024;

interface OwnNumbers {
  readonly maxIdle: number;
  readonly streamsMax?: number | undefined;
}
