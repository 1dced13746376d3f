import type { Program } from "./program.ts";

/**
 * Splits the code units into classes that no set of the program tells apart, so that the automaton's
 * rows have a handful of columns and not 65,536.
 */
export class Alphabet {
  readonly count: number;
  readonly firstOfClass: readonly number[]; // one code unit of each class, to ask the sets with
  readonly #starts: readonly number[]; // where each class begins
  readonly #latin1: Uint16Array; // the class of the first 256, for speed

  constructor(program: Program) {
    const starts = new Set([0]);
    for (const step of program.steps) {
      if (step.kind !== "set") continue;
      for (let index = 0; index < step.ranges.length; index += 2) {
        starts.add(step.ranges[index]!);
        starts.add(step.ranges[index + 1]! + 1);
      }
    }
    this.#starts = [...starts].filter((unit) => unit <= 0xffff).sort((a, b) => a - b);
    this.firstOfClass = this.#starts;
    this.count = this.#starts.length;
    this.#latin1 = new Uint16Array(256).map((_, unit) => this.#search(unit));
  }

  classOf(unit: number): number {
    return unit < 256 ? this.#latin1[unit]! : this.#search(unit);
  }

  #search(unit: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#starts[middle]! <= unit) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
