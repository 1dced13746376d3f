const COUNT = 0;
const IN_VAIN = 1; // of those, that were given up
const LOG_SUM = 2; // of their times
const PEAK = 3;
export const WINDOW_CELLS = 4;

const LOG_STEPS = 1024; // to a doubling
const LEAST_MS = 0.01;
// So many times of a month each still fit into a cell.
const COUNT_MAX = 50_000;

export interface WindowFacts {
  readonly count: number;
  readonly inVainShare: number;
  readonly ms: number;
  readonly peak: number; // the most that were unanswered at once
}

/**
 * What requests took within a while, in cells that all workers add to. Kept is the mean of the
 * logarithms: a few slow requests among many (a report, a cold cache) move that little, a queue in
 * which all of them stand moves it as much as it makes them slower.
 */
export class LatencyWindow {
  readonly #cells: Int32Array;

  constructor(cells: Int32Array) {
    this.#cells = cells;
  }

  /** How many there are now. */
  add(ms: number, unanswered: number, isAnswered: boolean): number {
    const cells = this.#cells;
    Atomics.add(cells, LOG_SUM, Math.round(Math.log2(Math.max(ms, LEAST_MS)) * LOG_STEPS));
    if (!isAnswered) Atomics.add(cells, IN_VAIN, 1);
    // Two workers may both find it too low; the one that is lost was as high, nearly.
    if (unanswered > cells[PEAK]!) cells[PEAK] = unanswered;
    return Atomics.add(cells, COUNT, 1) + 1;
  }

  get isFull(): boolean {
    return this.#cells[COUNT]! >= COUNT_MAX;
  }

  /** So far. */
  get ms(): number {
    return 2 ** (this.#cells[LOG_SUM]! / LOG_STEPS / this.#cells[COUNT]!);
  }

  /** Ends it: of all workers that ask at once, one gets it. */
  take(least: number): WindowFacts | undefined {
    const cells = this.#cells;
    const count = Atomics.exchange(cells, COUNT, 0);
    if (count < least) {
      Atomics.add(cells, COUNT, count); // another worker was first; what came since stays
      return undefined;
    }
    const ms = 2 ** (Atomics.exchange(cells, LOG_SUM, 0) / LOG_STEPS / count);
    const inVainShare = Atomics.exchange(cells, IN_VAIN, 0) / count;
    return { count, inVainShare, ms, peak: Atomics.exchange(cells, PEAK, 0) };
  }

  clear(): void {
    for (let cell = 0; cell < WINDOW_CELLS; cell++) Atomics.store(this.#cells, cell, 0);
  }
}
