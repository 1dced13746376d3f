import type { AttemptStep } from "../../core/filter.ts";
import type { RetryPolicy } from "../../upstream/retry-policy.ts";
import type { HedgePolicy } from "./hedge.ts";
import type { Mirror } from "./mirror.ts";
import type { ForwardTarget, TargetChoice } from "./target.ts";

/** The target is the only one, or the first in the order written. */
export interface ForwardOptions extends ForwardTarget {
  readonly choice?: TargetChoice | undefined; // where there is more than one
  readonly mirror?: Mirror | undefined;
  /** Tell the client whom it belongs to; they are among the steps of receive as well. */
  readonly cookies?: readonly AttemptStep[] | undefined;
  readonly retry: RetryPolicy;
  readonly replaysBody: boolean; // the route keeps small bodies for another try
  readonly hedge?: HedgePolicy | undefined;
}
