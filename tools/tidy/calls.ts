import { importsOf } from "./imports.ts";
import { type Finding, isShipped, matches, type Rule, type TreeFile } from "./tree.ts";

interface Forbidden {
  readonly pattern: RegExp;
  readonly instead: string;
  readonly may: readonly string[]; // paths or folders where it is at home
}

const REAL_WORLD = "src/base/real-world.ts";

// Two runs over one simulated world must be alike: what could differ comes through World.
const CALLS: readonly Forbidden[] = [
  { pattern: /\bDate\.now\b/g, instead: "Clock.wallMs()", may: [REAL_WORLD] },
  { pattern: /\bnew Date\(\s*\)/g, instead: "new Date(clock.wallMs())", may: [REAL_WORLD] },
  { pattern: /\bperformance\.now\b/g, instead: "Clock.nowMs()", may: [REAL_WORLD] },
  { pattern: /\bprocess\.hrtime\b/g, instead: "Clock.nowMs()", may: [REAL_WORLD] },
  {
    pattern: /\bMath\.random\b/g,
    instead: "Random.below(), or node:crypto for secrets",
    may: [REAL_WORLD],
  },
  {
    pattern: /(?<![\w.#])setTimeout\b/g,
    instead: "Clock.after() or the timer wheel",
    may: [REAL_WORLD],
  },
  {
    pattern: /(?<![\w.#])setInterval\b/g,
    instead: "Clock.after() or the timer wheel",
    may: [REAL_WORLD],
  },
  {
    pattern: /(?<![\w.#])console\./g,
    instead: "Log, or the output that a command was given",
    may: [],
  },
  {
    pattern: /\bprocess\.exit\b/g,
    instead: "an exit code as the answer",
    may: ["src/cli/main.ts", "src/main.ts"],
  },
  {
    pattern: /(?<![\w.#])eval\s*\(|\bnew Function\s*\(/g,
    instead: "code that is there when it is read",
    may: [],
  },
];

interface ForbiddenModule {
  readonly module: RegExp;
  readonly instead: string;
  readonly may: readonly string[];
}

const MODULES: readonly ForbiddenModule[] = [
  { module: /^node:(?:net|dgram)$/, instead: "World.network", may: [REAL_WORLD] },
  { module: /^node:tls$/, instead: "src/tls", may: [REAL_WORLD, "src/tls/"] },
  { module: /^node:timers(?:\/promises)?$/, instead: "Clock.after()", may: [REAL_WORLD] },
  {
    module: /^node:(?:http|https|http2)$/,
    instead: "our own engine",
    may: ["src/admin/", "src/cli/"],
  },
  {
    module: /^(?:net|tls|http|https|http2|fs|path|crypto|zlib|os|util|events|stream|url)$/,
    instead: "the node: name",
    may: [],
  },
];

// Pure functions that need no world.
const PURE_OF_NET = /^\{\s*(?:(?:isIP|isIPv4|isIPv6|BlockList|SocketAddress)\s*,?\s*)+\}$/;

/** Calls that make a run irreproducible or go around the world, with what to use instead. */
export const calls: Rule = {
  name: "calls",
  find(tree) {
    return tree.files
      .filter((file) => isShipped(file.path))
      .flatMap((file) => [...callsIn(file), ...modulesIn(file)]);
  },
};

function callsIn(file: TreeFile): Finding[] {
  const found: Finding[] = [];
  for (const { pattern, instead, may } of CALLS) {
    if (isAtHome(file.path, may)) continue;
    for (const { match, line } of matches(file.masked.code, pattern)) {
      const message = `Cannot use ${match[0].trim()} here: use ${instead}`;
      found.push({ rule: "calls", path: file.path, line, message });
    }
  }
  return found;
}

function modulesIn(file: TreeFile): Finding[] {
  const found: Finding[] = [];
  for (const each of importsOf(file)) {
    const rule = MODULES.find(({ module }) => module.test(each.from));
    if (rule === undefined || isAtHome(file.path, rule.may)) continue;
    if (each.from === "node:net" && (each.isTypeOnly || PURE_OF_NET.test(each.names))) continue;
    const message = `Cannot import ${each.from} here: use ${rule.instead}`;
    found.push({ rule: "calls", path: file.path, line: each.line, message });
  }
  return found;
}

function isAtHome(path: string, may: readonly string[]): boolean {
  return may.some((place) => (place.endsWith("/") ? path.startsWith(place) : path === place));
}
