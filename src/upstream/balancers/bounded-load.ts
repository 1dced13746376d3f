import type { Endpoint } from "../../core/upstream.ts";

const LOOKS_PER_ENDPOINT = 1 / 16;

// With little in flight a share is less than one request: keys would move for nothing.
const ALWAYS_BORNE = 8;

/**
 * Who has more than `bound` times its share of what is in flight. To add up all endpoints for each
 * pick would cost more than the pick, so of many endpoints the sum is some picks old: by then it
 * is wrong by a sixteenth of a request per endpoint.
 */
export class BoundedLoad {
  readonly #bound: number;
  #inFlight: number;
  #weight: number;
  #looksLeft: number;

  constructor(bound: number) {
    this.#bound = bound;
    this.#inFlight = 0;
    this.#weight = 0;
    this.#looksLeft = 0;
  }

  look(ready: readonly Endpoint[], weight: number): void {
    if (weight === this.#weight && this.#looksLeft > 0) {
      this.#looksLeft--;
      return;
    }
    let inFlight = 0;
    for (let index = 0; index < ready.length; index++) inFlight += ready[index]!.state.active;
    this.#inFlight = inFlight;
    this.#weight = weight;
    this.#looksLeft = Math.floor(ready.length * LOOKS_PER_ENDPOINT);
  }

  /** One more on it would be beyond the bound. */
  isFull({ state, weight }: Endpoint): boolean {
    const { active } = state;
    if (active < ALWAYS_BORNE) return false;
    const share = (this.#inFlight + 1) * ((weight || 1) / this.#weight);
    return active >= Math.ceil(this.#bound * share);
  }
}
