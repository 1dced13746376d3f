import { stripTypeScriptTypes } from "node:module";
import { mask } from "./mask.ts";
import { type Finding, isTypeScript, type Rule, type TreeFile } from "./tree.ts";

// The formatter holds code to 100; this is for what it leaves alone: sentences and long strings.
const COLUMNS_MAX = 120;
const FILE_LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;

/** Sizes beyond which one looks again. Exceptions are a ratchet: they may shrink, not grow. */
export const sizes: Rule = {
  name: "sizes",
  find(tree) {
    return tree.files
      .filter((file) => isTypeScript(file.path))
      .flatMap((file) => [...longFile(file), ...longFunctions(file), ...longLines(file)]);
  },
};

function longFile(file: TreeFile): Finding[] {
  const value = file.text.trimEnd().split("\n").length;
  if (value <= FILE_LINES_MAX) return [];
  const message = `${value} lines, ${FILE_LINES_MAX} at most: a noun in it wants a file`;
  return [{ rule: "sizes", path: file.path, line: 1, message, value }];
}

/** Tables that the formatter was told to leave alone are data. */
function longLines(file: TreeFile): Finding[] {
  if (file.path.endsWith(".test.ts")) return []; // rows of bytes and wanted text
  const lines = file.text.split("\n");
  const found: Finding[] = [];
  let tableIndent = -1;
  for (const [index, line] of lines.entries()) {
    const indent = line.search(/\S/);
    if (/\/\/ biome-ignore format/.test(line)) tableIndent = indent;
    else if (tableIndent >= 0 && indent === tableIndent && /^[\]})]/.test(line.trim()))
      tableIndent = -1;
    if (line.length <= COLUMNS_MAX || tableIndent >= 0 || /https?:\/\/\S{40}/.test(line)) continue;
    const message = `${line.length} columns, ${COLUMNS_MAX} at most`;
    found.push({ rule: "sizes", path: file.path, line: index + 1, message, value: line.length });
  }
  return found;
}

function longFunctions(file: TreeFile): Finding[] {
  const found: Finding[] = [];
  for (const { line, lines } of functionSizes(file.text)) {
    if (lines <= FUNCTION_LINES_MAX) continue;
    const message = `a function of ${lines} lines, ${FUNCTION_LINES_MAX} at most`;
    found.push({ rule: "sizes", path: file.path, line, message, value: lines });
  }
  return found;
}

/**
 * Where functions start and how many lines they have. With the types erased, a body is a brace
 * after `)` or `=>`, and what is no function has a keyword before the parenthesis.
 */
export function functionSizes(text: string): { line: number; lines: number }[] {
  const code = mask(erased(text)).code;
  const sizes: { line: number; lines: number }[] = [];
  const open: { isFunction: boolean; line: number }[] = [];
  let line = 1;
  for (let index = 0; index < code.length; index++) {
    const letter = code[index];
    if (letter === "\n") line++;
    else if (letter === "{") open.push({ isFunction: isBody(code, index), line });
    else if (letter === "}") {
      const closed = open.pop();
      if (closed?.isFunction === true)
        sizes.push({ line: closed.line, lines: line - closed.line + 1 });
    }
  }
  return sizes;
}

function isBody(code: string, brace: number): boolean {
  const before = code.slice(0, brace).trimEnd();
  if (before.endsWith("=>")) return true;
  if (!before.endsWith(")")) return false;
  const word = /([\w$#]*)\s*$/.exec(code.slice(0, openingOf(before)))?.[1] ?? "";
  return !["if", "for", "while", "switch", "catch", "with", "await"].includes(word);
}

/** The index of the parenthesis that the last character of the text closes. */
function openingOf(text: string): number {
  let depth = 0;
  for (let index = text.length - 1; index >= 0; index--) {
    if (text[index] === ")") depth++;
    else if (text[index] === "(" && --depth === 0) return index;
  }
  return 0;
}

function erased(text: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => {}; // it is experimental, which every run would tell
  try {
    return stripTypeScriptTypes(text);
  } catch {
    return ""; // the compiler says it better
  } finally {
    process.emitWarning = emitWarning;
  }
}
