import type { BalancerFactory, Endpoint } from "../../core/upstream.ts";

/**
 * Each in turn, and the heavy ones spread between the light ones: with weights 5, 1, 1 the order
 * is a a b a c a a and not a a a a a b c ("smooth weighted round-robin"). Before each pick every
 * endpoint earns its weight; who has most is picked and pays what all have earned together.
 */
export const roundRobin: BalancerFactory = (endpoints, random) => {
  const savings = new Map<Endpoint, number>(endpoints.map((endpoint) => [endpoint, 0]));

  function pick(ready: readonly Endpoint[]): Endpoint | undefined {
    if (ready.length <= 1) return ready[0];
    let richest = ready[0]!;
    let most = Number.NEGATIVE_INFINITY;
    let earned = 0;
    for (const endpoint of ready) {
      const saved = (savings.get(endpoint) ?? 0) + endpoint.weight;
      savings.set(endpoint, saved);
      earned += endpoint.weight;
      if (saved > most) {
        richest = endpoint;
        most = saved;
      }
    }
    // Nobody has any weight: a turn costs as much as if each had one, so all come round.
    savings.set(richest, most - (earned === 0 ? ready.length : earned));
    return richest;
  }

  // Workers and restarts would otherwise all begin with the first endpoint, at the same moment.
  for (let skips = random.below(Math.max(1, endpoints.length)); skips > 0; skips--) pick(endpoints);
  return { pick };
};
