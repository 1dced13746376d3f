import type { Endpoint } from "../core/upstream.ts";
import type { EndpointPool, PoolShape } from "./endpoint-pool.ts";

/** What of an endpoint its connections are for; nobody else may use them (SECURITY N1). */
export function poolKey({ name, manner }: Endpoint): string {
  return manner.key === "" ? name : `${name} ${manner.key}`;
}

/** Where the connections to an endpoint are. */
export interface PoolDirectory {
  get(endpoint: Endpoint): EndpointPool | undefined;
}

/** The pools of one upstream: those of endpoints that the config names, and the found ones. */
export class EndpointPools implements PoolDirectory {
  readonly #configured: ReadonlyMap<string, EndpointPool>; // by poolKey()
  readonly #found: FoundPools;

  constructor(configured: ReadonlyMap<string, EndpointPool>, found: FoundPools) {
    this.#configured = configured;
    this.#found = found;
  }

  get(endpoint: Endpoint): EndpointPool {
    return this.#configured.get(poolKey(endpoint)) ?? this.#found.get(endpoint);
  }

  /** Nobody else is in the upstream now: what is idle to others closes. */
  retain(endpoints: readonly Endpoint[]): void {
    const keys = new Set(endpoints.map(poolKey));
    for (const [key, pool] of this.#configured) if (!keys.has(key)) pool.closeIdle();
    this.#found.retain(keys);
  }
}

/** Pools of endpoints that come and go while a config is in force, made when one is first asked. */
export class FoundPools implements Disposable {
  #make: (endpoint: Endpoint) => EndpointPool;
  readonly #byKey: Map<string, EndpointPool>;

  constructor(make: (endpoint: Endpoint) => EndpointPool) {
    this.#make = make;
    this.#byKey = new Map();
  }

  get(endpoint: Endpoint): EndpointPool {
    const key = poolKey(endpoint);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const pool = this.#make(endpoint);
    this.#byKey.set(key, pool);
    return pool;
  }

  /** Those there are, and those that are made from now on. */
  reshape(make: (endpoint: Endpoint) => EndpointPool, shape: PoolShape): void {
    this.#make = make;
    for (const pool of this.#byKey.values()) pool.reshape(shape);
  }

  /** The pools of all others end: what is idle closes now, what is busy when it is done. */
  retain(keys: ReadonlySet<string>): void {
    for (const [key, pool] of this.#byKey) {
      if (keys.has(key)) continue;
      this.#byKey.delete(key);
      pool[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    this.retain(new Set());
  }
}
