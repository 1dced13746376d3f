import type { VariantKey } from "../cache-store.ts";

const KIN_MAX = 1_000; // beyond it some are there twice

/** Keys of variants, one of each: most responses of a route have the same, and one word for it. */
export class KinTable {
  readonly #known = new Map<string, VariantKey>();

  of({ partition, varyNames, varyKey }: VariantKey): VariantKey {
    const text = JSON.stringify([partition, varyNames, varyKey]);
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const key = { partition, varyNames, varyKey };
    if (this.#known.size >= KIN_MAX) this.#known.clear();
    this.#known.set(text, key);
    return key;
  }
}
