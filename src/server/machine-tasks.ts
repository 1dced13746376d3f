import type { World } from "../base/world.ts";
import type { Config } from "../config/config.ts";
import type { Runtime } from "../core/runtime.ts";
import { HealthChecks } from "../upstream/health/health-checks.ts";

/**
 * What runs once per machine and not once per worker: it belongs to the main thread, follows the
 * config that is in force, and writes what it finds into the state that all workers share.
 */
export class MachineTasks implements Disposable {
  readonly #checks: HealthChecks;

  constructor(world: World) {
    this.#checks = new HealthChecks(world);
  }

  /** After each swap: begins what is new, ends what is gone, leaves alone what did not change. */
  take(config: Config, runtime: Runtime): void {
    this.#checks.take(
      [...config.upstreams.values()].flatMap(({ name, active }) => {
        const upstream = runtime.upstreams.get(name);
        return active === undefined || upstream === undefined
          ? []
          : [{ upstream, options: active }];
      }),
    );
  }

  [Symbol.dispose](): void {
    this.#checks[Symbol.dispose]();
  }
}
