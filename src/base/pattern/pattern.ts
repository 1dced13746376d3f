import { Automaton } from "./automaton.ts";
import { findSlots } from "./captures.ts";
import { compileSyntax, type Program } from "./program.ts";
import { PatternError, parsePattern } from "./syntax.ts";

/** A regular expression that no text can make slow. See syntax.ts for what it may hold. */
export class Pattern {
  readonly source: string;
  readonly #program: Program;
  readonly #automaton: Automaton;

  /** Throws PatternError. */
  constructor(source: string) {
    this.source = source;
    this.#program = compileSyntax(parsePattern(source));
    this.#automaton = new Automaton(this.#program);
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
    const slots = findSlots(this.#program, text);
    return slots === undefined ? undefined : new PatternMatch(text, slots, this.#program.names);
  }
}

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
