import { hash } from "node:crypto";
import type { Clock } from "../../../base/world.ts";

const WAYS = 16;
const CELLS_PER_WAY = 3; // two words of whose it is, and until when
const HEAD = 16; // cells before the locks
const TICK_MS = 16;
const SPINS_MAX = 10_000;

export const SETS = 8_192;

/**
 * Signatures that came within the last minutes, so that none is good twice, whichever worker it comes to. The
 * memory is shared and does not grow: 131,072 places of 12 bytes. A place is free again when
 * its time is over; where all 16 that a signature may have are taken, nobody can say that it is new, and
 * so it is refused.
 */
export class ReplayMemory {
  static readonly byteLength =
    (HEAD + SETS + SETS * WAYS * CELLS_PER_WAY) * Int32Array.BYTES_PER_ELEMENT;

  readonly #cells: Int32Array;
  readonly #clock: Clock;

  constructor(memory: SharedArrayBuffer, clock: Clock) {
    this.#cells = new Int32Array(memory);
    this.#clock = clock;
  }

  /** Notes it for so long. "full": it cannot be told. */
  note(signature: Uint8Array, forMs: number): "new" | "seen" | "full" {
    // Hashed, since who signs could choose where it falls.
    const digest = hash("sha256", signature, "buffer");
    const set = digest.readUInt32LE(0) % SETS;
    const one = digest.readInt32LE(4);
    const other = digest.readInt32LE(8);
    const lock = HEAD + set;
    if (!this.#locked(lock)) return "full";
    try {
      return this.#put(set, one, other, Math.ceil(forMs / TICK_MS));
    } finally {
      Atomics.store(this.#cells, lock, 0);
    }
  }

  /** Held for a few steps without a wait in them; a thread that dies within is no longer waited for. */
  #locked(lock: number): boolean {
    for (let spin = 0; spin < SPINS_MAX; spin++) {
      if (Atomics.compareExchange(this.#cells, lock, 0, 1) === 0) return true;
    }
    return false;
  }

  #put(set: number, one: number, other: number, ticks: number): "new" | "seen" | "full" {
    const cells = this.#cells;
    const now = Math.floor(this.#clock.nowMs() / TICK_MS) | 0; // wraps around: differences count
    const first = HEAD + SETS + set * WAYS * CELLS_PER_WAY;
    let free = -1;
    for (let way = 0; way < WAYS; way++) {
      const at = first + way * CELLS_PER_WAY;
      const left = (Atomics.load(cells, at + 2) - now) | 0;
      const isTaken = left > 0 && left <= TICKS_MAX && !this.#isEmpty(at);
      if (!isTaken) {
        free = at;
        continue;
      }
      if (Atomics.load(cells, at) === one && Atomics.load(cells, at + 1) === other) return "seen";
    }
    if (free < 0) return "full";
    Atomics.store(cells, free, one);
    Atomics.store(cells, free + 1, other);
    Atomics.store(cells, free + 2, (now + ticks) | 0);
    return "new";
  }

  #isEmpty(at: number): boolean {
    return Atomics.load(this.#cells, at) === 0 && Atomics.load(this.#cells, at + 1) === 0;
  }
}

const TICKS_MAX = (2 * 86_400_000) / TICK_MS; // longer than any window: what is beyond is from long ago
