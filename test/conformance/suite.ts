import type { StartedProxy } from "../support/proxy.ts";

/** A foreign suite: what it asks is its own, the list of known gaps is ours. */
export interface Suite {
  readonly name: string;
  readonly about: string;
  readonly checkout?: string; // the suite whose path it has, unless it has one of its own
  run(setting: Setting): Promise<Result>;
}

export interface Setting {
  /** Sluice, or what stands in its place, from a config. */
  start(yaml: string): Promise<StartedProxy>;
  readonly path: string | undefined; // where the suite is, if not in its usual place
}

export type Result = { readonly groups: readonly Group[] } | { readonly skipped: string };

/** One case as it went; `gap` says that we know it to fail, and why. */
export interface Outcome {
  readonly group: string;
  readonly id: string;
  readonly passed: boolean;
  readonly detail: string;
  readonly gap: Gap | undefined;
}

export interface Gap {
  readonly id: RegExp;
  readonly reason: string;
}

export interface Group {
  readonly name: string;
  readonly total: number;
  readonly passed: number;
  readonly gaps: readonly Outcome[]; // failed, and known to
  readonly failures: readonly Outcome[]; // failed, and nobody knows why
  readonly surprises: readonly Outcome[]; // passed, though listed: take it off the list
}

export function settle(outcomes: readonly Outcome[]): Group[] {
  const names = [...new Set(outcomes.map((each) => each.group))];
  return names.map((name) => {
    const all = outcomes.filter((each) => each.group === name);
    const failed = all.filter((each) => !each.passed);
    return {
      name,
      total: all.length,
      passed: all.length - failed.length,
      gaps: failed.filter((each) => each.gap !== undefined),
      failures: failed.filter((each) => each.gap === undefined),
      surprises: all.filter((each) => each.passed && each.gap !== undefined),
    };
  });
}
