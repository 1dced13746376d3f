import { randomInt } from "node:crypto";
import { SecretHash } from "./secret-hash.ts";

/** How large a table is; the same for all threads that share it. */
export interface TableShape {
  readonly rows: number; // at least one set
  readonly cells: number; // of a row, beside its key
}

const SECRET = 0; // two words, drawn by whoever comes first
const IS_DRAWN = 2;
const HEAD_CELLS = 16; // with the rest of a cache line
const KEY_CELLS = 2;
const WAYS = 16; // rows that a key may be in: its set
const SPINS = 200; // some microseconds; who holds a set does so for less, unless it was put to sleep
const NAP_MS = 1;

/** No row is to be had: as many other keys as fit beside it are in use. */
export const NO_ROW = -1;

/**
 * Numbers by key in memory that threads share and that does not grow. A key is known by 64 bits of
 * a hash with a secret, and may be in a few rows only: its set, which one thread at a time works
 * on. A row that says nothing any more is the next key's.
 */
export abstract class KeyTable {
  protected readonly cells: Int32Array;
  protected readonly lane: number;
  readonly #hash: SecretHash;
  readonly #sets: number;
  readonly #rowCells: number;
  readonly #rowsAt: number;
  #set: number; // that we hold

  static byteLength({ rows, cells }: TableShape): number {
    const sets = setsOf(rows);
    return (HEAD_CELLS + sets + sets * WAYS * (KEY_CELLS + cells)) * Int32Array.BYTES_PER_ELEMENT;
  }

  /** `lane`: of this thread; no other has the same. */
  constructor(memory: SharedArrayBuffer, { rows, cells }: TableShape, lane: number) {
    this.cells = new Int32Array(memory);
    this.lane = lane;
    this.#hash = hashOf(this.cells);
    this.#sets = setsOf(rows);
    this.#rowCells = KEY_CELLS + cells;
    this.#rowsAt = HEAD_CELLS + this.#sets;
    this.#set = 0;
  }

  /** Whether the row says nothing that its key would not say with no row at all. */
  protected abstract isFree(row: number): boolean;

  /**
   * Where the cells of the key's row begin, all zeros if it had none; NO_ROW if none is free. Either
   * way its set is ours alone until leave(), which is to come on the same stack.
   */
  protected enter(key: string): number {
    const hash = this.#hash;
    hash.of(key);
    const { high, low } = hash;
    this.#set = (low >>> 0) % this.#sets;
    this.#lock(HEAD_CELLS + this.#set);
    const { cells } = this;
    const begin = this.#rowsAt + this.#set * WAYS * this.#rowCells;
    const end = begin + WAYS * this.#rowCells;
    let free = NO_ROW;
    for (let at = begin; at < end; at += this.#rowCells) {
      if (cells[at] === high && cells[at + 1] === low) return at + KEY_CELLS;
      if (free === NO_ROW && this.isFree(at + KEY_CELLS)) free = at;
    }
    if (free === NO_ROW) return NO_ROW;
    cells.fill(0, free + KEY_CELLS, free + this.#rowCells);
    cells[free] = high;
    cells[free + 1] = low;
    return free + KEY_CELLS;
  }

  protected leave(): void {
    Atomics.store(this.cells, HEAD_CELLS + this.#set, 0);
  }

  #lock(cell: number): void {
    const { cells } = this;
    const owner = this.lane + 1;
    for (let tries = 0; ; tries++) {
      const holder = Atomics.compareExchange(cells, cell, 0, owner);
      if (holder === 0) return;
      if (tries > SPINS) Atomics.wait(cells, cell, holder, NAP_MS);
    }
  }

  /** Where the rows are, for who goes through all of them. */
  protected static *rowsOf(memory: SharedArrayBuffer, { rows, cells }: TableShape) {
    const sets = setsOf(rows);
    const end = memory.byteLength / Int32Array.BYTES_PER_ELEMENT;
    const rowCells = KEY_CELLS + cells;
    for (let at = HEAD_CELLS + sets; at < end; at += rowCells) yield at + KEY_CELLS;
  }

  /** After the thread of that lane has ended: what it worked on is free for others. */
  protected static unlock(memory: SharedArrayBuffer, { rows }: TableShape, lane: number): void {
    const cells = new Int32Array(memory);
    const end = HEAD_CELLS + setsOf(rows);
    for (let cell = HEAD_CELLS; cell < end; cell++)
      Atomics.compareExchange(cells, cell, lane + 1, 0);
  }
}

function setsOf(rows: number): number {
  return Math.ceil(rows / WAYS);
}

function hashOf(cells: Int32Array): SecretHash {
  // Drawn by each thread; the first one's counts, word by word.
  for (let at = SECRET; at < IS_DRAWN; at++) {
    Atomics.compareExchange(cells, at, 0, randomInt(1, 2 ** 32) | 0);
  }
  return new SecretHash(Atomics.load(cells, SECRET), Atomics.load(cells, SECRET + 1));
}
