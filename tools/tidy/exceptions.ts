/**
 * Where a rule does not hold, and why. An exception that is no longer needed is itself a finding,
 * and one with `max` is a ratchet: the value may shrink, and `max` with it, but not grow.
 */
export interface Exception {
  readonly rule: string;
  readonly path: string;
  readonly reason: string;
  readonly max?: number;
}

export const EXCEPTIONS: readonly Exception[] = [];
