import type { BalancerFactory } from "../../core/upstream.ts";
import { drawByWeight } from "./draw-by-weight.ts";

/** By chance, in proportion to the weights. Knows nothing, so it cannot be wrong about anyone. */
export const random: BalancerFactory = (_endpoints, chance) => ({
  pick: (ready) => (ready.length <= 1 ? ready[0] : drawByWeight(ready, chance)),
});
