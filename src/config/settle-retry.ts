import type { RetryConfig } from "./config.ts";
import type { RetryCondition } from "./shape/retry.ts";

const RETRY: RetryConfig = {
  attempts: 3,
  on: ["connect", "reused"],
  statuses: [],
  budget: { percent: 20, min: 3 },
  replayBody: false,
  idempotencyKey: true,
  perTry: Number.POSITIVE_INFINITY,
};

const ON_ASKED: readonly RetryCondition[] = ["connect", "reused", "reset", "malformed"];

/** What the schema of `retry` answers with. */
export interface ParsedRetry
  extends Partial<Omit<RetryConfig, "on" | "statuses" | "budget" | "perTry">> {
  readonly on?: readonly (RetryCondition | number)[] | undefined;
  readonly budget?: Partial<RetryConfig["budget"]> | undefined;
  readonly perTry?: number | undefined;
}

export function settleRetry(retry: "off" | ParsedRetry | undefined): RetryConfig | undefined {
  if (retry === "off") return undefined;
  const { budget, on, ...own } = present(retry ?? {}) as ParsedRetry;
  // Whoever writes retry wants more of it than whoever writes nothing.
  const asked = own.perTry === undefined ? ON_ASKED : [...ON_ASKED, "timeout" as const];
  const conditions = on ?? (retry === undefined ? RETRY.on : asked);
  return {
    ...RETRY,
    ...(own as Partial<RetryConfig>),
    on: conditions.filter((each) => typeof each !== "number"),
    statuses: conditions.filter((each) => typeof each === "number"),
    budget: { ...RETRY.budget, ...present(budget ?? {}) },
  };
}

/** Without the keys that are there but undefined, as code writes them and YAML does not. */
export function present<T extends object>(value: T): T {
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries) as T;
}
