/** One at a time, in the order in which they came. */
export class Turns {
  #last: Promise<void>;

  constructor() {
    this.#last = Promise.resolve();
  }

  /** Resolves when it is our turn, which lasts until the answer is called. */
  async take(): Promise<() => void> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    return resolve;
  }
}
