/**
 * The counts of one thread: a block of cells for each thing that is counted by (a route, an
 * endpoint, a listener), found once by its labels and then addressed by number.
 *
 * One thread writes, any thread reads: a cell is an aligned double, so no read sees half of one.
 * What several threads count is added up when it is read, so nobody needs an atomic operation.
 */
export interface BlockShape {
  readonly kind: string;
  readonly labels: readonly string[]; // names; the values make the block
  readonly cellCount: number;
  readonly gauges?: readonly number[]; // cells that say how it is now; the others only go up
}

export interface Block {
  readonly kind: string;
  readonly labels: readonly string[]; // values
  readonly at: number; // its first cell
  readonly cellCount: number;
  readonly gauges: readonly number[];
}

/** What another thread needs to read a bank: plain data and shared memory, fit for postMessage. */
export interface SharedBank {
  readonly blocks: readonly Block[];
  readonly memory: SharedArrayBuffer;
}

// Labels come from configs, but a program may reload a different config every minute for a year.
const BLOCKS_MAX = 10_000;
const OVERFLOW = "(other)";
const CELLS_FIRST = 4096;

export class MetricBank {
  cells: Float64Array; // replaced when it grows: read it anew for each use
  onChange: (() => void) | undefined; // there is another block to share
  readonly #blocksMax: number;
  readonly #blocks: Block[];
  readonly #atByKey: Map<string, number>;
  #cellCount: number;

  constructor(blocksMax: number = BLOCKS_MAX) {
    this.cells = cellsFor(CELLS_FIRST);
    this.onChange = undefined;
    this.#blocksMax = blocksMax;
    this.#blocks = [];
    this.#atByKey = new Map();
    this.#cellCount = 0;
  }

  /** Where the block of these labels begins; the same for as long as the process lives. */
  block(shape: BlockShape, labels: readonly string[]): number {
    const key = JSON.stringify([shape.kind, ...labels]);
    const known = this.#atByKey.get(key);
    if (known !== undefined) return known;
    if (this.#blocks.length < this.#blocksMax) return this.#add(shape, labels, key);
    const other = shape.labels.map(() => OVERFLOW);
    const otherKey = JSON.stringify([shape.kind, ...other]);
    return this.#atByKey.get(otherKey) ?? this.#add(shape, other, otherKey);
  }

  /** Adds the counts of another one to ours: `gaugesToo` unless their thread has ended. */
  add(bank: SharedBank, gaugesToo: boolean): void {
    const from = new Float64Array(bank.memory);
    for (const { kind, labels, at, cellCount, gauges } of bank.blocks) {
      const to = this.block({ kind, labels, cellCount, gauges }, labels);
      for (let index = 0; index < cellCount; index++) {
        if (gaugesToo || !gauges.includes(index)) this.cells[to + index]! += from[at + index]!;
      }
    }
  }

  share(): SharedBank {
    return { blocks: [...this.#blocks], memory: this.cells.buffer as SharedArrayBuffer };
  }

  #add(shape: BlockShape, labels: readonly string[], key: string): number {
    const at = this.#cellCount;
    this.#cellCount += shape.cellCount;
    if (this.#cellCount > this.cells.length) this.#grow();
    this.#atByKey.set(key, at);
    const { kind, cellCount, gauges = [] } = shape;
    this.#blocks.push({ kind, labels: [...labels], at, cellCount, gauges });
    this.onChange?.();
    return at;
  }

  /** A reader of the old memory sees counts that stand still until it asks for the bank again. */
  #grow(): void {
    const cells = cellsFor(Math.max(this.cells.length * 2, this.#cellCount));
    cells.set(this.cells);
    this.cells = cells;
  }
}

function cellsFor(count: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(count * Float64Array.BYTES_PER_ELEMENT));
}

/** One bank of the sums of several. */
export function addedUp(banks: readonly SharedBank[]): SharedBank {
  if (banks.length === 1) return banks[0]!;
  const total = new MetricBank(Number.POSITIVE_INFINITY);
  for (const bank of banks) total.add(bank, true);
  return total.share();
}
