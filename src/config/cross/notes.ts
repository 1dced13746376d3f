import type { Path } from "../../core/feature.ts";
import { cannotUse, type Finding, worthChecking } from "../problems.ts";

/** What the checks across places find: problems, and what works but cannot be meant. */
export class Notes {
  readonly problems: Finding[] = [];
  readonly warnings: Finding[] = [];

  problem(at: Path, wanted: string, on: "key" | "value" = "value"): void {
    this.problems.push(cannotUse(at, wanted, on));
  }

  warning(at: Path, why: string, on: "key" | "value" = "value"): void {
    this.warnings.push(worthChecking(at, why, on));
  }
}
