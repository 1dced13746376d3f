const TICK = 0;
const SEGMENT = 1;
const STATE = 2;
const CELLS = 3;

/** Is the folder ours? Its keeper says so; nobody knows: it has only just been asked. */
export type FolderState = "unknown" | "open" | "shut";
const STATES: readonly FolderState[] = ["unknown", "open", "shut"];

/**
 * What the workers of a machine agree on for one folder. Ticks put in order what any of them does: a
 * purge holds for what was asked for at an earlier tick, and of two records the later one counts.
 */
export class DiskShare {
  readonly #cells: BigInt64Array;

  static readonly byteLength = CELLS * BigInt64Array.BYTES_PER_ELEMENT;

  constructor(memory: SharedArrayBuffer) {
    this.#cells = new BigInt64Array(memory);
  }

  get now(): number {
    return Number(Atomics.load(this.#cells, TICK));
  }

  /** Later than everything before. */
  tick(): number {
    return Number(Atomics.add(this.#cells, TICK, 1n)) + 1;
  }

  /** That one was found to have been: the next is later. */
  after(tick: number): void {
    raise(this.#cells, TICK, BigInt(Math.trunc(tick)));
  }

  newSegment(): number {
    return Number(Atomics.add(this.#cells, SEGMENT, 1n)) + 1;
  }

  afterSegment(segment: number): void {
    raise(this.#cells, SEGMENT, BigInt(segment));
  }

  get state(): FolderState {
    return STATES[Number(Atomics.load(this.#cells, STATE))]!;
  }

  set state(state: FolderState) {
    Atomics.store(this.#cells, STATE, BigInt(STATES.indexOf(state)));
  }
}

function raise(cells: BigInt64Array, cell: number, least: bigint): void {
  for (let now = Atomics.load(cells, cell); now < least; ) {
    const found = Atomics.compareExchange(cells, cell, now, least);
    if (found === now) return;
    now = found;
  }
}
