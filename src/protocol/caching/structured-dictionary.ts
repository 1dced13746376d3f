/** A bare item of structured fields (RFC 9651 §3.3). What we have no use for is "other". */
export type Bare =
  | { readonly kind: "integer"; readonly value: number }
  | { readonly kind: "string" | "token"; readonly value: string }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "other" }; // decimals, byte sequences, dates, inner lists

const TRUE: Bare = { kind: "boolean", value: true };
const OTHER: Bare = { kind: "other" };

// Sticky, so that each takes up where the last one ended. All are linear.
const KEY = /[a-z*][a-z0-9_\-.*]*/y;
const SPACES = /[ ]*/y;
const BLANKS = /[ \t]*/y;
const NUMBER = /-?[0-9]{1,15}(?![0-9])(\.[0-9]{1,3}(?![0-9]))?/y;
const STRING = /"((?:[ !#-[\]-~]|\\["\\])*)"/y;
const TOKEN = /[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*/y;
const BYTES = /:[A-Za-z0-9+/=]*:/y;
const DATE = /@-?[0-9]{1,15}(?![0-9])/y;
const DISPLAY = /%"(?:[ !#$&-~]|%[0-9a-f]{2})*"/y;

/** RFC 9651 §4.2.2; undefined for what does not follow it to the letter, all of it. */
export function parseDictionary(text: string): ReadonlyMap<string, Bare> | undefined {
  return new Reader(text).dictionary();
}

class Reader {
  readonly #text: string;
  #at: number;

  constructor(text: string) {
    this.#text = text;
    this.#at = 0;
  }

  dictionary(): Map<string, Bare> | undefined {
    const members = new Map<string, Bare>();
    this.#take(SPACES);
    while (this.#at < this.#text.length) {
      const key = this.#take(KEY);
      if (key === undefined) return undefined;
      const value = this.#eat("=") ? this.#itemOrList() : TRUE;
      if (value === undefined || !this.#parameters()) return undefined;
      members.set(key, value); // of repeats the last one counts
      this.#take(BLANKS);
      if (this.#at === this.#text.length) return members;
      if (!this.#eat(",")) return undefined;
      this.#take(BLANKS);
      if (this.#at === this.#text.length) return undefined; // a comma at the end
    }
    return members;
  }

  #itemOrList(): Bare | undefined {
    return this.#eat("(") ? this.#innerList() : this.#bare();
  }

  #innerList(): Bare | undefined {
    for (;;) {
      this.#take(SPACES);
      if (this.#eat(")")) return OTHER;
      if (this.#bare() === undefined || !this.#parameters()) return undefined;
      const next = this.#text[this.#at];
      if (next !== " " && next !== ")") return undefined;
    }
  }

  #bare(): Bare | undefined {
    const number = this.#take(NUMBER);
    if (number !== undefined) {
      return number.includes(".") ? OTHER : { kind: "integer", value: Number(number) };
    }
    const quoted = this.#take(STRING);
    if (quoted !== undefined) {
      return { kind: "string", value: quoted.slice(1, -1).replace(/\\(.)/g, "$1") };
    }
    const token = this.#take(TOKEN);
    if (token !== undefined) return { kind: "token", value: token };
    if (this.#eat("?1")) return TRUE;
    if (this.#eat("?0")) return { kind: "boolean", value: false };
    for (const form of [BYTES, DATE, DISPLAY]) if (this.#take(form) !== undefined) return OTHER;
    return undefined;
  }

  /** They mean nothing to us, but have to be sound. */
  #parameters(): boolean {
    while (this.#eat(";")) {
      this.#take(SPACES);
      if (this.#take(KEY) === undefined) return false;
      if (this.#eat("=") && this.#bare() === undefined) return false;
    }
    return true;
  }

  #eat(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #take(form: RegExp): string | undefined {
    form.lastIndex = this.#at;
    const [found] = form.exec(this.#text) ?? [];
    if (found !== undefined) this.#at += found.length;
    return found;
  }
}
