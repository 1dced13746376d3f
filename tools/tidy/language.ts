import { type Finding, isTypeScript, matches, type Rule, type TreeFile } from "./tree.ts";

interface Banned {
  readonly pattern: RegExp;
  readonly in: "code" | "comments";
  readonly message: string;
  readonly where: (path: string) => boolean;
}

const BANNED: readonly Banned[] = [
  {
    pattern: /\bexport\s+default\b/g,
    in: "code",
    message: "Cannot export a default: a thing has one name everywhere",
    // A config file is found by its default export.
    where: (path) => !path.endsWith(".config.ts") && !path.startsWith("examples/"),
  },
  {
    pattern: /:\s*any\b\s*(?=[;,)=\]}>|&]|$)|\bas\s+any\b|<any\b|\bany\[\]|\|\s*any\b\s*[;,)=]/gm,
    in: "code",
    message: "Cannot use any: say what it is, or unknown and a check",
    where: () => true,
  },
  {
    pattern: /\b(?:TODO|FIXME|XXX)\b(?!\s*\(#\d+\))/g,
    in: "comments",
    message: "Cannot leave a TODO without an issue number: TODO(#123)",
    where: () => true,
  },
  {
    pattern: /\b(?:test|describe|it|scenario)\.only\s*\(|\bonly:\s*true/g,
    in: "code",
    message: "Cannot leave `only` in: it switches every other test off",
    where: (path) => path.endsWith(".test.ts"),
  },
  {
    pattern: /^\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?(?:enum|namespace)\s+\w+\s*\{/gm,
    in: "code",
    message: "Cannot use enum or namespace: the source runs with its types erased",
    where: () => true,
  },
];

/** What the language offers and the project does without. */
export const language: Rule = {
  name: "language",
  find(tree) {
    return tree.files.filter((file) => isTypeScript(file.path)).flatMap(judge);
  },
};

function judge(file: TreeFile): Finding[] {
  const found: Finding[] = [];
  for (const { pattern, in: part, message, where } of BANNED) {
    if (!where(file.path)) continue;
    for (const { line } of matches(file.masked[part], pattern)) {
      found.push({ rule: "language", path: file.path, line, message });
    }
  }
  return found;
}
