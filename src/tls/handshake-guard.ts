import { randomInt } from "node:crypto";
import { hashText, mixWord } from "../base/key-hash.ts";
import type { Clock } from "../base/world.ts";

/** How many handshakes may begin in one second; Infinity: any number. */
export interface HandshakeLimits {
  readonly perSecond: number; // on the listener
  readonly perClient: number; // from one address
}

const ROW_CELLS = 4096; // of two rows
const SEED = 0;
const WHOLE = 1; // the listener's own count
const ROWS = 2;
const CELLS = ROWS + 2 * ROW_CELLS;

const COUNT_BITS = 16;
const COUNT_MAX = 2 ** COUNT_BITS - 1;

/**
 * A handshake costs us more than who begins one, so there is a limit to how many are made (SECURITY
 * D12). Counts are those of a second, in memory that all workers share and that does not grow: a
 * client has a cell in each of two rows, which others may share, and is over its limit when both are.
 * Which cells they are depends on a number that is drawn at the start.
 */
export class HandshakeGuard {
  static readonly byteLength = CELLS * Int32Array.BYTES_PER_ELEMENT;

  readonly #cells: Int32Array;
  readonly #clock: Clock;
  readonly #seed: number;

  constructor(memory: SharedArrayBuffer, clock: Clock) {
    this.#cells = new Int32Array(memory);
    this.#clock = clock;
    Atomics.compareExchange(this.#cells, SEED, 0, randomInt(1, 2 ** 31));
    this.#seed = Atomics.load(this.#cells, SEED);
  }

  /** Counts it, unless it is refused. */
  admits(address: string, { perSecond, perClient }: HandshakeLimits): boolean {
    if (perSecond === Number.POSITIVE_INFINITY && perClient === Number.POSITIVE_INFINITY)
      return true;
    const second = Math.floor(this.#clock.wallMs() / 1000) & COUNT_MAX;
    const hash = mixWord(hashText(clientKey(address)) ^ this.#seed);
    const one = ROWS + (hash % ROW_CELLS);
    const other = ROWS + ROW_CELLS + (mixWord(hash ^ this.#seed) % ROW_CELLS);
    const isOver =
      this.#countOf(one, second) >= perClient && this.#countOf(other, second) >= perClient;
    if (isOver || this.#countOf(WHOLE, second) >= perSecond) return false;
    this.#add(WHOLE, second);
    this.#add(one, second);
    this.#add(other, second);
    return true;
  }

  #countOf(cell: number, second: number): number {
    const word = Atomics.load(this.#cells, cell) >>> 0;
    return word >>> COUNT_BITS === second ? word & COUNT_MAX : 0;
  }

  #add(cell: number, second: number): void {
    for (;;) {
      const before = Atomics.load(this.#cells, cell);
      const word = before >>> 0;
      const count = word >>> COUNT_BITS === second ? word & COUNT_MAX : 0;
      if (count === COUNT_MAX) return;
      const after = (second << COUNT_BITS) | (count + 1) | 0;
      if (Atomics.compareExchange(this.#cells, cell, before, after) === before) return;
    }
  }
}

/** Of IPv6 the network: one client has as many addresses in it as it likes. */
function clientKey(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head.split(":");
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(":").length;
  const all = [
    ...groups,
    ...Array<string>(Math.max(0, missing)).fill("0"),
    ...(tail?.split(":") ?? []),
  ];
  return all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, "") || "0")
    .join(":");
}
