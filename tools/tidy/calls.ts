import { importsOf } from "./imports.ts";
import { type Finding, isShipped, matches, type Rule, type TreeFile } from "./tree.ts";

interface Forbidden {
  readonly pattern: RegExp;
  readonly instead: string;
  readonly may: RegExp; // where it is at home
}

// The one place where the machine itself is asked.
const REAL_WORLD = /^src\/base\/(?:real-world|system-[a-z]+|stream-log)\.ts$/;
const OFF_THE_DATA_PATH = /^src\/(?:base\/(?:real-world|system-[a-z]+)\.ts|admin\/|cli\/)/;
const NOWHERE = /^$/;

// Two runs over one simulated world must be alike: what could differ comes through World.
const CALLS: readonly Forbidden[] = [
  { pattern: /\bDate\.now\b/g, instead: "Clock.wallMs()", may: REAL_WORLD },
  { pattern: /\bnew Date\(\s*\)/g, instead: "new Date(clock.wallMs())", may: REAL_WORLD },
  { pattern: /\bperformance\.now\b/g, instead: "Clock.nowMs()", may: REAL_WORLD },
  { pattern: /\bprocess\.hrtime\b/g, instead: "Clock.nowMs()", may: REAL_WORLD },
  {
    pattern: /\bMath\.random\b/g,
    instead: "Random.below(), or node:crypto for secrets",
    may: REAL_WORLD,
  },
  {
    pattern: /(?<![\w.#])setTimeout\b/g,
    instead: "Clock.after() or the timer wheel",
    may: OFF_THE_DATA_PATH,
  },
  {
    pattern: /(?<![\w.#])setInterval\b/g,
    instead: "Clock.after() or the timer wheel",
    may: REAL_WORLD,
  },
  {
    pattern: /(?<![\w.#])console\./g,
    instead: "Log, or the output that a command was given",
    may: NOWHERE,
  },
  {
    pattern: /\bprocess\.exit\b/g,
    instead: "an exit code as the answer",
    may: /^src\/(?:cli\/)?main\.ts$/,
  },
  {
    pattern: /(?<![\w.#])eval\s*\(|\bnew Function\s*\(/g,
    instead: "code that is there when it is read",
    may: NOWHERE,
  },
];

interface ForbiddenModule {
  readonly module: RegExp;
  readonly instead: string;
  readonly may: RegExp;
}

const MODULES: readonly ForbiddenModule[] = [
  {
    // Admin is no part of the data path; to a log sink a pipe on stdout is a socket.
    module: /^node:(?:net|dgram)$/,
    instead: "World.network",
    may: /^src\/(?:base\/(?:real-world|system-)|admin\/|observe\/log-target)/,
  },
  {
    // Names are asked for once per machine, by src/upstream/discovery.
    module: /^node:dns(?:\/promises)?$/,
    instead: "World.names",
    may: /^src\/base\/system-names/,
  },
  { module: /^node:tls$/, instead: "src/tls", may: /^src\/(?:tls\/|base\/system-)/ },
  { module: /^node:timers(?:\/promises)?$/, instead: "Clock.after()", may: REAL_WORLD },
  {
    module: /^node:(?:http|https|http2)$/,
    instead: "our own engine, or World.web for what is no endpoint",
    may: /^src\/(?:admin\/|cli\/|base\/system-web)/,
  },
  {
    module: /^(?:net|tls|http|https|http2|fs|path|crypto|zlib|os|util|events|stream|url)$/,
    instead: "the node: name",
    may: NOWHERE,
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
    if (may.test(file.path)) continue;
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
    if (rule === undefined || rule.may.test(file.path)) continue;
    if (/^node:(?:net|tls)$/.test(each.from) && each.isTypeOnly) continue;
    if (each.from === "node:net" && PURE_OF_NET.test(each.names)) continue;
    const message = `Cannot import ${each.from} here: use ${rule.instead}`;
    found.push({ rule: "calls", path: file.path, line: each.line, message });
  }
  return found;
}
