/** So many at once; the others wait their turn, first come, first served. */
export class Turns {
  readonly #waiting: (() => void)[];
  #free: number;

  constructor(atOnce: number) {
    this.#waiting = [];
    this.#free = atOnce;
  }

  /** Calls `act` at once or later. Whoever was called gives its turn back with done(). */
  take(act: () => void): void {
    if (this.#free === 0) {
      this.#waiting.push(act);
      return;
    }
    this.#free--;
    act();
  }

  done(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
