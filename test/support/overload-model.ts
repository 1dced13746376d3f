/**
 * One upstream under more load than it bears: servers whose requests share their cores, clients who
 * give up, and the upstream's own claims and lines between them. No sockets; time is the model's.
 */
import { SeededRandom } from "../../src/base/seeded-random.ts";
import { TimerWheel } from "../../src/base/timer-wheel.ts";
import type { Clock, Timer } from "../../src/base/world.ts";
import type { ConcurrencyBounds } from "../../src/core/concurrency.ts";
import { LoneMachine } from "../../src/core/machine.ts";
import type { Claim, ClaimLine, ClaimWaiter, Need, Upstream } from "../../src/core/upstream.ts";
import { BALANCERS, type BalancerName } from "../../src/upstream/balancers/named.ts";
import { createUpstream } from "../../src/upstream/upstream.ts";
import type { LineShape } from "../../src/upstream/waiting-line.ts";
import { Heap } from "./heap.ts";

/** A server whose requests share its cores, all at the same pace. */
export interface ServerShape {
  readonly cores: number;
  readonly workMs: number; // of one request that has a core to itself, on the average
  /** With more requests than this at once it loses time to having so many: the cliff. */
  readonly knee?: number;
}

/** What happens while the model runs, each from its second on. */
export interface Turn {
  readonly atS: number;
  readonly perSecond?: number; // requests that arrive
  readonly server?: ServerShape; // what all servers are from now on
  readonly lost?: number; // this server takes no more, and what it has stays unanswered
  readonly back?: number;
}

export interface OverloadShape {
  readonly seed?: number;
  readonly servers: number;
  readonly server: ServerShape;
  readonly perSecond: number;
  readonly seconds: number;
  readonly patienceMs: number; // of a client; the server goes on working for who has left
  readonly concurrency: ConcurrencyBounds | undefined;
  readonly queue?: LineShape;
  readonly balance?: BalancerName;
  readonly turns?: readonly Turn[];
}

/** One second of it. */
export interface Second {
  readonly arrived: number;
  readonly good: number; // answered before the client left
  readonly refused: number;
  readonly left: number;
  readonly p50Ms: number; // of those that were answered
  readonly p99Ms: number;
  readonly limits: readonly number[]; // of each endpoint, at its end
}

export function runOverload(shape: OverloadShape): readonly Second[] {
  const model = new OverloadModel(shape);
  model.run();
  return model.seconds;
}

export function sumOf(seconds: readonly Second[], key: "arrived" | "good" | "refused" | "left") {
  return seconds.reduce((sum, second) => sum + second[key], 0);
}

const STEP_MS = 1; // finer than anything that is measured here

/** Time that is wound on by hand; what is due happens at once. */
class ModelClock implements Clock {
  readonly #timers = new Heap<ModelTimer>(({ dueMs }) => dueMs);
  #ms = 1;

  nowMs(): number {
    return this.#ms;
  }

  wallMs(): number {
    return this.#ms;
  }

  after(delayMs: number, fire: () => void): Timer {
    const timer = new ModelTimer(this.#ms + Math.max(0, delayMs), fire);
    this.#timers.push(timer);
    return timer;
  }

  advance(byMs: number): void {
    this.#ms += byMs;
    for (let next = this.#timers.first; next !== undefined && next.dueMs <= this.#ms; ) {
      this.#timers.pop();
      next.fire();
      next = this.#timers.first;
    }
  }
}

class ModelTimer implements Timer {
  readonly dueMs: number;
  readonly #act: () => void;
  #isCancelled = false;

  constructor(dueMs: number, act: () => void) {
    this.dueMs = dueMs;
    this.#act = act;
  }

  fire(): void {
    if (!this.#isCancelled) this.#act();
  }

  cancel(): void {
    this.#isCancelled = true;
  }
}

interface Job {
  readonly client: Client;
  readonly doneAt: number; // when each job that was here from the beginning has had so much work
}

/** All jobs at one pace: who has least left of its work is done first. */
class Server {
  readonly #random: SeededRandom;
  readonly #jobs = new Heap<Job>(({ doneAt }) => doneAt);
  #workedMs = 0; // on each of its jobs
  shape: ServerShape;
  isLost = false;

  constructor(shape: ServerShape, random: SeededRandom) {
    this.shape = shape;
    this.#random = random;
  }

  take(client: Client): void {
    const draw = -Math.log((1 + this.#random.below(1_000_000)) / 1_000_001);
    this.#jobs.push({ client, doneAt: this.#workedMs + this.shape.workMs * draw });
  }

  work(ms: number): void {
    if (this.isLost) return;
    const count = this.#jobs.size;
    const { cores, knee } = this.shape;
    const crowd = knee === undefined ? 0 : Math.max(0, count - knee) / knee;
    this.#workedMs += (ms * Math.min(1, cores / count)) / (1 + crowd * crowd);
    for (let next = this.#jobs.first; next !== undefined && next.doneAt <= this.#workedMs; ) {
      this.#jobs.pop();
      next.client.answer();
      next = this.#jobs.first;
    }
  }
}

class Client implements ClaimWaiter {
  readonly #model: OverloadModel;
  readonly beganMs: number;
  readonly need: Need = { hashKey: undefined, tried: [] };
  #claim: Claim | undefined;
  #line: ClaimLine | undefined;
  #claimedMs = 0;
  isOver = false;

  constructor(model: OverloadModel, nowMs: number) {
    this.#model = model;
    this.beganMs = nowMs;
  }

  begin(upstream: Upstream): void {
    const claim = upstream.claim(this.need);
    if (claim !== undefined) {
      this.claimed(claim);
      return;
    }
    const line = upstream.wait(this, false);
    if ("leave" in line) this.#line = line;
    else this.#end("refused");
  }

  claimed(claim: Claim): void {
    this.#line = undefined;
    this.#claim = claim;
    this.#claimedMs = this.#model.nowMs;
    this.#model.serve(this, claim);
  }

  waitedInVain(): void {
    this.#end("refused");
  }

  answer(): void {
    if (this.isOver) return; // the work was for nobody
    this.#claim!.answered(200, this.#model.nowMs - this.#claimedMs);
    this.#claim!.release("served");
    this.#end("good");
  }

  leave(): void {
    this.#line?.leave(this);
    this.#claim?.release("abandoned");
    this.#end("left");
  }

  #end(how: "good" | "refused" | "left"): void {
    this.isOver = true;
    this.#model.over(this, how);
  }
}

class OverloadModel {
  readonly seconds: Second[] = [];
  readonly #shape: OverloadShape;
  readonly #clock = new ModelClock();
  readonly #random: SeededRandom;
  readonly #servers: Server[];
  readonly #upstream: Upstream;
  readonly #waiting = new Set<Client>();
  readonly #tookMs: number[] = [];
  #counts = { arrived: 0, good: 0, refused: 0, left: 0 };

  constructor(shape: OverloadShape) {
    this.#shape = shape;
    this.#random = new SeededRandom(shape.seed ?? 1);
    this.#servers = Array.from(
      { length: shape.servers },
      () => new Server(shape.server, this.#random),
    );
    const { queue } = shape;
    const kept = new Map<string, unknown>();
    this.#upstream = createUpstream(
      {
        name: "app",
        endpoints: this.#servers.map((_, place) => ({
          address: { host: `10.0.0.${place + 1}`, port: 80 },
        })),
        balance: BALANCERS[shape.balance ?? "leastRequest"],
        concurrency: shape.concurrency,
        lines: { queue },
      },
      {
        keep: <T>(key: string, make: () => T): T => {
          if (!kept.has(key)) kept.set(key, make());
          return kept.get(key) as T; // a key is of one type
        },
        machine: new LoneMachine(),
        world: { clock: this.#clock, random: this.#random },
        wheel: new TimerWheel(this.#clock),
      },
    );
  }

  get nowMs(): number {
    return this.#clock.nowMs();
  }

  run(): void {
    const { seconds, turns = [] } = this.#shape;
    let { perSecond } = this.#shape;
    let due = 0;
    for (let second = 0; second < seconds; second++) {
      for (const turn of turns.filter(({ atS }) => atS === second)) {
        perSecond = turn.perSecond ?? perSecond;
        this.#take(turn);
      }
      for (let ms = 0; ms < 1000; ms += STEP_MS) {
        this.#clock.advance(STEP_MS);
        for (const server of this.#servers) server.work(STEP_MS);
        this.#giveUp();
        for (due += this.#drawn((perSecond * STEP_MS) / 1000); due >= 1; due--) this.#arrive();
      }
      this.#note();
    }
  }

  serve(client: Client, claim: Claim): void {
    const server = this.#servers[this.#upstream.endpoints.indexOf(claim.endpoint)]!;
    server.take(client);
  }

  over(client: Client, how: "good" | "refused" | "left"): void {
    this.#waiting.delete(client);
    this.#counts[how]++;
    if (how === "good") this.#tookMs.push(this.nowMs - client.beganMs);
  }

  #take({ server, lost, back }: Turn): void {
    for (const each of this.#servers) each.shape = server ?? each.shape;
    if (lost !== undefined) this.#servers[lost]!.isLost = true;
    if (back !== undefined) this.#servers[back]!.isLost = false;
  }

  /** A whole number with that mean, by chance: nearly Poisson's for steps that are short. */
  #drawn(mean: number): number {
    let count = 0;
    for (let left = mean; left > 0; left -= 0.1) {
      if (this.#random.below(1_000_000) < Math.min(left, 0.1) * 1_000_000) count++;
    }
    return count;
  }

  #arrive(): void {
    this.#counts.arrived++;
    const client = new Client(this, this.nowMs);
    this.#waiting.add(client);
    client.begin(this.#upstream);
  }

  #giveUp(): void {
    for (const client of this.#waiting) {
      if (this.nowMs - client.beganMs < this.#shape.patienceMs) return; // in the order they came
      client.leave();
    }
  }

  #note(): void {
    const sorted = this.#tookMs.splice(0).toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
    const { concurrency } = this.#shape;
    this.seconds.push({
      ...this.#counts,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      limits: this.#upstream.endpoints.map(({ state }) =>
        concurrency === undefined ? 0 : state.concurrency.within(concurrency),
      ),
    });
    this.#counts = { arrived: 0, good: 0, refused: 0, left: 0 };
  }
}
