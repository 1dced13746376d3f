import { randomFillSync } from "node:crypto";

const ID_BYTES = 16;
const IDS_PER_FILL = 256;

/**
 * Request ids: 32 hexadecimal digits of real chance, so that nobody can guess another client's.
 * Chance is fetched for many at a time, because one fetch costs more than all the rest of an id.
 */
export class RequestIds {
  readonly #bytes = Buffer.allocUnsafeSlow(ID_BYTES * IDS_PER_FILL);
  #digits = "";
  #at = 0;

  next(): string {
    if (this.#at === this.#digits.length) {
      this.#digits = randomFillSync(this.#bytes).toString("hex");
      this.#at = 0;
    }
    const id = this.#digits.slice(this.#at, this.#at + ID_BYTES * 2);
    this.#at += ID_BYTES * 2;
    return id;
  }
}
