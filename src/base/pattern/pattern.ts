import { Automaton } from "./automaton.ts";
import { GroupFinder } from "./captures.ts";
import { compileSyntax, type Program } from "./program.ts";
import { PatternError, parsePattern } from "./syntax.ts";

/** A regular expression that no text can make slow. See syntax.ts for what it may hold. */
export class Pattern {
  readonly source: string;
  readonly #program: Program;
  readonly #automaton: Automaton;
  #finder: GroupFinder | undefined;

  /** Throws PatternError. */
  constructor(source: string) {
    this.source = source;
    this.#program = compileSyntax(parsePattern(source));
    this.#automaton = new Automaton(this.#program);
    this.#finder = undefined;
  }

  /** The names of its groups: "0" for all of it, "1" …, and those given in the source. */
  get groupNames(): readonly string[] {
    const numbers = Array.from({ length: this.#program.slotCount / 2 }, (_, group) => `${group}`);
    return [...numbers, ...this.#program.names.keys()];
  }

  get stateCount(): number {
    return this.#automaton.stateCount;
  }

  /** Is there a match anywhere in the text? */
  test(text: string): boolean {
    return this.#automaton.test(text);
  }

  /** What the groups of the first match hold; undefined if there is none. */
  find(text: string): PatternMatch | undefined {
    this.#finder ??= new GroupFinder(this.#program);
    const { slots } = this.#finder.find(text);
    return slots === undefined ? undefined : new PatternMatch(text, slots, this.#program.names);
  }

  /**
   * Every match, from left to right and apart from each other, replaced by what `give` makes of it.
   * To look again behind each match is linear with nearly all expressions and texts. Those that make
   * it look at the rest again and again ("a.*b|a") are given up after a few times the length: what
   * is left stays as it is (D9).
   */
  replace(text: string, give: (match: PatternMatch) => string): string {
    if (!this.#automaton.test(text)) return text;
    this.#finder ??= new GroupFinder(this.#program);
    let out = "";
    let keptAt = 0;
    let budget = REPLACE_LOOKS * text.length + REPLACE_LOOKS_LEAST;
    for (let from = 0; from <= text.length && budget > 0; ) {
      const { slots, lastIndex } = this.#finder.find(text, from);
      if (slots === undefined) break;
      budget -= lastIndex - from;
      const start = slots[0]!;
      const end = slots[1]!;
      out += text.slice(keptAt, start) + give(new PatternMatch(text, slots, this.#program.names));
      keptAt = end;
      from = end > start ? end : end + 1; // of nothing there is another only further on
    }
    return out + text.slice(keptAt);
  }
}

const REPLACE_LOOKS = 4;
const REPLACE_LOOKS_LEAST = 1000;

export class PatternMatch {
  readonly #text: string;
  readonly #slots: Int32Array;
  readonly #names: ReadonlyMap<string, number>;

  constructor(text: string, slots: Int32Array, names: ReadonlyMap<string, number>) {
    this.#text = text;
    this.#slots = slots;
    this.#names = names;
  }

  /** A group by number or name; undefined if there is none or it took no part. */
  get(group: string): string | undefined {
    const number = this.#names.get(group) ?? Number(group);
    const start = this.#slots[number * 2] ?? -1;
    const end = this.#slots[number * 2 + 1] ?? -1;
    return start < 0 || end < 0 ? undefined : this.#text.slice(start, end);
  }
}

/** What is wrong with an expression; undefined if nothing is. */
export function patternProblem(source: string): string | undefined {
  try {
    new Pattern(source);
    return undefined;
  } catch (error) {
    if (error instanceof PatternError) return error.message;
    throw error;
  }
}
