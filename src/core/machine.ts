import { Lanes } from "../base/lanes.ts";

/**
 * What is one truth for all workers of this process, by key: counts in flight, health, limits. The
 * main thread compiles a config first and so makes what the config needs; a worker finds it there.
 */
export interface Machine {
  readonly workers: number; // how many there can be; fixed for the life of the process
  readonly worker: number; // which of them we are, from 0
  /**
   * Memory of that key, all zeros when it is made. The same for as long as a config asks for it.
   * `whenLost`: takes out what a worker had in it that has died.
   */
  block(key: string, byteLength: number, whenLost?: WhenLost): SharedArrayBuffer;
  /** As block(), a lane for each worker; that of a worker which dies is cleared. */
  lanes(key: string): Lanes;
  /** To the other threads of this process that ask for the same name; whoever asks closes it. */
  channel(name: string): Channel;
  /** Both of that key are of no use any more, if they were asked for outside of a keep(). */
  release(key: string): void;
}

/** Called in the main thread. */
export type WhenLost = (memory: SharedArrayBuffer, worker: number) => void;

/** What one posts all others get, in the order of each; values as threads may hand them over. */
export interface Channel {
  onMessage: ((message: unknown) => void) | undefined;
  post(message: unknown): void;
  close(): void;
}

/** The main thread has not made it yet, or not told us yet. */
export class MemoryMissing extends Error {
  constructor(key: string) {
    super(`the main thread has nothing for ${key}`);
    this.name = "MemoryMissing";
  }
}

/** The only worker there is: nothing is shared with anybody. Call it under a draft's keep(). */
export class LoneMachine implements Machine {
  readonly workers = 1;
  readonly worker = 0;

  block(_key: string, byteLength: number): SharedArrayBuffer {
    return new SharedArrayBuffer(byteLength);
  }

  lanes(): Lanes {
    return new Lanes(new SharedArrayBuffer(Lanes.byteLength(1)), 0);
  }

  channel(): Channel {
    return { onMessage: undefined, post: () => {}, close: () => {} };
  }

  release(): void {}
}
