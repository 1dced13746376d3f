import type { BalancerFactory, Endpoint } from "../../core/upstream.ts";
import { drawByWeight } from "./draw-by-weight.ts";

/**
 * Two endpoints by chance, the less busy one wins ("power of two choices"). Close to a full scan
 * in fairness, and free of its herd effect: with stale counts a full scan sends everyone to one
 * place.
 *
 * Both are drawn by weight, and a tie goes to the one drawn first. So an idle upstream is shared
 * by weight too: comparing (active + 1) / weight would then send everything to the heaviest.
 */
export const leastRequest: BalancerFactory = (endpoints, random) => {
  const draw = drawByWeight(endpoints, random);
  return {
    pick(ready) {
      if (ready.length <= 1) return ready[0];
      const drawn = draw(ready)!;
      const other = draw(ready, drawn)!;
      return isLessBusy(other, drawn) ? other : drawn;
    },
  };
};

/** Compares active / weight without dividing, so weights of zero are no special case. */
function isLessBusy(left: Endpoint, right: Endpoint): boolean {
  return left.state.active * (right.weight || 1) < right.state.active * (left.weight || 1);
}
