import type { BuildTools } from "../../src/core/feature.ts";
import { LoneMachine } from "../../src/core/machine.ts";

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
  cacheBytes: 0,
  cacheStored: () => {},
};
