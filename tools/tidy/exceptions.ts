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

const NOT_MERGED = "the parts are being put together; goes with the last of them";

export const EXCEPTIONS: readonly Exception[] = [
  { rule: "dead-files", path: "src/index.ts", reason: NOT_MERGED },
  { rule: "documents", path: "ARCHITECTURE.md", reason: NOT_MERGED },
  { rule: "documents", path: "README.md", reason: NOT_MERGED },
  { rule: "documents", path: "docs/README.md", reason: NOT_MERGED },
];
