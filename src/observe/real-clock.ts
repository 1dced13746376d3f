import type { Clock } from "../base/world.ts";

/** The system's clock, for the tests and benches of this folder. */
export const realClock: Clock = {
  wallMs: () => Date.now(),
  nowMs: () => performance.now(),
  after: (delayMs, fire) => {
    const timer = setTimeout(fire, delayMs).unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
