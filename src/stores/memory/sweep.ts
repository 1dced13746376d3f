/** What a sweep goes over. */
export interface Sweepable {
  urls(): Iterator<string>;
  /** Does as the orders say; how many it held for. */
  look(url: string, nowMs: number): number;
  over(): void;
}

const URLS_A_TURN = 5_000; // some milliseconds

/**
 * Goes through a whole store behind an order, in turns, so that no request waits for a purge of a
 * million responses. An order that comes meanwhile is for another round; a storm of them makes one.
 */
export class Sweep {
  readonly #later: (act: () => void) => void;
  readonly #store: Sweepable;
  #urls: Iterator<string> | undefined;
  #nowMs: number;
  #serial: number; // what the round under way is for
  #wantedSerial: number;

  /** What is below has been swept. */
  sweptSerial: number;

  constructor(later: (act: () => void) => void, store: Sweepable) {
    this.#later = later;
    this.#store = store;
    this.#urls = undefined;
    this.#nowMs = 0;
    this.#serial = 0;
    this.#wantedSerial = 0;
    this.sweptSerial = 0;
  }

  get isUnderway(): boolean {
    return this.#urls !== undefined || this.#wantedSerial > this.#serial;
  }

  /** Answers with how many it found in its first turn; none if another round is under way. */
  begin(serial: number, nowMs: number): number {
    const isUnderway = this.isUnderway;
    this.#wantedSerial = serial;
    this.#nowMs = nowMs;
    return isUnderway ? 0 : this.#beginRound();
  }

  #beginRound(): number {
    this.#urls = this.#store.urls();
    this.#serial = this.#wantedSerial;
    return this.#turn();
  }

  #turn(): number {
    let count = 0;
    for (let left = URLS_A_TURN; left > 0; left--) {
      const { done, value } = this.#urls!.next();
      if (done === true) {
        this.#roundOver();
        return count;
      }
      count += this.#store.look(value, this.#nowMs);
    }
    this.#later(() => this.#turn());
    return count;
  }

  #roundOver(): void {
    this.#urls = undefined;
    this.sweptSerial = this.#serial;
    this.#store.over();
    if (this.#wantedSerial > this.#serial) this.#later(() => this.#beginRound());
  }
}
