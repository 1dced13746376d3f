import { SeededRandom } from "../../src/base/seeded-random.ts";
import type { Clock } from "../../src/base/world.ts";
import { LoneMachine } from "../../src/core/machine.ts";
import type { Claim, Upstream } from "../../src/core/upstream.ts";
import { BALANCERS, type BalancerName } from "../../src/upstream/balancers/named.ts";
import { createUpstream } from "../../src/upstream/upstream.ts";
import { Heap } from "./heap.ts";

/** A fleet and the load on it. Times of service and of arrival are drawn from the seed. */
export interface Fleet {
  readonly seed: number;
  readonly weights: readonly number[]; // an endpoint each
  readonly meanMs: readonly number[]; // how long a request takes there, on the average
  readonly slots: number; // that an endpoint serves at once; what is beyond them waits there
  readonly requestsPerSecond: number;
  readonly seconds: number;
  readonly clients: number; // by which the hashes go
}

export interface FleetOutcome {
  readonly picks: readonly number[]; // of each endpoint
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const WARM_SHARE = 0.1; // of the time, in which nothing is counted

/** Requests that come by chance, an upstream that picks, endpoints with queues: no sockets, no time. */
export function runFleet(balance: BalancerName, fleet: Fleet): FleetOutcome {
  const model = new FleetModel(balance, fleet);
  model.run();
  return model.outcome();
}

/** An upstream of so many endpoints with nothing in flight; for who is asked, and no more. */
export function idleUpstream(
  balance: BalancerName,
  weights: readonly number[],
  clock: Clock,
): Upstream {
  const kept = new Map<string, unknown>();
  const keep = <T>(key: string, make: () => T): T => {
    if (!kept.has(key)) kept.set(key, make());
    return kept.get(key) as T; // a key is of one type
  };
  const endpoints = weights.map((weight, place) => ({
    address: { host: `10.0.0.${place + 1}`, port: 80 },
    weight,
  }));
  return createUpstream(
    { name: "fleet", endpoints, balance: BALANCERS[balance] },
    { keep, machine: new LoneMachine(), world: { clock, random: new SeededRandom(1) } },
  );
}

/** Stands where it is put. */
export class ModelClock implements Clock {
  ms = 1;

  nowMs(): number {
    return this.ms;
  }

  wallMs(): number {
    return this.ms;
  }

  after(): { cancel(): void } {
    return { cancel: () => {} }; // nothing in a balancer waits for a timer
  }
}

interface Request {
  readonly claim: Claim;
  readonly place: number;
  readonly startedMs: number;
  endMs: number;
}

class FleetModel {
  readonly #fleet: Fleet;
  readonly #clock = new ModelClock();
  readonly #random: SeededRandom;
  readonly #upstream: Upstream;
  readonly #serving = new Heap<Request>(({ endMs }) => endMs);
  readonly #waiting: Request[][];
  readonly #busy: number[];
  readonly #picks: number[];
  readonly #latenciesMs: number[] = [];

  constructor(balance: BalancerName, fleet: Fleet) {
    this.#fleet = fleet;
    this.#random = new SeededRandom(fleet.seed);
    this.#upstream = idleUpstream(balance, fleet.weights, this.#clock);
    this.#waiting = fleet.weights.map(() => []);
    this.#busy = fleet.weights.map(() => 0);
    this.#picks = fleet.weights.map(() => 0);
  }

  run(): void {
    const { seconds, requestsPerSecond } = this.#fleet;
    const endMs = seconds * 1000;
    let arrivesMs = 1;
    while (arrivesMs < endMs) {
      this.#serveUntil(arrivesMs);
      this.#clock.ms = arrivesMs;
      this.#arrive();
      arrivesMs += this.#exponential(1000 / requestsPerSecond);
    }
    this.#serveUntil(Number.POSITIVE_INFINITY); // who waits longest counts as well
  }

  outcome(): FleetOutcome {
    const sorted = this.#latenciesMs.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
    return { picks: this.#picks, p50Ms: at(0.5), p99Ms: at(0.99) };
  }

  #arrive(): void {
    const hashKey = `client ${this.#random.below(this.#fleet.clients)}`;
    const claim = this.#upstream.claim({ hashKey, tried: [] });
    if (claim === undefined) throw new Error("nobody was picked");
    const place = this.#upstream.endpoints.indexOf(claim.endpoint);
    const request = { claim, place, startedMs: this.#clock.ms, endMs: 0 };
    if (this.#isCounted(request)) this.#picks[place]!++;
    if (this.#busy[place]! < this.#fleet.slots) this.#serve(request);
    else this.#waiting[place]!.push(request);
  }

  #serve(request: Request): void {
    this.#busy[request.place]!++;
    request.endMs = this.#clock.ms + this.#exponential(this.#fleet.meanMs[request.place]!);
    this.#serving.push(request);
  }

  #serveUntil(ms: number): void {
    for (let next = this.#serving.first; next !== undefined && next.endMs <= ms; ) {
      this.#clock.ms = next.endMs;
      this.#serving.pop();
      this.#end(next);
      next = this.#serving.first;
    }
  }

  #end(request: Request): void {
    const tookMs = this.#clock.ms - request.startedMs;
    tellAnswered(request.claim, tookMs);
    request.claim.release("served");
    if (this.#isCounted(request)) this.#latenciesMs.push(tookMs);
    this.#busy[request.place]!--;
    const next = this.#waiting[request.place]!.shift();
    if (next !== undefined) this.#serve(next);
  }

  #isCounted({ startedMs }: Request): boolean {
    return startedMs >= this.#fleet.seconds * 1000 * WARM_SHARE;
  }

  #exponential(mean: number): number {
    return -mean * Math.log((1 + this.#random.below(1_000_000)) / 1_000_001);
  }
}

/** Upstreams that go by time are told of it. */
function tellAnswered(claim: Claim & { answered?(status: number, ms: number): void }, ms: number) {
  claim.answered?.(200, ms);
}
