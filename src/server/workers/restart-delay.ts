const STEADY_MS = 10_000; // who lived that long did not die of how it was started
const FIRST_MS = 250;
const MAX_MS = 30_000;

/** How long to wait before a worker is started once more: longer each time it dies at once again. */
export class RestartDelay {
  #deaths: number; // in a row, each soon after the start

  constructor() {
    this.#deaths = 0;
  }

  after(livedMs: number): number {
    if (livedMs >= STEADY_MS) this.#deaths = 0;
    this.#deaths++;
    if (this.#deaths === 1) return 0;
    return Math.min(FIRST_MS * 2 ** (this.#deaths - 2), MAX_MS);
  }
}
