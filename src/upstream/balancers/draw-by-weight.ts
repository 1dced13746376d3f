import type { Random } from "../../base/world.ts";
import type { Endpoint } from "../../core/upstream.ts";

/**
 * An endpoint by chance, twice the weight twice as often, other than `except`. Where nobody has
 * any weight, all count the same.
 */
export function drawByWeight(
  ready: readonly Endpoint[],
  random: Random,
  except?: Endpoint,
): Endpoint | undefined {
  let total = 0;
  let count = 0;
  for (const endpoint of ready) {
    if (endpoint === except) continue;
    total += endpoint.weight;
    count += 1;
  }
  if (count === 0) return undefined;

  let left = random.below(total === 0 ? count : total);
  for (const endpoint of ready) {
    if (endpoint === except) continue;
    left -= total === 0 ? 1 : endpoint.weight;
    if (left < 0) return endpoint;
  }
  return undefined;
}
