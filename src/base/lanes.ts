/**
 * Counts that several threads keep of one thing, a lane for each: a thread writes its own lane and
 * reads all of them, so nobody waits for anybody, and the lane of a thread that died can be
 * cleared without guessing what it held. A lane fills a cache line, so writers do not disturb
 * each other.
 */
export const LANE_CELLS = 16;
const LANE_BYTES = LANE_CELLS * Int32Array.BYTES_PER_ELEMENT;

export class Lanes {
  readonly #cells: Int32Array;
  readonly #own: number; // where our lane begins

  static byteLength(lanes: number): number {
    return lanes * LANE_BYTES;
  }

  constructor(memory: SharedArrayBuffer, lane: number) {
    this.#cells = new Int32Array(memory);
    this.#own = lane * LANE_CELLS;
  }

  add(cell: number, by: number): void {
    this.#cells[this.#own + cell]! += by;
  }

  own(cell: number): number {
    return this.#cells[this.#own + cell]!;
  }

  sum(cell: number): number {
    let sum = 0;
    for (let at = cell; at < this.#cells.length; at += LANE_CELLS) sum += this.#cells[at]!;
    return sum;
  }

  /** After the thread of that lane has ended: what it held is held no more. */
  clear(lane: number): void {
    this.#cells.fill(0, lane * LANE_CELLS, (lane + 1) * LANE_CELLS);
  }
}
