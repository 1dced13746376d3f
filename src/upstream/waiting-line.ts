import { Deadline, type TimerWheel } from "../base/timer-wheel.ts";
import type { Fault } from "../core/fault.ts";
import type { Claim, ClaimLine, ClaimWaiter, Need } from "../core/upstream.ts";

export interface LineShape {
  readonly max: number; // who may stand in it at once, per worker
  readonly timeoutMs: number;
  /** How many may leave it in a second, per worker; Infinity: as many as get a claim. */
  readonly perSecond: number;
}

/** Where claims come from: an upstream as the waiter's runtime has it. */
export type Claims = (need: Need) => Claim | undefined;

interface Place {
  readonly claims: Claims;
  readonly dueMs: number;
}

// The places that other workers give back, and endpoints that come back, are found by looking.
const LOOK_MS = 100;

/**
 * Those who wait for a claim, first come, first served: for a place on an endpoint that is full, or
 * for an endpoint at all. Time is bounded, and so is the number of those who wait. Outlives a
 * reload, and so do they.
 */
export class WaitingLine extends Deadline implements ClaimLine {
  readonly #wheel: TimerWheel;
  readonly #places: Map<ClaimWaiter, Place>; // in the order in which they came
  readonly #overdue: Fault;
  readonly #onChange: (by: number) => void;
  #perSecond: number;
  #lookedMs: number;
  #mayGo: number; // so many, of those who leave at a pace
  #isServing: boolean;

  constructor(wheel: TimerWheel, overdue: Fault, onChange: (by: number) => void) {
    super();
    this.#wheel = wheel;
    this.#places = new Map();
    this.#overdue = overdue;
    this.#onChange = onChange;
    this.#perSecond = Number.POSITIVE_INFINITY;
    this.#lookedMs = 0;
    this.#mayGo = 0;
    this.#isServing = false;
  }

  /** False: there is no room. */
  join(waiter: ClaimWaiter, claims: Claims, { max, timeoutMs, perSecond }: LineShape): boolean {
    if (this.#places.size >= max) return false;
    if (this.#places.size === 0) {
      this.#lookedMs = this.#wheel.nowMs;
      this.#mayGo = 0;
      this.#wheel.arm(this, LOOK_MS);
    }
    this.#perSecond = perSecond;
    this.#places.set(waiter, { claims, dueMs: this.#wheel.nowMs + timeoutMs });
    this.#onChange(1);
    return true;
  }

  leave(waiter: ClaimWaiter): void {
    if (!this.#places.delete(waiter)) return;
    this.#onChange(-1);
    if (this.#places.size === 0) this.#wheel.disarm(this);
  }

  /** A place may be free: lets go whoever gets it. Those who are let go may free one at once. */
  serve(): void {
    if (this.#isServing || this.#places.size === 0) return;
    this.#isServing = true;
    try {
      this.#serveInOrder();
    } finally {
      this.#isServing = false;
    }
  }

  #serveInOrder(): void {
    const isPaced = this.#perSecond !== Number.POSITIVE_INFINITY;
    for (const [waiter, { claims }] of this.#places) {
      if (isPaced && this.#mayGo < 1) return;
      const claim = claims(waiter.need);
      if (claim === undefined) {
        if (isLikeAllOthers(waiter.need)) return; // who stands behind it gets none either
        continue;
      }
      if (isPaced) this.#mayGo--;
      this.leave(waiter);
      waiter.claimed(claim);
    }
  }

  override fire(): void {
    const nowMs = this.#wheel.nowMs;
    if (this.#perSecond !== Number.POSITIVE_INFINITY) {
      // Only of the time since the last look: nobody saves up for a rush while all are away.
      this.#mayGo = (this.#mayGo % 1) + ((nowMs - this.#lookedMs) / 1000) * this.#perSecond;
    }
    this.#lookedMs = nowMs;
    this.serve();
    for (const [waiter, place] of this.#places) if (place.dueMs <= nowMs) this.#end(waiter, place);
    if (this.#places.size > 0) this.#wheel.arm(this, LOOK_MS);
  }

  /** Its time is up: it goes past the pace if there is somebody to serve it, and else in vain. */
  #end(waiter: ClaimWaiter, { claims }: Place): void {
    this.leave(waiter);
    const claim = claims(waiter.need);
    if (claim === undefined) waiter.waitedInVain(this.#overdue);
    else waiter.claimed(claim);
  }
}

function isLikeAllOthers({ tried, stuckTo }: Need): boolean {
  return tried.length === 0 && stuckTo === undefined;
}
