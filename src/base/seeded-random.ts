import type { Random } from "./world.ts";

const WORDS = 2 ** 32;

/**
 * A small generator (Doty-Humphrey's sfc32) whose whole run follows from its seed. For choices
 * only: whoever sees some of its numbers can work out the rest.
 */
export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  constructor(seed: number) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / WORDS) >>> 0;
    this.#c = 0x9e3779b9;
    this.#counter = 1;
    for (let round = 0; round < 12; round++) this.#word(); // near seeds start near one another
  }

  below(bound: number): number {
    if (!(Number.isInteger(bound) && bound >= 1 && bound <= WORDS)) {
      throw new RangeError(`Cannot draw below ${bound}: must be a whole number from 1 to 2^32`);
    }
    // The last, incomplete run of `bound` words would favour small numbers: draw again.
    const fair = WORDS - (WORDS % bound);
    let word = this.#word();
    while (word >= fair) word = this.#word();
    return word % bound;
  }

  #word(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
}
