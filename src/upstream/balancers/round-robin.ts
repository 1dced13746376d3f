import type { BalancerFactory, Endpoint } from "../../core/upstream.ts";

/**
 * Each in turn, and the heavy ones spread between the light ones: with weights 5, 1, 1 the order
 * is a a b a c a a and not a a a a a b c ("smooth weighted round-robin"). Before each pick every
 * endpoint earns its weight; who has most is picked and pays what all have earned together.
 *
 * A counter that goes round would be cheaper still, but retries have lists of their own, and each of
 * them would throw the others off their turn.
 */
export const roundRobin: BalancerFactory = (endpoints, random) => {
  const places = new Map(endpoints.map((endpoint, place) => [endpoint, place]));
  const savings = new Float64Array(endpoints.length);
  const benches = new WeakMap<readonly Endpoint[], Bench>();

  function pick(ready: readonly Endpoint[]): Endpoint | undefined {
    if (ready.length <= 1) return ready[0];
    let bench = benches.get(ready);
    if (bench === undefined) {
      bench = benchOf(ready, places);
      benches.set(ready, bench);
    }
    const { at, weights, weight } = bench;
    let richest = 0;
    let most = Number.NEGATIVE_INFINITY;
    for (let index = 0; index < at.length; index++) {
      const place = at[index]!;
      const saved = savings[place]! + weights[index]!;
      savings[place] = saved;
      if (saved > most) {
        richest = index;
        most = saved;
      }
    }
    // Nobody has any weight: a turn costs as much as if each had one, so all come round.
    savings[at[richest]!] = most - (weight === 0 ? ready.length : weight);
    return ready[richest];
  }

  // Workers and restarts would otherwise all begin with the first endpoint, at the same moment.
  for (let skips = random.below(Math.max(1, endpoints.length)); skips > 0; skips--) pick(endpoints);
  return { pick };
};

/** What does not change about a list of endpoints: where their savings are, and what they weigh. */
interface Bench {
  readonly at: Int32Array;
  readonly weights: Float64Array;
  readonly weight: number; // of all together
}

function benchOf(ready: readonly Endpoint[], places: ReadonlyMap<Endpoint, number>): Bench {
  const weights = Float64Array.from(ready, ({ weight }) => weight);
  return {
    at: Int32Array.from(ready, (endpoint) => places.get(endpoint)!),
    weights,
    weight: weights.reduce((sum, each) => sum + each, 0),
  };
}
