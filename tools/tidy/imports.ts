import { posix } from "node:path";
import { lineAt, type TreeFile } from "./tree.ts";

/** One import, re-export, import() or `new URL(…, import.meta.url)` of a file. */
export interface Import {
  readonly from: string; // as written
  readonly path: string | undefined; // in the tree; undefined for a package or a node: module
  readonly names: string; // between "import" and "from", "" for import()
  readonly isTypeOnly: boolean;
  readonly line: number;
}

const STATEMENT = /\b(import|export)\s+([\w$*{},\s]*?)\s*\bfrom\s*["']([^"'\n]+)["']/g;
const SIDE_EFFECT = /\bimport\s*["']([^"'\n]+)["']/g;
const CALL = /\bimport\s*\(\s*["']([^"'\n]+)["']/g;
const FILE_URL = /\bnew URL\(\s*["'](\.[^"'\n]+\.ts)["']\s*,\s*import\.meta\.url/g;

export function importsOf(file: TreeFile): Import[] {
  const text = file.masked.uncommented;
  const found: Import[] = [];
  const add = (index: number, from: string, names: string, isTypeOnly: boolean): void => {
    found.push({
      from,
      path: resolved(file.path, from),
      names,
      isTypeOnly,
      line: lineAt(text, index),
    });
  };

  for (const match of text.matchAll(STATEMENT)) {
    const names = match[2]!.trim();
    add(match.index, match[3]!, names, /^type\b/.test(names) || isAllTypes(names));
  }
  for (const pattern of [SIDE_EFFECT, CALL, FILE_URL]) {
    for (const match of text.matchAll(pattern)) add(match.index, match[1]!, "", false);
  }
  return found;
}

/** `{ type A, type B }` loads nothing either. */
function isAllTypes(names: string): boolean {
  const inner = /^\{([^}]*)\}$/.exec(names)?.[1];
  if (inner === undefined) return false;
  const parts = inner.split(",").map((part) => part.trim());
  return parts.every((part) => part === "" || part.startsWith("type "));
}

function resolved(importer: string, from: string): string | undefined {
  if (!from.startsWith(".")) return undefined;
  return posix.normalize(posix.join(posix.dirname(importer), from));
}
