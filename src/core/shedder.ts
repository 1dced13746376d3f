import { Deadline, type TimerWheel } from "../base/timer-wheel.ts";
import type { Random, World } from "../base/world.ts";

/** Who is served last when there is too much to do, the first who is not: low. */
export const PRIORITIES = ["low", "normal", "high", "critical"] as const;
export type Priority = (typeof PRIORITIES)[number];

/** From when on there is too much to do; Infinity: that is not looked at. */
export interface ShedOptions {
  readonly loopDelayMs: number;
  readonly memoryShare: number; // of what the process may have
  readonly requestsMax: number; // under way, in each worker
}

/** How a worker is. */
export interface LoadSigns {
  readonly delayMs: number; // that its event loop comes late
  readonly memoryShare: number;
  readonly requests: number;
}

const LOOK_MS = 100;
const MEMORY_EVERY = 10; // looks: asking for it is dear
const UNASKED_MAX = 50; // looks without a request; then it rests
const RISE = 0.1; // of the level, in a look, for twice as much as there may be
const RISE_MAX = 0.25;
const FALL = 0.025; // a level is given up again within four seconds
const CALM = 0.8; // of what there may be: in between the level stays where it is
const SMOOTHING = 0.3;

export const LEVEL_MAX = PRIORITIES.length - 1; // critical is never shed

/**
 * Refuses requests while the worker has too much to do, so that it serves the others in time: a share of
 * those of low priority first, then all of them, then a share of the next. The share follows from
 * the load: it grows for as long as there is too much, and shrinks once there is clearly not.
 */
export class Shedder extends Deadline {
  readonly #options: ShedOptions;
  readonly #wheel: TimerWheel;
  readonly #random: Random;
  readonly #signs: () => Omit<LoadSigns, "delayMs">;
  readonly #memory: () => number;
  readonly #log: World["log"];
  #level: number; // 1: all of low priority; 2: normal as well; 3: high as well
  #delayMs: number; // smoothed
  #memoryShare: number;
  #lookCount: number;
  #unasked: number; // looks since anybody asked
  #expectedMs: number;
  #isResting: boolean;
  #isTold: boolean;

  constructor(
    options: ShedOptions,
    parts: {
      readonly world: Pick<World, "random" | "log" | "memoryShare">;
      readonly wheel: TimerWheel;
      readonly requests: () => number;
    },
  ) {
    super();
    const { world } = parts;
    this.#options = options;
    this.#wheel = parts.wheel;
    this.#random = world.random;
    this.#memory = () => world.memoryShare?.() ?? 0;
    this.#signs = () => ({ memoryShare: this.#memoryShare, requests: parts.requests() });
    this.#log = world.log;
    this.#level = 0;
    this.#delayMs = 0;
    this.#memoryShare = 0;
    this.#lookCount = 0;
    this.#unasked = 0;
    this.#expectedMs = 0;
    this.#isResting = true;
    this.#isTold = false;
  }

  get level(): number {
    return this.#level;
  }

  /** A request of that priority has come. */
  refuses(priority: Priority): boolean {
    this.#unasked = 0;
    if (this.#isResting) this.#begin();
    if (this.#level === 0) return false;
    const share = this.#level - PRIORITIES.indexOf(priority);
    if (share <= 0 || priority === "critical") return false;
    return share >= 1 || this.#random.below(1_000) < share * 1_000;
  }

  /** For the log. */
  get why(): string {
    const { memoryShare, requests } = this.#signs();
    return `loop ${this.#delayMs.toFixed(0)} ms late, memory ${(memoryShare * 100).toFixed(0)} %, ${requests} requests`;
  }

  #begin(): void {
    this.#isResting = false;
    this.#await();
  }

  /** The wheel fires at whole ticks. */
  #await(): void {
    this.#expectedMs = Math.ceil((this.#wheel.nowMs + 1) / LOOK_MS) * LOOK_MS;
    this.#wheel.arm(this, 1);
  }

  override fire(): void {
    const lateMs = this.#wheel.nowMs - this.#expectedMs;
    this.#delayMs += (Math.max(0, lateMs) - this.#delayMs) * SMOOTHING;
    if (this.#lookCount++ % MEMORY_EVERY === 0) this.#memoryShare = this.#memory();
    this.look({ delayMs: this.#delayMs, ...this.#signs() });
    this.#unasked++;
    if (this.#unasked > UNASKED_MAX && this.#level === 0) this.#isResting = true;
    else this.#await();
  }

  /** Moves the level by how the worker is; for tests as well. */
  look({ delayMs, memoryShare, requests }: LoadSigns): void {
    const { loopDelayMs, memoryShare: memoryMax, requestsMax } = this.#options;
    const load = Math.max(delayMs / loopDelayMs, memoryShare / memoryMax, requests / requestsMax);
    if (load > 1) this.#level += Math.min(RISE * (load - 1), RISE_MAX);
    else if (load < CALM) this.#level -= FALL;
    this.#level = Math.min(Math.max(this.#level, 0), LEVEL_MAX);
    this.#tell();
  }

  #tell(): void {
    const isShedding = this.#level > 0;
    if (isShedding === this.#isTold) return;
    this.#isTold = isShedding;
    if (isShedding) this.#log.warn("requests are shed", { load: this.why });
    else this.#log.info("no requests are shed any more");
  }
}
