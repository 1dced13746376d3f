import type { Seeded } from "../support/seeded.ts";

/** One question that a fuzzer asks of mutated inputs, over and over. */
export interface FuzzTarget {
  readonly about: string;
  readonly seeds: readonly string[]; // latin1
  open(): Promise<FuzzRun>;
}

export interface FuzzRun {
  /** What is wrong with how this input was treated; undefined if nothing is. */
  judge(input: string, random: Seeded): Promise<string | undefined>;
  /** What was counted on the way, for the last line. */
  summary(): string;
  close(): Promise<void>;
}
