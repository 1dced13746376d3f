/**
 * The regular expressions of the config. The grammar is JavaScript's without what a finite automaton
 * cannot do in one pass: back references, lookaround and word boundaries are refused, and so is the
 * repetition of something that may be empty. The rest needs no judgement of what is "dangerous":
 * matching takes time linear in the text, whatever the expression (D9).
 */
export type Node =
  | { readonly kind: "set"; readonly ranges: Ranges }
  | { readonly kind: "start" | "end" }
  | { readonly kind: "sequence" | "either"; readonly nodes: readonly Node[] }
  | { readonly kind: "group"; readonly node: Node; readonly number: number }
  | {
      readonly kind: "repeat";
      readonly node: Node;
      readonly min: number;
      readonly max: number; // Infinity: no end
      readonly isLazy: boolean;
    };

/** Pairs of first and last code unit, sorted, apart from each other. */
export type Ranges = readonly number[];

export interface Syntax {
  readonly node: Node;
  readonly groupCount: number; // capturing groups, the whole match not counted
  readonly names: readonly (readonly [name: string, group: number])[];
}

/** What is wrong with an expression, and where: an index into its text. */
export class PatternError extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(`${message}, at character ${at + 1}`);
    this.at = at;
  }
}

export const PATTERN_LENGTH_MAX = 1000;
const DEPTH_MAX = 50; // of groups
const REPEAT_MAX = 1000;
const UNIT_MAX = 0xffff;

/** Throws PatternError. "(?i)" at the start makes it ignore the case of ASCII letters. */
export function parsePattern(text: string): Syntax {
  if (text.length > PATTERN_LENGTH_MAX) {
    throw new PatternError(`longer than ${PATTERN_LENGTH_MAX} characters`, PATTERN_LENGTH_MAX);
  }
  return new Reader(text).read();
}

class Reader {
  readonly #text: string;
  readonly #ignoresCase: boolean;
  readonly #names: [string, number][];
  #at: number;
  #groupCount: number;
  #depth: number;

  constructor(text: string) {
    this.#text = text;
    this.#ignoresCase = text.startsWith("(?i)");
    this.#names = [];
    this.#at = this.#ignoresCase ? "(?i)".length : 0;
    this.#groupCount = 0;
    this.#depth = 0;
  }

  read(): Syntax {
    const node = this.#either();
    if (this.#at < this.#text.length) this.#fail("a closing parenthesis that nothing opened");
    return { node, groupCount: this.#groupCount, names: this.#names };
  }

  #either(): Node {
    const nodes = [this.#sequence()];
    while (this.#take("|")) nodes.push(this.#sequence());
    return nodes.length === 1 ? nodes[0]! : { kind: "either", nodes };
  }

  #sequence(): Node {
    const nodes: Node[] = [];
    while (this.#at < this.#text.length && !this.#isNext("|") && !this.#isNext(")")) {
      nodes.push(this.#repeated());
    }
    return { kind: "sequence", nodes };
  }

  #repeated(): Node {
    const start = this.#at;
    const node = this.#single();
    const counts = this.#quantifier();
    if (counts === undefined) return node;
    if (node.kind === "start" || node.kind === "end") this.#fail("a repeated anchor", start);
    // Such repetition can match the same text in endlessly many ways.
    if (mayBeEmpty(node)) this.#fail("repetition of something that may be empty", start);
    const isLazy = this.#take("?");
    if (this.#quantifier() !== undefined) this.#fail("two quantifiers in a row");
    return { kind: "repeat", node, min: counts.min, max: counts.max, isLazy };
  }

  #quantifier(): { min: number; max: number } | undefined {
    if (this.#take("*")) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.#take("+")) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.#take("?")) return { min: 0, max: 1 };
    if (!this.#isNext("{")) return undefined;
    const found = /^\{([0-9]{1,6})(,([0-9]{0,6}))?\}/.exec(
      this.#text.slice(this.#at, this.#at + 20),
    );
    if (found === null)
      this.#fail('a brace that is no {n}, {n,} or {n,m}; write "\\{" for the character');
    const min = Number(found[1]);
    const max =
      found[2] === undefined ? min : found[3] === "" ? Number.POSITIVE_INFINITY : Number(found[3]);
    if (max < min) this.#fail("a repetition whose end is below its start");
    if (min > REPEAT_MAX || (max > REPEAT_MAX && max !== Number.POSITIVE_INFINITY)) {
      this.#fail(`a repetition of more than ${REPEAT_MAX}`);
    }
    this.#at += found[0].length;
    return { min, max };
  }

  #single(): Node {
    const start = this.#at;
    const character = this.#text[this.#at++]!;
    switch (character) {
      case "^":
        return { kind: "start" };
      case "$":
        return { kind: "end" };
      case ".":
        return { kind: "set", ranges: inverted([0x0a, 0x0a, 0x0d, 0x0d, 0x2028, 0x2029]) };
      case "(":
        return this.#group(start);
      case "[":
        return this.#set(start);
      case "\\":
        return { kind: "set", ranges: this.#folded(this.#escape(start)) };
      case "*":
      case "+":
      case "?":
        return this.#fail("a quantifier with nothing to repeat", start);
      case "{":
      case "}":
      case "]":
        return this.#fail(`a lone "${character}"; write "\\${character}" for the character`, start);
      default:
        return { kind: "set", ranges: this.#folded(one(character.charCodeAt(0))) };
    }
  }

  #group(start: number): Node {
    if (++this.#depth > DEPTH_MAX) this.#fail(`groups nested deeper than ${DEPTH_MAX}`, start);
    const number = this.#groupNumber(start);
    const node = this.#either();
    if (!this.#take(")")) this.#fail("a group that is not closed", start);
    this.#depth--;
    return number === 0 ? node : { kind: "group", node, number };
  }

  /** Reads what follows the parenthesis; 0 for a group that captures nothing. */
  #groupNumber(start: number): number {
    if (!this.#take("?")) return ++this.#groupCount;
    if (this.#take(":")) return 0;
    const rest = this.#text.slice(this.#at, this.#at + 40);
    if (/^(<?[=!])/.test(rest))
      this.#fail("lookaround, which cannot be matched in linear time", start);
    const named = /^<([A-Za-z_][A-Za-z0-9_]*)>/.exec(rest);
    if (named === null) this.#fail("a kind of group that is not supported", start);
    const name = named[1]!;
    if (this.#names.some(([each]) => each === name))
      this.#fail(`a second group named ${name}`, start);
    this.#at += named[0].length;
    this.#names.push([name, ++this.#groupCount]);
    return this.#groupCount;
  }

  #set(start: number): Node {
    const isInverted = this.#take("^");
    const ranges: number[] = [];
    while (!this.#take("]")) {
      if (this.#at >= this.#text.length) this.#fail("a set that is not closed", start);
      const from = this.#setMember();
      if (this.#isNext("-") && !this.#text.startsWith("-]", this.#at)) {
        const dash = this.#at++;
        if (this.#at >= this.#text.length) this.#fail("a set that is not closed", start);
        const to = this.#setMember();
        const isOrdered = isOne(from) && isOne(to) && from[0]! <= to[0]!;
        if (!isOrdered)
          this.#fail("a range that does not go from a character to a later one", dash);
        ranges.push(from[0]!, to[0]!);
      } else ranges.push(...from);
    }
    if (ranges.length === 0) this.#fail("an empty set", start);
    const folded = this.#folded(normal(ranges));
    return { kind: "set", ranges: isInverted ? inverted(folded) : folded };
  }

  #setMember(): Ranges {
    const start = this.#at;
    const character = this.#text[this.#at++]!;
    return character === "\\" ? this.#escape(start, true) : one(character.charCodeAt(0));
  }

  #escape(start: number, isInSet = false): Ranges {
    const character = this.#text[this.#at++];
    if (character === undefined) this.#fail("a backslash at the end", start);
    const named = CLASSES.get(character);
    if (named !== undefined) return named;
    if (character === "x" || character === "u") return this.#hexEscape(start, character);
    if (character === "b" && isInSet) return one(0x08);
    if (/[1-9k]/.test(character)) {
      this.#fail("a back reference, which cannot be matched in linear time", start);
    }
    if (/[bB]/.test(character)) this.#fail("a word boundary, which is not supported", start);
    if (/[A-Za-z0]/.test(character)) this.#fail(`an unknown escape \\${character}`, start);
    return one(character.charCodeAt(0));
  }

  #hexEscape(start: number, kind: "x" | "u"): Ranges {
    const count = kind === "x" ? 2 : 4;
    const digits = this.#text.slice(this.#at, this.#at + count);
    if (digits.length < count || !/^[0-9A-Fa-f]+$/.test(digits)) {
      this.#fail(`\\${kind} without ${count} hexadecimal digits`, start);
    }
    this.#at += count;
    return one(Number.parseInt(digits, 16));
  }

  #folded(ranges: Ranges): Ranges {
    if (!this.#ignoresCase) return ranges;
    const more = [...ranges];
    for (let index = 0; index < ranges.length; index += 2) {
      shift(more, ranges, index, 0x41, 0x5a, 0x20);
      shift(more, ranges, index, 0x61, 0x7a, -0x20);
    }
    return normal(more);
  }

  #isNext(character: string): boolean {
    return this.#text[this.#at] === character;
  }

  #take(character: string): boolean {
    if (!this.#isNext(character)) return false;
    this.#at++;
    return true;
  }

  #fail(message: string, at = this.#at): never {
    throw new PatternError(message, at);
  }
}

function mayBeEmpty(node: Node): boolean {
  if (node.kind === "set") return false;
  if (node.kind === "group") return mayBeEmpty(node.node);
  if (node.kind === "repeat") return node.min === 0 || mayBeEmpty(node.node);
  if (node.kind === "sequence") return node.nodes.every(mayBeEmpty);
  return node.kind === "either" ? node.nodes.some(mayBeEmpty) : true;
}

function one(unit: number): Ranges {
  return [unit, unit];
}

function isOne(ranges: Ranges): boolean {
  return ranges.length === 2 && ranges[0] === ranges[1];
}

/** Adds the part of a range that lies within first..last, moved by `by`. */
function shift(
  out: number[],
  ranges: Ranges,
  index: number,
  first: number,
  last: number,
  by: number,
): void {
  const low = Math.max(ranges[index]!, first);
  const high = Math.min(ranges[index + 1]!, last);
  if (low <= high) out.push(low + by, high + by);
}

function normal(ranges: Ranges): Ranges {
  const pairs: [number, number][] = [];
  for (let index = 0; index < ranges.length; index += 2) {
    pairs.push([ranges[index]!, ranges[index + 1]!]);
  }
  pairs.sort((a, b) => a[0] - b[0]);
  const out: number[] = [];
  for (const [first, last] of pairs) {
    if (out.length > 0 && first <= out.at(-1)! + 1) {
      out[out.length - 1] = Math.max(out.at(-1)!, last);
    } else out.push(first, last);
  }
  return out;
}

function inverted(ranges: Ranges): Ranges {
  const out: number[] = [];
  let next = 0;
  for (let index = 0; index < ranges.length; index += 2) {
    if (ranges[index]! > next) out.push(next, ranges[index]! - 1);
    next = ranges[index + 1]! + 1;
  }
  if (next <= UNIT_MAX) out.push(next, UNIT_MAX);
  return out;
}

const DIGIT: Ranges = [0x30, 0x39];
const WORD: Ranges = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a];
// biome-ignore format: ECMAScript's WhiteSpace and LineTerminator
const SPACE: Ranges = [0x09, 0x0d, 0x20, 0x20, 0xa0, 0xa0, 0x1680, 0x1680, 0x2000, 0x200a, 0x2028, 0x2029, 0x202f, 0x202f, 0x205f, 0x205f, 0x3000, 0x3000, 0xfeff, 0xfeff];

const CLASSES: ReadonlyMap<string, Ranges> = new Map([
  ["d", DIGIT],
  ["D", inverted(DIGIT)],
  ["w", WORD],
  ["W", inverted(WORD)],
  ["s", SPACE],
  ["S", inverted(SPACE)],
  ["t", one(0x09)],
  ["n", one(0x0a)],
  ["v", one(0x0b)],
  ["f", one(0x0c)],
  ["r", one(0x0d)],
]);
