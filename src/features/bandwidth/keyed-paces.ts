import { KeyTable, NO_ROW, type TableShape } from "../../base/key-table.ts";
import type { Clock } from "../../base/world.ts";

const DUE = 0; // two cells: a double, in the machine's time, which threads share
const WAITING = 2; // from here on, how many flows wait in each thread

// A row's cells need not lie where a double may.
const double = new Float64Array(1);
const halves = new Int32Array(double.buffer);

/** Until when what has flowed is paid for, by key, over all threads. */
export class KeyedPaces extends KeyTable {
  readonly #clock: Clock;
  readonly #lanes: number;
  readonly #burstMs: number; // of unused time that counts

  static shape(rows: number, lanes: number): TableShape {
    return { rows, cells: WAITING + lanes };
  }

  constructor(
    memory: SharedArrayBuffer,
    shape: TableShape,
    { lane, clock, burstMs }: { lane: number; clock: Clock; burstMs: number },
  ) {
    super(memory, shape, lane);
    this.#clock = clock;
    this.#burstMs = burstMs;
    this.#lanes = shape.cells - WAITING;
  }

  get nowMs(): number {
    return this.#clock.nowMs();
  }

  /** undefined: there is no room for the key. */
  take(key: string, costMs: number, lateMs: number): boolean | undefined {
    const row = this.enter(key);
    const { nowMs } = this;
    const dueMs = row === NO_ROW ? 0 : Math.max(this.#due(row), nowMs - lateMs);
    const isTaken = dueMs <= nowMs;
    if (row !== NO_ROW && isTaken) this.#setDue(row, dueMs + costMs);
    this.leave();
    return row === NO_ROW ? undefined : isTaken;
  }

  waitMs(key: string): number | undefined {
    const row = this.enter(key);
    const dueMs = row === NO_ROW ? undefined : this.#due(row);
    this.leave();
    return dueMs === undefined ? undefined : Math.max(0, dueMs - this.nowMs);
  }

  /** So many flows more, or less, wait in this thread. */
  waits(key: string, by: number): void {
    const row = this.enter(key);
    // Of a key that has no room nothing is counted, nor if it has had none before.
    const cell = row + WAITING + this.lane;
    if (row !== NO_ROW) this.cells[cell] = Math.max(0, this.cells[cell]! + by);
    this.leave();
  }

  /** The share of this thread in all flows that wait. */
  part(key: string): number {
    const row = this.enter(key);
    const own = row === NO_ROW ? 0 : this.cells[row + WAITING + this.lane]!;
    const all = row === NO_ROW ? 0 : this.#waiting(row);
    this.leave();
    return own === 0 ? 1 : own / all;
  }

  protected override isFree(row: number): boolean {
    return this.#due(row) + this.#burstMs <= this.nowMs && this.#waiting(row) === 0;
  }

  #waiting(row: number): number {
    let sum = 0;
    for (let lane = 0; lane < this.#lanes; lane++) sum += this.cells[row + WAITING + lane]!;
    return sum;
  }

  #due(row: number): number {
    halves[0] = this.cells[row + DUE]!;
    halves[1] = this.cells[row + DUE + 1]!;
    return double[0]!;
  }

  #setDue(row: number, dueMs: number): void {
    double[0] = dueMs;
    this.cells[row + DUE] = halves[0]!;
    this.cells[row + DUE + 1] = halves[1]!;
  }

  /** After the thread of that lane has ended: nothing of it waits any more. */
  static clear(memory: SharedArrayBuffer, shape: TableShape, lane: number): void {
    const cells = new Int32Array(memory);
    for (const row of KeyTable.rowsOf(memory, shape)) cells[row + WAITING + lane] = 0;
    KeyTable.unlock(memory, shape, lane);
  }
}
