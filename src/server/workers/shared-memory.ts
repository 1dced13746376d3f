import { Lanes } from "../../base/lanes.ts";
import { type Channel, type Machine, MemoryMissing, type WhenLost } from "../../core/machine.ts";
import type { SharedState, StateDraft } from "../../core/state.ts";
import { ThreadChannel } from "./thread-channel.ts";

/** Every block by its key: what a worker needs to compile the same config. */
export type Blocks = ReadonlyMap<string, SharedArrayBuffer>;

interface Block {
  readonly memory: SharedArrayBuffer;
  readonly whenLost: WhenLost | undefined;
  readonly owner: string | undefined; // the state that asked for it; undefined: nobody's
}

/**
 * The main thread's side of what workers share: it makes the blocks. A block belongs to the state
 * that asked for it inside keep(), and is let go of with it; the memory itself goes when the last
 * exchange that still writes to it has.
 */
export class SharedMemory implements Machine {
  readonly workers: number;
  readonly #blocks: Map<string, Block>;
  #owner: string | undefined;

  constructor(workers: number) {
    this.workers = workers;
    this.#blocks = new Map();
    this.#owner = undefined;
  }

  /** The main thread comes after all workers, with a lane of its own. */
  get worker(): number {
    return this.workers;
  }

  get blocks(): Blocks {
    return new Map([...this.#blocks].map(([key, { memory }]) => [key, memory]));
  }

  block(key: string, byteLength: number, whenLost?: WhenLost): SharedArrayBuffer {
    return this.#block(key, byteLength, whenLost);
  }

  lanes(key: string): Lanes {
    const byteLength = Lanes.byteLength(this.workers + 1);
    return new Lanes(this.#block(key, byteLength, clearLane), this.worker);
  }

  channel(name: string): Channel {
    return new ThreadChannel(name);
  }

  release(key: string): void {
    if (this.#blocks.get(key)?.owner === undefined) this.#blocks.delete(key);
  }

  /** After the thread has ended: what it held is held no more. */
  clearLane(worker: number): void {
    for (const { memory, whenLost } of this.#blocks.values()) whenLost?.(memory, worker);
  }

  /** The state of the model: its drafts tell whose the blocks are. */
  under(state: SharedState & AsyncDisposable): SharedState & AsyncDisposable {
    return {
      draft: () => this.#watched(state.draft()),
      [Symbol.asyncDispose]: () => state[Symbol.asyncDispose](),
    };
  }

  #watched(draft: StateDraft): StateDraft {
    const kept = new Set<string>();
    const before = new Set(this.#blocks.keys());
    return {
      keep: (key, make) => {
        kept.add(key);
        return draft.keep(key, () => this.#asOwner(key, make));
      },
      onCommit: (change) => draft.onCommit(change),
      commit: () => {
        draft.commit();
        this.#letGo(({ owner }) => owner !== undefined && !kept.has(owner));
      },
      discard: () => {
        draft.discard();
        this.#letGo(({ owner }, key) => owner !== undefined && !before.has(key));
      },
    };
  }

  #asOwner<T>(key: string, make: () => T): T {
    const outer = this.#owner;
    this.#owner = key;
    try {
      return make();
    } finally {
      this.#owner = outer;
    }
  }

  #block(key: string, byteLength: number, whenLost?: WhenLost): SharedArrayBuffer {
    const known = this.#blocks.get(key);
    if (known !== undefined) {
      // Asked for outside of keep(): it is for the one who asks to release it, whoever had it before.
      if (this.#owner === undefined) this.#blocks.set(key, { ...known, owner: undefined });
      return known.memory;
    }
    const memory = new SharedArrayBuffer(byteLength);
    this.#blocks.set(key, { memory, whenLost, owner: this.#owner });
    return memory;
  }

  #letGo(isGone: (block: Block, key: string) => boolean): void {
    for (const [key, block] of this.#blocks) if (isGone(block, key)) this.#blocks.delete(key);
  }
}

function clearLane(memory: SharedArrayBuffer, worker: number): void {
  new Lanes(memory, worker).clear(worker);
}

/** A worker's side: it finds what the main thread has made. */
export class FoundMemory implements Machine {
  readonly workers: number;
  readonly worker: number;
  blocks: Blocks; // each config comes with its own

  constructor(workers: number, worker: number) {
    this.workers = workers;
    this.worker = worker;
    this.blocks = new Map();
  }

  block(key: string, byteLength: number): SharedArrayBuffer {
    const memory = this.blocks.get(key);
    // Another config than the main thread's: one that is code may answer differently each time.
    if (memory === undefined) throw new MemoryMissing(key);
    if (memory.byteLength !== byteLength) throw new Error(`${key} has another size here`);
    return memory;
  }

  lanes(key: string): Lanes {
    return new Lanes(this.block(key, Lanes.byteLength(this.workers + 1)), this.worker);
  }

  channel(name: string): Channel {
    return new ThreadChannel(name);
  }

  release(): void {} // the main thread does, and tells what there is
}
