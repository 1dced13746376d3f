/** What an encoder is given at once, some 0.5 ms of work: in pieces of half of it gzip cost a tenth more. */
export const JOB_BYTES = 64 * 1024;
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
