import type { BalancerFactory } from "../../core/upstream.ts";
import { first } from "./first.ts";
import { hash } from "./hash.ts";
import { leastRequest } from "./least-request.ts";
import { leastTime } from "./least-time.ts";
import { random } from "./random.ts";
import { roundRobin } from "./round-robin.ts";

/** By the name that `balance` has in the config. */
export const BALANCERS = {
  leastRequest,
  roundRobin,
  leastTime,
  random,
  ipHash: hash, // the key is the client's address
  hash,
  first,
} as const satisfies Record<string, BalancerFactory>;

export type BalancerName = keyof typeof BALANCERS;

/** Slow endpoints get less by themselves, and no state has to agree between workers. */
export const BALANCER_DEFAULT: BalancerName = "leastRequest";
