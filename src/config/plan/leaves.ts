import { createHash } from "node:crypto";
import type { Path } from "../../core/feature.ts";
import { isPlain } from "../expand.ts";
import type { Loaded } from "../load.ts";
import { pathText } from "../problems.ts";

/** One value of a config: what it is, and how people may see it. */
export interface Leaf {
  readonly exact: string;
  readonly shown: string;
}

// A key of such a name holds what nobody should read in a terminal.
const SECRET_KEY = /(?:token|secret|password|passwd|credential|privatekey|apikey|hash|hmac)s?$/i;
const SHOWN_CHARS_MAX = 80;

/** Every value under a place, by its path from there; a list is one value. */
export function leavesOf(
  value: unknown,
  at: Path,
  loaded: Pick<Loaded, "expansions">,
  skip: readonly string[] = [],
): Map<string, Leaf> {
  const leaves = new Map<string, Leaf>();
  const walk = (inner: unknown, path: Path): void => {
    const isMap = typeof inner === "object" && inner !== null && isPlain(inner);
    const entries = isMap && !Array.isArray(inner) ? Object.entries(inner) : [];
    if (entries.length === 0) {
      const isNothing = inner === undefined || (isMap && path.length === 0);
      if (!isNothing) leaves.set(pathText(path), leaf(inner, [...at, ...path], loaded));
      return;
    }
    for (const [key, item] of entries) {
      if (path.length > 0 || !skip.includes(key)) walk(item, [...path, key]);
    }
  };
  walk(value, []);
  return leaves;
}

function leaf(value: unknown, path: Path, loaded: Pick<Loaded, "expansions">): Leaf {
  return { exact: exactOf(value), shown: shortened(shownOf(value, path, loaded)) };
}

function exactOf(value: unknown): string {
  if (typeof value === "function") {
    return `function ${createHash("sha256").update(String(value)).digest("hex")}`;
  }
  return JSON.stringify(value, (_key, item) =>
    typeof item === "function" ? exactOf(item) : (item as unknown),
  );
}

// Users of auth.basic are names with hashes; those of auth are secrets whatever they are called.
function isSecret(step: string | number, index: number, path: Path): boolean {
  return SECRET_KEY.test(String(step)) || (step === "users" && path[index - 1] === "basic");
}

const URL_PASSWORD = /(:\/\/[^/:@\s]*:)[^/@\s]+@/; // redis://user:password@host

function shownOf(value: unknown, path: Path, loaded: Pick<Loaded, "expansions">): string {
  const expansion = loaded.expansions.get(pathText(path));
  if (expansion !== undefined) return expansion.written;
  if (path.some(isSecret)) return "***";
  if (Array.isArray(value)) {
    const items = value.map((item, index) => shownOf(item, [...path, index], loaded));
    return `[${items.join(", ")}]`;
  }
  if (typeof value === "function") return "a function";
  if (typeof value === "string") return value.replace(URL_PASSWORD, "$1***@");
  if (typeof value !== "object" || value === null) return String(value);
  const entries = Object.entries(value).map(([key, item]) => {
    return `${key}: ${shownOf(item, [...path, key], loaded)}`;
  });
  return `{ ${entries.join(", ")} }`;
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length <= SHOWN_CHARS_MAX ? line : `${line.slice(0, SHOWN_CHARS_MAX - 1)}…`;
}
