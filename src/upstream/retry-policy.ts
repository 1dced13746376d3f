import { FAULTS, type FaultCode } from "../core/fault.ts";

/** What may have gone wrong for another try to be made; the config's `retry.on`. */
export type RetryCondition = "connect" | "reused" | "reset" | "timeout";

export interface RetryPolicy {
  readonly attempts: number; // in total, the first one included
  readonly on: ReadonlySet<RetryCondition>;
  /** The route says that its endpoints bear a POST twice. Never our guess. */
  readonly nonIdempotent: boolean;
}

export const RETRY_POLICY: RetryPolicy = {
  attempts: 3,
  on: new Set<RetryCondition>(["connect", "reused"]),
  nonIdempotent: false,
};

/** Whether the request body can be sent (again). */
export type BodyState =
  | "none" // the request has none
  | "unsent" // not a byte of it has been taken from the client's side yet
  | "replayable" // what has been sent is still at hand
  | "gone"; // some of it was sent and not kept

/** All that the decision rests on. */
export interface FailedAttempt {
  readonly code: FaultCode;
  readonly attempts: number; // made so far, the failed one included
  readonly method: string;
  readonly body: BodyState;
  readonly connectionReused: boolean;
  readonly responseBegun: boolean; // the client has got a byte of the final response
}

/**
 * May the request be sent once more? Only if that cannot do harm: nothing has reached the client,
 * the body is at hand, and the endpoint either got nothing or bears getting it twice.
 */
export function decideRetry(policy: RetryPolicy, failed: FailedAttempt): "retry" | "give-up" {
  if (failed.responseBegun || failed.body === "gone") return "give-up";
  if (failed.attempts >= policy.attempts) return "give-up";

  const { retry } = FAULTS[failed.code];
  if (retry === "never" || !isWanted(policy.on, failed)) return "give-up";
  if (retry === "always") return "retry"; // no byte went out: the method does not matter
  return isIdempotent(failed.method) || policy.nonIdempotent ? "retry" : "give-up";
}

/**
 * A kept connection that the endpoint closes while our request is on its way is nobody's failure
 * but the race of RFC 9112 §9.5, hence a condition of its own beside "reset".
 */
function isWanted(on: ReadonlySet<RetryCondition>, failed: FailedAttempt): boolean {
  if (FAULTS[failed.code].retry === "always") return on.has("connect");
  if (failed.code !== "reset_before_head") return on.has("timeout");
  return on.has("reset") || (on.has("reused") && failed.connectionReused);
}

/** RFC 9110 §9.2.2. Methods are case-sensitive, and one that we do not know is not idempotent. */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT_METHODS.has(method);
}

const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "TRACE",
  "PUT",
  "DELETE",
]);
