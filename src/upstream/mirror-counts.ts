import type { Lanes } from "../base/lanes.ts";
import type { BuildTools } from "../core/feature.ts";
import type { MirrorCounts } from "../core/upstream.ts";

const RESULTS = ["answered", "failed", "dropped"] as const;

/** What became of the requests that were mirrored to one upstream. */
export class SharedMirrorCounts implements MirrorCounts {
  readonly #lanes: Lanes;

  static keep(upstream: string, { keep, machine }: Pick<BuildTools, "keep" | "machine">) {
    const key = `upstream ${upstream} mirrored`;
    return keep(key, () => new SharedMirrorCounts(machine.lanes(key)));
  }

  constructor(lanes: Lanes) {
    this.#lanes = lanes;
  }

  get answered(): number {
    return this.#lanes.sum(RESULTS.indexOf("answered"));
  }

  get failed(): number {
    return this.#lanes.sum(RESULTS.indexOf("failed"));
  }

  get dropped(): number {
    return this.#lanes.sum(RESULTS.indexOf("dropped"));
  }

  add(result: (typeof RESULTS)[number]): void {
    this.#lanes.add(RESULTS.indexOf(result), 1);
  }
}
