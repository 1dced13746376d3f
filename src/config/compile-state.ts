import { createHash } from "node:crypto";
import type { Machine } from "../core/machine.ts";
import type { SharedLimits } from "../core/shared-limits.ts";
import type { StateDraft } from "../core/state.ts";
import type { Worker } from "../core/worker.ts";
import { RedisLimits } from "../stores/redis/redis-limits.ts";
import type { Config } from "./config.ts";

interface StateTools {
  readonly worker: Worker;
  readonly draft: StateDraft;
  readonly machine: Machine;
  readonly isDry?: boolean;
}

/** Each worker has a connection of its own, which lasts for as long as the server is the same. */
export function sharedLimitsOf(
  { state }: Config,
  { worker, draft, machine, isDry }: StateTools,
): SharedLimits | undefined {
  if (state === "memory" || isDry === true) return undefined;
  // Keys get into logs, and passwords must not.
  const key = `state ${createHash("sha256").update(JSON.stringify(state)).digest("base64url")}`;
  const limits = draft.keep(key, () => new RedisLimits(worker.world, state, meterOf(worker)));
  const isServing = machine.worker < machine.workers; // the main thread's model asks nobody
  if (isServing) draft.onCommit(() => limits.begin());
  return limits;
}

function meterOf(worker: Worker) {
  return worker.stateMeter?.() ?? QUIET;
}

const QUIET = { answered: () => {}, failed: () => {}, skipped: () => {}, connected: () => {} };
