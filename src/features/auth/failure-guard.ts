import { randomInt } from "node:crypto";
import { parseIp } from "../../base/ip-address.ts";
import { mixWord } from "../../base/key-hash.ts";
import type { Clock } from "../../base/world.ts";

/** How many may fail within which time. */
export interface FailureLimits {
  readonly perAddress: number;
  readonly perName: number;
  readonly withinMs: number;
}

const SEED = 0;
const FIRST = 4; // of the sets: a cache line away from the seed would do as well
const WAYS = 4;
const SETS = 4096;
const CELLS_PER_WAY = 2; // whose it is, and when it is empty again
const CELLS = FIRST + SETS * WAYS * CELLS_PER_WAY;
const TICK_MS = 16; // 2^31 of them are a year

/**
 * Who fails too often has to wait: failed logins by client address (of IPv6 by /64) and by name, as
 * buckets that leak. They lie in memory of 128 KiB that all workers share and that does not grow: who
 * comes new takes the place, of four, that is soonest empty. So a flood of addresses makes it forget,
 * and never makes it refuse somebody who has not failed. Workers may lose a count to each other.
 */
export class FailureGuard {
  static readonly byteLength = CELLS * Int32Array.BYTES_PER_ELEMENT;

  readonly #cells: Int32Array;
  readonly #clock: Clock;
  readonly #seed: number;
  readonly #addressTicks: number; // that a failure takes to leak away
  readonly #nameTicks: number;
  readonly #ticks: number; // that a bucket holds

  constructor(memory: SharedArrayBuffer, clock: Clock, limits: FailureLimits) {
    this.#cells = new Int32Array(memory);
    this.#clock = clock;
    Atomics.compareExchange(this.#cells, SEED, 0, randomInt(1, 2 ** 31));
    this.#seed = Atomics.load(this.#cells, SEED);
    this.#ticks = Math.ceil(limits.withinMs / TICK_MS);
    this.#addressTicks = Math.max(1, Math.round(this.#ticks / limits.perAddress));
    this.#nameTicks = Math.max(1, Math.round(this.#ticks / limits.perName));
  }

  /** How long this address, or whoever tries that name, has to wait before the next try; 0: not at all. */
  waitMs(address: string, name?: string): number {
    const now = this.#now();
    const ofAddress = this.#waitTicks(this.#hashOf(addressKey(address)), now, this.#addressTicks);
    const ofName =
      name === undefined ? 0 : this.#waitTicks(this.#hashOf(`n ${name}`), now, this.#nameTicks);
    return Math.max(ofAddress, ofName) * TICK_MS;
  }

  /** Counts a failure; answers as waitMs() would after it. */
  failed(address: string, name?: string): number {
    this.#add(this.#hashOf(addressKey(address)), this.#addressTicks);
    if (name !== undefined) this.#add(this.#hashOf(`n ${name}`), this.#nameTicks);
    return this.waitMs(address, name);
  }

  // Wraps around within 32 bits, so times are compared by their difference.
  #now(): number {
    return Math.floor(this.#clock.nowMs() / TICK_MS) | 0;
  }

  #waitTicks(hash: number, now: number, perFailure: number): number {
    const at = this.#find(hash);
    if (at < 0) return 0;
    const level = this.#level(at, now);
    // Full is when one more would not fit; half a failure of slack makes up for rounded ticks.
    return Math.max(0, level + perFailure - this.#ticks - (perFailure >> 1));
  }

  #add(hash: number, perFailure: number): void {
    const now = this.#now();
    let at = this.#find(hash);
    if (at < 0) at = this.#take(hash, now);
    const level = Math.min(this.#ticks, this.#level(at, now) + perFailure);
    Atomics.store(this.#cells, at + 1, (now + level) | 0);
  }

  /** In ticks until it is empty; what is beyond a full bucket is from long ago. */
  #level(at: number, now: number): number {
    const level = (Atomics.load(this.#cells, at + 1) - now) | 0;
    return level > 0 && level <= this.#ticks ? level : 0;
  }

  #find(hash: number): number {
    const set = this.#setOf(hash);
    for (let way = 0; way < WAYS; way++) {
      const at = set + way * CELLS_PER_WAY;
      if (Atomics.load(this.#cells, at) === hash) return at;
    }
    return -1;
  }

  #take(hash: number, now: number): number {
    const set = this.#setOf(hash);
    let least = set;
    for (let way = 1; way < WAYS; way++) {
      const at = set + way * CELLS_PER_WAY;
      if (this.#level(at, now) < this.#level(least, now)) least = at;
    }
    Atomics.store(this.#cells, least + 1, now);
    Atomics.store(this.#cells, least, hash);
    return least;
  }

  #setOf(hash: number): number {
    return FIRST + (mixWord(hash ^ this.#seed) & (SETS - 1)) * WAYS * CELLS_PER_WAY;
  }

  /** Nobody outside knows the seed, so nobody can choose a name that falls in with another's. */
  #hashOf(text: string): number {
    let hash = this.#seed;
    for (let at = 0; at < text.length; at++) {
      hash = mixWord(hash ^ text.charCodeAt(at));
    }
    return hash | 0 || 1; // 0 is an empty place
  }
}

/** Of IPv6 the network: one client has as many addresses in it as it likes. */
function addressKey(address: string): string {
  if (!address.includes(":")) return `a ${address}`;
  const words = parseIp(address);
  return words === undefined ? `a ${address}` : `a ${words[0]} ${words[1]}`;
}
