/** Parts of the access log's lines that come again as they are. */

import {
  CACHE_RESULTS,
  type CacheResult,
  type Client,
  type Exchange,
  statusOf,
} from "../core/exchange.ts";
import type { Route, Site } from "../core/runtime.ts";
import type { Endpoint } from "../core/upstream.ts";
import { putPiece } from "./json-bytes.ts";

/** Of a client that sends the same field lines again: what is before the target, and the end. */
export class LinePieces {
  readonly #client: Client;
  readonly #method: string;
  readonly #scheme: string;
  readonly #host: string;
  readonly front: Uint8Array;
  readonly tail: Uint8Array;

  constructor({ client, request }: Exchange, front: Uint8Array, tail: Uint8Array) {
    this.#client = client;
    this.#method = request.method;
    this.#scheme = request.scheme;
    this.#host = request.host;
    this.front = front;
    this.tail = tail;
  }

  /** The same client has sent the same lines; what else is in the pieces need not be the same. */
  fit({ client, request }: Exchange): boolean {
    return (
      client === this.#client &&
      request.method === this.#method &&
      request.scheme === this.#scheme &&
      request.host === this.#host
    );
  }
}

const KEEP_ONE_IN = 8;

interface UsualOutcome {
  readonly site: Site | undefined;
  readonly route: Route | undefined;
  readonly upstream: string;
  readonly status: number;
  readonly minorVersion: number;
  readonly isHttp2: boolean;
  readonly piece: Uint8Array;
}

/**
 * Most exchanges end in one way: a response at the first attempt, on a kept connection, to a request
 * without a body. From the status on, all of them read the same for an endpoint and a route.
 */
export class UsualOutcomes {
  readonly #byEndpoint: WeakMap<Endpoint, UsualOutcome>;
  #missCount: number;

  constructor() {
    this.#byEndpoint = new WeakMap();
    this.#missCount = 0;
  }

  pieceOf(exchange: Exchange): Uint8Array | undefined {
    const { endpoint, request, client } = exchange;
    if (endpoint === undefined || !isUsual(exchange)) return undefined;
    const known = this.#byEndpoint.get(endpoint);
    const isSame =
      known !== undefined &&
      known.route === exchange.route &&
      known.site === exchange.site &&
      known.status === statusOf(exchange) &&
      known.upstream === exchange.upstream &&
      known.minorVersion === request.minorVersion &&
      known.isHttp2 === client.isHttp2;
    return isSame ? known.piece : undefined;
  }

  /** After a miss: the exchange's piece is bytes[from..to). One in a few, as routes may alternate. */
  maybeKeep(exchange: Exchange, bytes: Uint8Array, from: number, to: number): void {
    const { endpoint, site, route, upstream, request, client } = exchange;
    if (endpoint === undefined || !isUsual(exchange)) return;
    if (this.#missCount++ % KEEP_ONE_IN !== 0) return;
    this.#byEndpoint.set(endpoint, {
      site,
      route,
      upstream,
      status: statusOf(exchange),
      minorVersion: request.minorVersion,
      isHttp2: client.isHttp2,
      piece: new Uint8Array(bytes.subarray(from, to)),
    });
  }
}

function isUsual(exchange: Exchange): boolean {
  const { fault, attempts, connectionReused, requestBytes, grpcStatus } = exchange;
  const isPlain = requestBytes === 0 && grpcStatus < 0;
  return fault === undefined && attempts === 1 && connectionReused && isPlain;
}

const CACHE_PIECES: ReadonlyMap<CacheResult, Uint8Array> = new Map(
  CACHE_RESULTS.map((result) => [result, Buffer.from(`,"cache":"${result}"`, "latin1")]),
);

/** What the route's cache had to do with it, if there is one. */
export function putCache(block: Uint8Array, start: number, { cacheResult }: Exchange): number {
  return cacheResult === "" ? start : putPiece(block, start, CACHE_PIECES.get(cacheResult)!);
}
