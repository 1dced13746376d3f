export const JOB_BYTES = 32 * 1024; // what an encoder is given at once: well below 1 ms of its time
const KEPT_MAX = 64;

/** Where bodies are gathered before they are coded; those of one worker, used again. */
export class JobBuffers {
  readonly #free: Buffer[] = [];

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(JOB_BYTES);
  }

  /** Not while a codec may still read it. */
  giveBack(buffer: Buffer): void {
    if (this.#free.length < KEPT_MAX) this.#free.push(buffer);
  }
}
