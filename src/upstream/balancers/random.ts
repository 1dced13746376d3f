import type { BalancerFactory } from "../../core/upstream.ts";
import { drawByWeight } from "./draw-by-weight.ts";

/** By chance, in proportion to the weights. Knows nothing, so it cannot be wrong about anyone. */
export const random: BalancerFactory = (endpoints, chance) => {
  const draw = drawByWeight(endpoints, chance);
  return { pick: (ready) => draw(ready) };
};
