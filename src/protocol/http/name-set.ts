import { HEADER_ID_COUNT, headerIdOfText, nameOfId, OTHER } from "./header-id.ts";

export interface NameSetOptions {
  /** Names that no wildcard takes, in lower case. */
  readonly spared?: ReadonlySet<string>;
  /**
   * Also what readers that hold "_" and "." for "-" take for one of the names, or for one of these
   * (SECURITY H4).
   */
  readonly aliasesOf?: readonly string[] | undefined;
}

/** Field names that something is to be done to: "x-a", or with one "*", "x-internal-*". */
export class NameSet {
  readonly #ids: Uint8Array; // by number: 1 if it is one of them
  readonly #names: ReadonlySet<string>; // those without a number, in lower case
  // What a field's name has to be like to be looked at more closely: by length (the last for all that
  // are longer) and by its first letter. Most fields of a message are none of those.
  readonly #lengths: Uint8Array;
  readonly #firsts: Uint8Array;
  readonly #wildFirsts: Uint8Array;
  readonly #wildcards: readonly (readonly [before: string, after: string])[];
  readonly #spared: ReadonlySet<string>;
  readonly #aliased: ReadonlySet<string> | undefined; // undefined: no aliases are looked for

  constructor(names: readonly string[], options: NameSetOptions = {}) {
    const lower = names.map((name) => name.toLowerCase());
    const whole = lower.filter((name) => !name.includes("*"));
    this.#spared = options.spared ?? new Set();
    this.#aliased =
      options.aliasesOf && new Set(options.aliasesOf.map((name) => name.toLowerCase()));
    this.#wildcards = lower.filter((name) => name.includes("*")).map(aroundStar);
    this.#names = new Set(whole.filter((name) => headerIdOfText(name) === OTHER));
    this.#ids = new Uint8Array(HEADER_ID_COUNT);
    this.#lengths = new Uint8Array(LENGTHS);
    this.#firsts = new Uint8Array(LETTERS);
    this.#wildFirsts = new Uint8Array(LETTERS);
    for (const name of whole) this.#ids[headerIdOfText(name)] = 1;
    this.#ids[OTHER] = 0;
    for (let id = 1; id < HEADER_ID_COUNT; id++) {
      if (this.#isWild(nameOfId(id))) this.#ids[id] = 1;
    }
    const looked = this.#aliased === undefined ? this.#names : [...lower, ...this.#aliased];
    for (const name of looked) {
      this.#lengths[lengthIndex(name.length)] = 1;
      this.#firsts[letterOf(name, 0)] = 1;
    }
    for (const [before] of this.#wildcards) {
      if (before === "") this.#wildFirsts.fill(1);
      else this.#wildFirsts[letterOf(before, 0)] = 1;
    }
  }

  get isEmpty(): boolean {
    return this.#names.size === 0 && this.#wildcards.length === 0 && !this.#ids.includes(1);
  }

  /** Of a field whose name stands in text[at..end), with the number `id`. */
  holds(id: number, text: string, at: number, end: number): boolean {
    if (id !== OTHER) return this.#ids[id] === 1;
    const first = letterOf(text, at);
    const mayBeWhole = this.#lengths[lengthIndex(end - at)] === 1 && this.#firsts[first] === 1;
    if (!mayBeWhole && this.#wildFirsts[first] === 0) return false;
    return this.holdsOther(text.slice(at, end).toLowerCase());
  }

  /** Of a name without a number, in lower case. */
  holdsOther(name: string): boolean {
    if (this.#names.has(name) || this.#isWild(name)) return true;
    return this.#aliased !== undefined && this.#isAlias(name, this.#aliased);
  }

  #isAlias(name: string, aliased: ReadonlySet<string>): boolean {
    if (!name.includes("_") && !name.includes(".")) return false;
    const plain = name.replace(/[_.]/g, "-");
    if (aliased.has(plain) || this.#names.has(plain)) return true;
    return this.#ids[headerIdOfText(plain)] === 1 || this.#isWild(plain);
  }

  #isWild(name: string): boolean {
    for (const [before, after] of this.#wildcards) {
      const isLong = name.length >= before.length + after.length;
      if (isLong && name.startsWith(before) && name.endsWith(after)) return !this.#spared.has(name);
    }
    return false;
  }
}

const LENGTHS = 64;
const LETTERS = 128;

/** Setting bit 5 makes letters small; that it makes "_" and DEL one costs a closer look. */
function letterOf(text: string, at: number): number {
  return (text.charCodeAt(at) | 0x20) & (LETTERS - 1);
}

function lengthIndex(length: number): number {
  return length < LENGTHS ? length : LENGTHS - 1;
}

function aroundStar(name: string): readonly [string, string] {
  const star = name.indexOf("*");
  return [name.slice(0, star), name.slice(star + 1)];
}
