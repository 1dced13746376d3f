import type { Clock } from "../../base/world.ts";
import type { BalancerFactory, Endpoint } from "../../core/upstream.ts";
import { drawByWeight } from "./draw-by-weight.ts";

/**
 * Of two endpoints by chance, the one that is likely to answer first: its time to the first byte,
 * as it was lately, for each request it has in flight and this one ("peak EWMA"). The average
 * rises at once and falls slowly, so an endpoint that begins to crawl is left alone within one
 * request, and tried again when what is known of it is old.
 *
 * Both are drawn by weight; the requests in flight count by weight too, the time does not.
 */
export const leastTime: BalancerFactory = (endpoints, random, clock) => {
  const draw = drawByWeight(endpoints, random);
  return {
    pick(ready) {
      if (ready.length <= 1) return ready[0];
      const drawn = draw(ready)!;
      const other = draw(ready, drawn)!;
      return costOf(other, clock) < costOf(drawn, clock) ? other : drawn;
    },
  };
};

const UNTRIED_MS = 1_000_000; // nobody is this slow: one request explores, the next go elsewhere

function costOf({ state, weight }: Endpoint, clock: Clock): number {
  const { active } = state;
  const lately = state.latelyMs(clock.nowMs());
  if (lately === 0 && active > 0) return UNTRIED_MS + active;
  return lately * (1 + active / (weight || 1));
}
