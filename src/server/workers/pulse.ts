import { Lanes } from "../../base/lanes.ts";
import type { Clock } from "../../base/world.ts";

const BEAT = 0;
const DROPPED = 1;

const BEAT_EVERY_MS = 500;
export const LOOK_EVERY_MS = 1_000;

/** A sign of life from each worker's event loop, in shared memory: a hung thread sends nothing. */
export class Pulse {
  readonly memory: SharedArrayBuffer;
  readonly #lanes: Lanes;

  constructor(memory: SharedArrayBuffer, worker: number) {
    this.memory = memory;
    this.#lanes = new Lanes(memory, worker);
  }

  static of(workers: number): SharedArrayBuffer {
    return new SharedArrayBuffer(Lanes.byteLength(workers));
  }

  /** In the worker, from its start on. */
  beat(clock: Clock, droppedLogLines: () => number): void {
    this.#lanes.add(BEAT, 1);
    this.#lanes.add(DROPPED, droppedLogLines() - this.#lanes.own(DROPPED));
    clock.after(BEAT_EVERY_MS, () => this.beat(clock, droppedLogLines));
  }

  get beats(): number {
    return this.#lanes.own(BEAT);
  }

  get droppedLogLines(): number {
    return this.#lanes.own(DROPPED);
  }

  clear(worker: number): void {
    this.#lanes.clear(worker);
  }
}

/**
 * Finds the thread whose loop stands still. It counts looks and not time: if the whole process was
 * stopped for a while (a debugger, a laptop's lid), no worker is to blame.
 */
export class Watch {
  #beats: number;
  #looks: number; // since the last beat

  constructor() {
    this.#beats = 0;
    this.#looks = 0;
  }

  /** Each second. True: it has been still for that long. A thread that never beat is still starting. */
  isStill(beats: number, limitMs: number): boolean {
    this.#looks = beats === this.#beats ? this.#looks + 1 : 0;
    this.#beats = beats;
    return beats > 0 && this.#looks * LOOK_EVERY_MS >= limitMs;
  }
}
