import type { Machine } from "../core/machine.ts";
import { memoryKeys, SharedEndpointState } from "./endpoint-state.ts";
import type { StateChanges } from "./state-changes.ts";

/**
 * The states of endpoints that come and go while a config is in force: found by a name, or added by
 * an operator. One that leaves is remembered for as long as requests are in flight on it.
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

  /** Forgets all but these, and those with requests in flight. */
  retain(keys: ReadonlySet<string>): void {
    for (const [key, state] of this.#byKey) {
      if (keys.has(key) || state.active > 0) continue;
      this.#byKey.delete(key);
      for (const each of memoryKeys(key)) this.#machine.release?.(each);
    }
  }
}
