import type { BuildTools } from "../core/feature.ts";

/**
 * Counts up whenever it changes, in any worker, which endpoints may be used, so that lists made from
 * it can be kept.
 */
export class StateChanges {
  readonly #count: Int32Array;

  static keep({ keep, machine }: Pick<BuildTools, "keep" | "machine">): StateChanges {
    const key = "endpoint state changes";
    return keep(key, () => new StateChanges(machine.block(key, Int32Array.BYTES_PER_ELEMENT)));
  }

  constructor(memory: SharedArrayBuffer) {
    this.#count = new Int32Array(memory);
  }

  get count(): number {
    return this.#count[0]!;
  }

  tell(): void {
    Atomics.add(this.#count, 0, 1);
  }
}
