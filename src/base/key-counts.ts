import { KeyTable, NO_ROW, type TableShape } from "./key-table.ts";

/** The key has as many as it may. */
export const AT_MAX = -2;
export { NO_ROW } from "./key-table.ts";

/**
 * How many of something each key has at the moment, counted exactly over all threads: requests in
 * flight, connections. Each thread counts in a column of its own, so that what a thread held which
 * died can be taken back.
 */
export class KeyCounts extends KeyTable {
  readonly #lanes: number;

  static shape(rows: number, lanes: number): TableShape {
    return { rows, cells: lanes };
  }

  constructor(memory: SharedArrayBuffer, shape: TableShape, lane: number) {
    super(memory, shape, lane);
    this.#lanes = shape.cells;
  }

  /** One more: the place to release it by, AT_MAX, or NO_ROW. */
  claim(key: string, max: number): number {
    const row = this.enter(key);
    const isOver = row !== NO_ROW && this.#sum(row) >= max;
    if (row !== NO_ROW && !isOver) Atomics.add(this.cells, row + this.lane, 1);
    this.leave();
    return isOver ? AT_MAX : row;
  }

  /** Once for each claim. Nobody else writes to our column, so nobody has to wait. */
  release(row: number): void {
    Atomics.sub(this.cells, row + this.lane, 1);
  }

  count(key: string): number {
    const row = this.enter(key);
    const count = row === NO_ROW ? 0 : this.#sum(row);
    this.leave();
    return count;
  }

  protected override isFree(row: number): boolean {
    return this.#sum(row) === 0;
  }

  #sum(row: number): number {
    let sum = 0;
    for (let lane = 0; lane < this.#lanes; lane++) sum += Atomics.load(this.cells, row + lane);
    return sum;
  }

  /** After the thread of that lane has ended: what it held is held no more. */
  static clear(memory: SharedArrayBuffer, shape: TableShape, lane: number): void {
    const cells = new Int32Array(memory);
    for (const row of KeyTable.rowsOf(memory, shape)) Atomics.store(cells, row + lane, 0);
    KeyTable.unlock(memory, shape, lane);
  }
}
