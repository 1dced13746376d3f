/**
 * What must stay true of the repository as a whole: the import direction, names, sizes, calls that
 * would make a run irreproducible, documents that keep up with the code. `npm run check` runs it.
 * Each rule is a file in tools/tidy/; exceptions, with their reasons, are in exceptions.ts.
 */
import { FAULTS } from "../src/core/fault.ts";
import { ROOT } from "./command.ts";
import { calls } from "./tidy/calls.ts";
import { deadFiles } from "./tidy/dead-files.ts";
import { documents } from "./tidy/documents.ts";
import { EXCEPTIONS, type Exception } from "./tidy/exceptions.ts";
import { language } from "./tidy/language.ts";
import { layers } from "./tidy/layers.ts";
import { names } from "./tidy/names.ts";
import { packages } from "./tidy/packages.ts";
import { sizes } from "./tidy/sizes.ts";
import { type Finding, type Rule, readTree, type Tree } from "./tidy/tree.ts";

const RULES: readonly Rule[] = [
  layers,
  names,
  calls,
  language,
  sizes,
  documents,
  deadFiles,
  packages,
];

/** What is wrong, a line each: file:line: [rule] message. */
export async function tidy(): Promise<string[]> {
  const tree = readTree(ROOT, Object.keys(FAULTS));
  return judge(tree, RULES, EXCEPTIONS).map(
    ({ rule, path, line, message }) => `${path}:${line}: [${rule}] ${message}`,
  );
}

/** The findings that no exception covers, and the exceptions that cover none. */
export function judge(
  tree: Tree,
  rules: readonly Rule[],
  exceptions: readonly Exception[],
): Finding[] {
  const found = rules.flatMap((rule) => rule.find(tree));
  const left = found.filter((finding) => !exceptions.some((each) => covers(each, finding)));
  const idle = exceptions.filter((each) => !found.some((finding) => covers(each, finding)));
  return [
    ...left,
    ...idle.map(({ rule, path }) => ({
      rule,
      path,
      line: 1,
      message: "has an exception in tools/tidy/exceptions.ts that it no longer needs",
    })),
  ];
}

function covers(exception: Exception, finding: Finding): boolean {
  if (exception.rule !== finding.rule || exception.path !== finding.path) return false;
  return exception.max === undefined || (finding.value ?? 0) <= exception.max;
}

if (import.meta.main) {
  const wrong = await tidy();
  for (const line of wrong) console.log(line);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}
