import type { Endpoint } from "../core/upstream.ts";
import type { Pool, PoolShape } from "./pool.ts";

/** Where the connections to an endpoint are. */
export interface PoolDirectory {
  get(endpoint: Endpoint): Pool | undefined;
}

/** The pools of one upstream: those of endpoints that the config names, and the found ones. */
export class EndpointPools implements PoolDirectory {
  readonly #configured: ReadonlyMap<string, Pool>; // by the endpoint's name
  readonly #found: FoundPools;

  constructor(configured: ReadonlyMap<string, Pool>, found: FoundPools) {
    this.#configured = configured;
    this.#found = found;
  }

  get(endpoint: Endpoint): Pool {
    return this.#configured.get(endpoint.name) ?? this.#found.get(endpoint);
  }

  /** Nobody else is in the upstream now: what is idle to others closes. */
  retain(endpoints: readonly Endpoint[]): void {
    const names = new Set(endpoints.map(({ name }) => name));
    for (const [name, pool] of this.#configured) if (!names.has(name)) pool.closeIdle();
    this.#found.retain(names);
  }
}

/** Pools of endpoints that come and go while a config is in force, made when one is first asked. */
export class FoundPools implements Disposable {
  #make: (endpoint: Endpoint) => Pool;
  readonly #byName: Map<string, Pool>;

  constructor(make: (endpoint: Endpoint) => Pool) {
    this.#make = make;
    this.#byName = new Map();
  }

  get(endpoint: Endpoint): Pool {
    const known = this.#byName.get(endpoint.name);
    if (known !== undefined) return known;
    const pool = this.#make(endpoint);
    this.#byName.set(endpoint.name, pool);
    return pool;
  }

  /** Those there are, and those that are made from now on. */
  reshape(make: (endpoint: Endpoint) => Pool, shape: PoolShape): void {
    this.#make = make;
    for (const pool of this.#byName.values()) pool.reshape(shape);
  }

  /** The pools of all others end: what is idle closes now, what is busy when it is done. */
  retain(names: ReadonlySet<string>): void {
    for (const [name, pool] of this.#byName) {
      if (names.has(name)) continue;
      this.#byName.delete(name);
      pool[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    this.retain(new Set());
  }
}
