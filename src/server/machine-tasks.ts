import type { World } from "../base/world.ts";
import type { Config } from "../config/config.ts";
import type { Runtime } from "../core/runtime.ts";

/**
 * What runs once per machine and not once per worker: it belongs to the main thread, follows the
 * config that is in force, and writes what it finds into the state that all workers share.
 */
export class MachineTasks implements Disposable {
  constructor(_world: World) {}

  /** After each swap: begins what is new, ends what is gone, leaves alone what did not change. */
  take(_config: Config, _runtime: Runtime): void {}

  [Symbol.dispose](): void {}
}
