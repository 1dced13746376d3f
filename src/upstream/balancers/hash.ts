import { hashText, mixWord, weighedDistance } from "../../base/key-hash.ts";
import type { BalancerFactory, Endpoint } from "../../core/upstream.ts";
import { BoundedLoad } from "./bounded-load.ts";
import { leastRequest } from "./least-request.ts";

/** How much more than its share of what is in flight an endpoint takes for the sake of its keys. */
export const HASH_BOUND = 1.25;

/**
 * The same key, the same endpoint: each endpoint's distance to the key is worked out, and the nearest
 * one wins ("rendezvous hashing"). So the keys of an endpoint that leaves spread over all others,
 * no other key moves, and it has them back when it returns. An endpoint that has `bound` times its
 * share of the requests in flight is passed over for the next nearest ("bounded load"), so that one
 * hot key cannot drown one endpoint. Without a key the request is balanced as by leastRequest.
 *
 * It costs a few nanoseconds per endpoint and pick, but for keys that were seen lately;
 * docs/decisions/0017 has the figures.
 */
export function hashWithin(bound: number): BalancerFactory {
  return (endpoints, random, clock) => {
    const keyless = leastRequest(endpoints, random, clock);
    const load = new BoundedLoad(bound);
    const seatings = new WeakMap<readonly Endpoint[], Seating>();

    return {
      pick(ready, need) {
        if (ready.length <= 1) return ready[0];
        if (need.hashKey === undefined || need.hashKey === "") return keyless.pick(ready, need);
        const seating = seatings.get(ready) ?? seat(ready);
        seatings.set(ready, seating);
        const key = hashText(need.hashKey);
        load.look(ready, seating.weight);
        const nearest = ready[rememberedNearest(key, seating)]!;
        if (!load.isFull(nearest)) return nearest;
        return nearestWithRoom(key, { ready, seating, load }) ?? nearest;
      },
    };
  };
}

export const hash: BalancerFactory = hashWithin(HASH_BOUND);

/** What does not change about a list of endpoints while it is the same list. */
interface Seating {
  readonly places: Uint32Array;
  readonly weights: Float64Array | undefined; // undefined: all alike
  readonly weight: number; // of all together
  readonly memo: Memo | undefined;
}

/** Whose the keys of late are. A key has one place here, and takes it from whoever had it. */
interface Memo {
  readonly keys: Uint32Array;
  readonly nearest: Uint16Array; // its index and one; 0: nobody's
}

const MEMO_PLACES = 4096; // a power of two; 24 KiB for each list that is picked from
const MEMO_FROM = 16; // of fewer endpoints all are looked at as quickly

function seat(ready: readonly Endpoint[]): Seating {
  const weights = Float64Array.from(ready, ({ weight }) => weight || 1);
  return {
    places: Uint32Array.from(ready, ({ name }) => hashText(name)),
    weights: weights.every((weight) => weight === weights[0]) ? undefined : weights,
    weight: weights.reduce((sum, weight) => sum + weight, 0),
    memo:
      ready.length < MEMO_FROM
        ? undefined
        : { keys: new Uint32Array(MEMO_PLACES), nearest: new Uint16Array(MEMO_PLACES) },
  };
}

function rememberedNearest(key: number, seating: Seating): number {
  const { memo } = seating;
  if (memo === undefined) return nearestTo(key, seating);
  const place = key & (MEMO_PLACES - 1);
  const known = memo.nearest[place]!;
  if (known !== 0 && memo.keys[place] === key >>> 0) return known - 1;
  const nearest = nearestTo(key, seating);
  memo.keys[place] = key;
  memo.nearest[place] = nearest + 1;
  return nearest;
}

function nearestTo(key: number, { places, weights }: Seating): number {
  if (weights !== undefined) return nearestByWeight(key, places, weights);
  // All alike: the order of the distances is that of the hashes, and no logarithm is needed.
  let nearest = 0;
  let highest = -1;
  for (let index = 0; index < places.length; index++) {
    const mixed = mixWord(key ^ places[index]!);
    if (mixed > highest) {
      highest = mixed;
      nearest = index;
    }
  }
  return nearest;
}

function nearestByWeight(key: number, places: Uint32Array, weights: Float64Array): number {
  let nearest = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let index = 0; index < places.length; index++) {
    const distance = weighedDistance(key, places[index]!, weights[index]!);
    if (distance < least) {
      least = distance;
      nearest = index;
    }
  }
  return nearest;
}

interface Crowd {
  readonly ready: readonly Endpoint[];
  readonly seating: Seating;
  readonly load: BoundedLoad;
}

function nearestWithRoom(key: number, { ready, seating, load }: Crowd): Endpoint | undefined {
  const { places, weights } = seating;
  let nearest: Endpoint | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (let index = 0; index < ready.length; index++) {
    const place = places[index]!;
    const distance =
      weights === undefined ? -mixWord(key ^ place) : weighedDistance(key, place, weights[index]!);
    if (distance >= least || load.isFull(ready[index]!)) continue;
    least = distance;
    nearest = ready[index];
  }
  return nearest;
}
