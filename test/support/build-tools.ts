import type { BuildTools } from "../../src/core/feature.ts";
import { LoneMachine } from "../../src/core/machine.ts";
import type { Worker } from "../../src/core/worker.ts";

/** For features that need nothing of the world. */
export const NO_TOOLS: BuildTools = {
  get world(): never {
    throw new Error("this feature was not expected to need the world");
  },
  upstream: (name) => {
    throw new Error(`there is no upstream ${name}`);
  },
  keep: (_key, make) => make(),
  keepForAll: (_key, make) => make(),
  bug: (error) => {
    throw error;
  },
  machine: new LoneMachine(),
  place: "a.test#1",
  site: "a.test",
  level: "route",
  get wheel(): never {
    throw new Error("this feature was not expected to need the timer wheel");
  },
  cacheBytes: 0,
  cacheStored: () => {},
};

/** For features that do: they get that of a worker. */
export function toolsOf(worker: Worker, onKept: (kept: unknown) => void = () => {}): BuildTools {
  const keep = <T>(_key: string, make: () => T): T => {
    const made = make();
    onKept(made);
    return made;
  };
  return {
    world: worker.world,
    upstream: NO_TOOLS.upstream,
    keep,
    keepForAll: keep,
    bug: (error, exchange) => worker.bug(error, exchange),
    machine: new LoneMachine(),
    place: NO_TOOLS.place,
    site: NO_TOOLS.site,
    level: NO_TOOLS.level,
    wheel: worker.wheel,
    cacheBytes: 0,
    cacheStored: () => {},
  };
}
