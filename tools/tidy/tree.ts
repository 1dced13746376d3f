import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Masked, mask } from "./mask.ts";

/** The repository as the rules see it: text files by path, nothing that git ignores. */
export interface Tree {
  readonly files: readonly TreeFile[];
  /** Fault codes, from the table itself. */
  readonly faultCodes: readonly string[];
}

export interface TreeFile {
  readonly path: string; // "src/core/fault.ts"
  readonly text: string;
  readonly masked: Masked; // of a TypeScript file; of others the text as it is
}

export interface Finding {
  readonly rule: string;
  readonly path: string;
  readonly line: number; // from 1
  readonly message: string;
  readonly value?: number; // what a ratchet measures
}

export interface Rule {
  readonly name: string;
  find(tree: Tree): Finding[];
}

const IGNORED = new Set([".git", "node_modules", "dist", "tmp", "results"]);
const TEXT =
  /\.(?:ts|js|mjs|json|md|yaml|yml|sh|lua|txt|html|css|service|socket)$|^(?:LICENSE|run|\.gitignore)$/;

export function readTree(root: string, faultCodes: readonly string[]): Tree {
  return { files: listFiles(root, "").map((path) => fileAt(root, path)), faultCodes };
}

/** A small tree made of text, for the tests of the rules. */
export function treeOf(texts: Readonly<Record<string, string>>, faultCodes: string[] = []): Tree {
  const files = Object.entries(texts).map(([path, text]) => fileOf(path, text));
  return { files, faultCodes };
}

export function hasFile(tree: Tree, path: string): boolean {
  return tree.files.some((file) => file.path === path);
}

/** Files that ship: not tests, benches or fuzz targets. */
export function isShipped(path: string): boolean {
  return (
    path.startsWith("src/") && path.endsWith(".ts") && !/\.(?:test|bench|fuzz)\.ts$/.test(path)
  );
}

export function isTypeScript(path: string): boolean {
  return path.endsWith(".ts");
}

/** Every match of a pattern in a text, with its line. */
export function* matches(text: string, pattern: RegExp) {
  for (const match of text.matchAll(pattern)) yield { match, line: lineAt(text, match.index) };
}

export function lineAt(text: string, index: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < index; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

function fileAt(root: string, path: string): TreeFile {
  return fileOf(path, readFileSync(join(root, path), "utf8"));
}

function fileOf(path: string, text: string): TreeFile {
  const masked = isTypeScript(path)
    ? mask(text)
    : { code: text, uncommented: text, comments: text };
  return { path, text, masked };
}

function listFiles(root: string, folder: string): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    if (IGNORED.has(entry.name)) continue;
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory() && !existsSync(join(root, path, ".git"))) {
      found.push(...listFiles(root, path));
    } else if (entry.isFile() && TEXT.test(entry.name)) {
      found.push(path);
    }
  }
  return found.sort();
}
