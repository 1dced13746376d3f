import type { BuildTools } from "../../src/core/feature.ts";
import { LoneMachine } from "../../src/core/machine.ts";
import type { Worker } from "../../src/core/worker.ts";

type Given = Partial<Omit<BuildTools, "world">> & { readonly world?: Partial<BuildTools["world"]> };

/** For features that need these and nothing else. */
export function toolsWith(given: Given): BuildTools {
  const all = Object.getOwnPropertyDescriptors(NO_TOOLS); // those that throw stay unread
  return Object.defineProperties({} as BuildTools, {
    ...all,
    ...Object.getOwnPropertyDescriptors(given),
  });
}

/** For features that need nothing of the world. */
export const NO_TOOLS: BuildTools = {
  get world(): never {
    throw new Error("this feature was not expected to need the world");
  },
  upstream: (name) => {
    throw new Error(`there is no upstream ${name}`);
  },
  routeTo: (name) => {
    throw new Error(`there is no upstream ${name}`);
  },
  isDry: false,
  web: { ask: () => Promise.reject(new Error("nobody is asked")) },
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
  sharedLimits: undefined,
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
  return toolsWith({
    world: worker.world,
    keep,
    keepForAll: keep,
    bug: (error, exchange) => worker.bug(error, exchange),
    wheel: worker.wheel,
  });
}
