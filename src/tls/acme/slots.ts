/** So many at a time; the others wait in turn. */
export class Slots {
  readonly #waiting: (() => void)[];
  #free: number;

  constructor(count: number) {
    this.#waiting = [];
    this.#free = count;
  }

  async take(): Promise<Disposable> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return { [Symbol.dispose]: () => this.#give() };
  }

  #give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next(); // the place goes from hand to hand
  }
}
