import { H2_OWN_STREAMS_MAX, type Limits, type Timeouts } from "../core/limits.ts";
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

export function poolShape(timeouts: Timeouts, limits: Limits, idleMax: number): PoolShape {
  return {
    keepAliveMs: timeouts.upstreamKeepAlive,
    idleMax,
    streamsMax: H2_OWN_STREAMS_MAX,
    sendMs: timeouts.send,
    limits: {
      streamsMax: 0, // of the endpoint: it opens none
      streamsPerConnection: Number.POSITIVE_INFINITY,
      head: { fieldBytes: limits.responseHeaderBytes, fieldCount: limits.responseHeaderCount },
      trailers: { fieldBytes: limits.trailerBytes, fieldCount: limits.trailerCount },
    },
  };
}
