import { FAULTS, type FaultCode } from "../core/fault.ts";

/** What may have gone wrong for another try to be made; the config's `retry.on`. */
export type RetryCondition = "connect" | "reused" | "reset" | "timeout" | "malformed";

export interface RetryPolicy {
  readonly attempts: number; // in total, the first one included
  readonly on: ReadonlySet<RetryCondition>;
  readonly statuses: ReadonlySet<number>; // judged ones (protocol/grpc), which are as good as none
  /** The route says that its endpoints bear a POST twice. Never our guess. */
  readonly nonIdempotent: boolean;
  /** A client that sends Idempotency-Key says so of its request. */
  readonly keyedRequests: boolean;
  readonly perTryMs: number; // for the response head, from the attempt's begin; Infinity: none
}

export const RETRY_POLICY: RetryPolicy = {
  attempts: 3,
  on: new Set<RetryCondition>(["connect", "reused"]),
  statuses: new Set(),
  nonIdempotent: false,
  keyedRequests: true,
  perTryMs: Number.POSITIVE_INFINITY,
};

/** Whether the request body can be sent (again). */
export type BodyState =
  | "none" // the request has none
  | "unsent" // not a byte of it has been taken from the client's side yet
  | "replayable" // what has been sent is still at hand
  | "gone"; // some of it was sent and not kept

/** All that the decision rests on. */
export interface FailedAttempt {
  readonly failure: FaultCode | number; // a fault, or the judged status of a response
  readonly attempts: number; // made so far, the failed one included
  readonly method: string;
  readonly isKeyed: boolean; // it has an Idempotency-Key
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

  const { failure } = failed;
  if (typeof failure === "number") {
    return policy.statuses.has(failure) && bearsTwice(policy, failed) ? "retry" : "give-up";
  }
  const { retry } = FAULTS[failure];
  if (retry === "never" || !isWanted(policy.on, failure, failed)) return "give-up";
  if (retry === "always") return "retry"; // no byte went out: the method does not matter
  return bearsTwice(policy, failed) ? "retry" : "give-up";
}

/** Whether the endpoint may get the request again that it may have acted on. */
function bearsTwice(policy: RetryPolicy, { method, isKeyed }: FailedAttempt): boolean {
  return (
    isIdempotent(method) ||
    policy.nonIdempotent ||
    (isKeyed && policy.keyedRequests && TAKES_KEY.has(method))
  );
}

/** The condition that a fault falls under; "connect" for one of which no byte has gone out. */
const CONDITIONS: Readonly<Partial<Record<FaultCode, RetryCondition>>> = {
  reset_before_head: "reset",
  response_truncated: "reset",
  upstream_stream_reset: "reset",
  upstream_send_timeout: "timeout",
  response_timeout: "timeout",
  response_malformed: "malformed",
  response_framing: "malformed",
  response_head_too_large: "malformed",
  response_interim: "malformed",
  response_upgrade: "malformed",
};

/**
 * A kept connection that the endpoint closes while our request is on its way is nobody's failure
 * but the race of RFC 9112 §9.5, hence a condition of its own beside "reset".
 */
function isWanted(
  on: ReadonlySet<RetryCondition>,
  code: FaultCode,
  { connectionReused }: FailedAttempt,
): boolean {
  if (isIdleRace(code, connectionReused) && on.has("reused")) return true;
  return on.has(CONDITIONS[code] ?? "connect");
}

/**
 * Retries that a budget need not bound: the failed attempt was no work for any endpoint, so another
 * one is no more than the request would have cost anyway. Were they bounded, the death of one busy
 * endpoint would fail requests that its neighbours have room for.
 */
export function addsNoLoad(failure: FaultCode | number, connectionReused: boolean): boolean {
  if (typeof failure === "number") return false;
  return FAULTS[failure].retry === "always" || isIdleRace(failure, connectionReused);
}

/** The endpoint closed what was idle, before it could know of our request: nobody has failed. */
export function isIdleRace(code: FaultCode, connectionReused: boolean): boolean {
  return (code === "reset_before_head" && connectionReused) || code === "upstream_going_away";
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

/** The methods that draft-ietf-httpapi-idempotency-key-header is for. */
const TAKES_KEY: ReadonlySet<string> = new Set(["POST", "PATCH"]);

/** Whether a request may come to be retried because of its Idempotency-Key, so that its body is kept. */
export function mayBeKeyed(policy: RetryPolicy, method: string): boolean {
  return policy.keyedRequests && policy.attempts > 1 && TAKES_KEY.has(method);
}
