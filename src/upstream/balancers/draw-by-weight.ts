import type { Random } from "../../base/world.ts";
import type { Endpoint } from "../../core/upstream.ts";

/** An endpoint by chance, twice the weight twice as often, other than `except`. */
export type Draw = (ready: readonly Endpoint[], except?: Endpoint) => Endpoint | undefined;

/** Equal weights, the usual case, need no look at every endpoint. */
export function drawByWeight(endpoints: readonly Endpoint[], random: Random): Draw {
  const areEven = endpoints.every(({ weight }) => weight === endpoints[0]!.weight);
  return areEven
    ? (ready, except) => drawEvenly(ready, random, except)
    : (ready, except) => drawUnevenly(ready, random, except);
}

function drawEvenly(
  ready: readonly Endpoint[],
  random: Random,
  except: Endpoint | undefined,
): Endpoint | undefined {
  const count = except === undefined ? ready.length : ready.length - 1;
  if (count < 1) return undefined;
  const drawn = ready[random.below(count)];
  return drawn === except ? ready[count] : drawn; // the last one stands in for the one left out
}

function drawUnevenly(
  ready: readonly Endpoint[],
  random: Random,
  except: Endpoint | undefined,
): Endpoint | undefined {
  let total = 0;
  for (const endpoint of ready) if (endpoint !== except) total += endpoint.weight;
  // Those without weight are asked only among themselves, and then they are equal.
  if (total === 0) return drawEvenly(ready, random, except);

  let left = random.below(total);
  for (const endpoint of ready) {
    if (endpoint === except) continue;
    left -= endpoint.weight;
    if (left < 0) return endpoint;
  }
  return undefined;
}
