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
  keep: (_key, make) => make(),
  machine: new LoneMachine(),
  place: "a.test#1",
  share: (_key, make) => make(),
  get wheel(): never {
    throw new Error("this feature was not expected to need the timer wheel");
  },
  cacheBytes: 0,
  cacheStored: () => {},
  bug: (error) => {
    throw error;
  },
};
