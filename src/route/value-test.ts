import { Pattern, patternProblem } from "../base/pattern/pattern.ts";
import { listOf, type OneOrMore } from "./match-config.ts";

/** Whether a value of a header, parameter or cookie is a wanted one. */
export type ValueTest = (value: string) => boolean;

/** Exact, "*" for any, "~…" for a regular expression; of a list, any one. */
export function valueTest(wanted: OneOrMore): ValueTest {
  const tests = listOf(wanted).map(oneValueTest);
  if (tests.length === 1) return tests[0]!;
  return (value) => {
    for (let index = 0; index < tests.length; index++) {
      if (tests[index]!(value)) return true;
    }
    return false;
  };
}

function oneValueTest(wanted: string): ValueTest {
  if (wanted === "*") return () => true;
  if (!wanted.startsWith("~")) return (value) => value === wanted;
  const pattern = new Pattern(wanted.slice(1));
  return (value) => pattern.test(value);
}

export function valueProblem(wanted: string): string | undefined {
  return wanted.startsWith("~") ? patternProblem(wanted.slice(1)) : undefined;
}
