import type { BalancerFactory } from "../../core/upstream.ts";

/** The first one that may be used, in the order written: one works, the others stand by. */
export const first: BalancerFactory = () => ({ pick: (ready) => ready[0] });
