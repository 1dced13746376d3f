import type { Replacement } from "./substitute-options.ts";

/** A replacement in bytes. */
export interface Rule {
  readonly find: Buffer;
  readonly with: Buffer;
  readonly once: boolean;
}

export function rulesOf(replace: readonly Replacement[]): readonly Rule[] {
  return replace.map((each) => ({
    find: Buffer.from(each.find, "utf8"),
    with: Buffer.from(each.with, "utf8"),
    once: each.once,
  }));
}

export interface Match {
  readonly at: number;
  readonly rule: Rule;
}

/** A rule, and where it is found next in the bytes at hand; Infinity: nowhere. */
interface Sought {
  readonly rule: Rule;
  at: number;
}

/** Finds what is replaced next in one response; a rule that is for once is used up. */
export class Finder {
  #sought: readonly Sought[];

  constructor(rules: readonly Rule[]) {
    this.#sought = rules.map((rule) => ({ rule, at: -1 }));
  }

  /** Other bytes are at hand: what was found is found no more. */
  begin(): void {
    for (const each of this.#sought) each.at = -1;
  }

  /**
   * The leftmost from `from` on that begins before `end`; of several there the one written first. Each
   * rule goes over the bytes once, however many matches of others there are.
   */
  next(bytes: Buffer, from: number, end: number): Match | undefined {
    let found: Sought | undefined;
    for (const each of this.#sought) {
      if (each.at < from) {
        const at = bytes.indexOf(each.rule.find, from);
        each.at = at < 0 ? Number.POSITIVE_INFINITY : at;
      }
      if (each.at < (found?.at ?? end)) found = each;
    }
    if (found === undefined) return undefined;
    const { at, rule } = found;
    if (rule.once) this.#sought = this.#sought.filter((each) => each !== found);
    return { at, rule };
  }

  /** Where something begins that may become a match with what comes next; the length if nothing does. */
  openAt(bytes: Buffer, from: number): number {
    let open = bytes.length;
    for (const {
      rule: { find },
    } of this.#sought) {
      const first = Math.max(from, bytes.length - find.length + 1);
      for (let at = first; at < open; at++) {
        if (bytes[at] === find[0] && isBegun(bytes, at, find)) open = at;
      }
    }
    return open;
  }
}

/** All that there is from `at` on is how `find` begins. */
function isBegun(bytes: Buffer, at: number, find: Buffer): boolean {
  const count = bytes.length - at;
  return bytes.compare(find, 0, count, at, bytes.length) === 0;
}
