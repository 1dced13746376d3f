import type { Machine } from "../core/machine.ts";
import { memoryKeys, SharedEndpointState } from "./endpoint-state.ts";
import type { StateChanges } from "./state-changes.ts";

const GONE_MAX = 256;

/**
 * The states of endpoints that come and go while a config is in force: found by a name, or added by
 * an operator. One that leaves is remembered for a while: it may be back with the next answer, and
 * all workers have to mean the same memory by its name, also one that never saw it leave.
 */
export class FoundStates {
  readonly #machine: Machine;
  readonly #changes: StateChanges;
  readonly #byKey: Map<string, SharedEndpointState>;

  constructor(machine: Machine, changes: StateChanges) {
    this.#machine = machine;
    this.#changes = changes;
    this.#byKey = new Map();
  }

  of(key: string): SharedEndpointState {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const state = new SharedEndpointState(this.#machine, key, this.#changes);
    this.#byKey.set(key, state);
    return state;
  }

  /** The one there is; a config may come to name what was only found before. */
  known(key: string): SharedEndpointState | undefined {
    return this.#byKey.get(key);
  }

  /** These are in use; of the others the oldest are forgotten, if nothing is in flight on them. */
  retain(keys: ReadonlySet<string>): void {
    let gone = 0;
    for (const key of this.#byKey.keys()) if (!keys.has(key)) gone++;
    for (const [key, state] of this.#byKey) {
      if (gone <= GONE_MAX) return;
      if (keys.has(key) || state.active > 0) continue;
      gone--;
      this.#byKey.delete(key);
      for (const each of memoryKeys(key)) this.#machine.release(each);
    }
  }
}
