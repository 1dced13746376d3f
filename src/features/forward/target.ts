import { hashText, weighedDistance } from "../../base/key-hash.ts";
import type { Random } from "../../base/world.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { Limits, Timeouts } from "../../core/limits.ts";
import type { RetryBudget, Upstream } from "../../core/upstream.ts";
import type { PoolDirectory } from "../../upstream/endpoint-pools.ts";

/** One upstream that a route may forward to, with what holds there. */
export interface ForwardTarget {
  readonly upstream: Upstream;
  readonly pools: PoolDirectory;
  readonly budget: RetryBudget;
  readonly timeouts: Timeouts; // resolved to the last level
  readonly limits: Limits;
  /** Endpoints are told who the client is, by a PROXY header of this version. */
  readonly proxyVersion?: 1 | 2 | undefined;
}

export interface SplitSide {
  readonly target: ForwardTarget;
  readonly weight: number;
}

export interface TargetChoiceOptions {
  readonly sides: readonly SplitSide[]; // at least one with a weight
  readonly failover: readonly ForwardTarget[];
  readonly spills: boolean; // a side that cannot serve hands its requests to the others
  /** What says who a client is, for it to stay on its side; undefined: each request by chance. */
  readonly clientKey: ((exchange: Exchange) => string) | undefined;
}

/** Which upstreams an exchange is offered to, one after the other. */
export class TargetChoice {
  readonly options: TargetChoiceOptions;
  readonly #random: Random;
  readonly #orders: readonly (readonly ForwardTarget[])[]; // by the side that comes first
  readonly #places: Uint32Array;
  readonly #total: number;

  constructor(options: TargetChoiceOptions, random: Random) {
    const { sides } = options;
    this.options = options;
    this.#random = random;
    this.#orders = sides.map((_, first) => orderOf(first, options));
    this.#places = Uint32Array.from(sides, ({ target }) => hashText(target.upstream.name));
    this.#total = sides.reduce((sum, { weight }) => sum + weight, 0);
  }

  order(exchange: Exchange): readonly ForwardTarget[] {
    const { sides, clientKey } = this.options;
    if (sides.length === 1) return this.#orders[0]!;
    const side = clientKey === undefined ? this.#drawn() : this.#sideOf(clientKey(exchange));
    return this.#orders[side]!;
  }

  #drawn(): number {
    let left = this.#random.below(this.#total);
    return this.options.sides.findIndex(({ weight }) => {
      left -= weight;
      return left < 0;
    });
  }

  /** A side whose weight grows takes clients over; between the others none of them moves. */
  #sideOf(key: string): number {
    const hash = hashText(key);
    let nearest = 0;
    let least = Number.POSITIVE_INFINITY;
    for (const [index, { weight }] of this.options.sides.entries()) {
      if (weight === 0) continue;
      const distance = weighedDistance(hash, this.#places[index]!, weight);
      if (distance < least) {
        least = distance;
        nearest = index;
      }
    }
    return nearest;
  }
}

/** A side without weight serves nobody, also when others cannot. */
function orderOf(first: number, { sides, failover, spills }: TargetChoiceOptions): ForwardTarget[] {
  const others = sides
    .filter(({ weight }, index) => spills && index !== first && weight > 0)
    .toSorted((a, b) => b.weight - a.weight);
  return [sides[first]!.target, ...others.map(({ target }) => target), ...failover];
}
