/**
 * TypeScript text with what is not code blanked out, every character and line in its old place, so
 * that a rule can search without finding what a comment or a string says.
 */
export interface Masked {
  readonly code: string; // comments, strings and regular expressions blank
  readonly uncommented: string; // only comments blank
  readonly comments: string; // only comments left
}

// After one of these a slash begins a regular expression; after anything else it divides.
const BEFORE_REGEX =
  /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|void|throw|do|else))$/;

export function mask(text: string): Masked {
  const scan = new Scan(text);
  scan.code(0, false);
  return {
    code: scan.blanked(["comment", "literal"]),
    uncommented: scan.blanked(["comment"]),
    comments: scan.only("comment"),
  };
}

type Kind = "comment" | "literal";

class Scan {
  readonly #text: string;
  readonly #spans: { readonly kind: Kind; readonly start: number; readonly end: number }[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  /** Reads code from `at` to the end, or to the brace that closes a template's `${`. */
  code(at: number, inTemplate: boolean): number {
    const text = this.#text;
    let depth = 0;
    let index = at;
    while (index < text.length) {
      const two = text.slice(index, index + 2);
      const one = text[index]!;
      if (two === "//") index = this.#mark("comment", index, this.#find("\n", index));
      else if (two === "/*") index = this.#mark("comment", index, this.#find("*/", index + 2) + 2);
      else if (one === '"' || one === "'")
        index = this.#mark("literal", index, this.#quoted(index));
      else if (one === "`") index = this.#template(index);
      else if (one === "/" && this.#mayBeRegex(index)) {
        index = this.#mark("literal", index, this.#regex(index));
      } else {
        if (one === "{") depth++;
        if (one === "}" && depth-- === 0 && inTemplate) return index + 1;
        index++;
      }
    }
    return index;
  }

  blanked(kinds: readonly Kind[]): string {
    let out = "";
    let from = 0;
    for (const { kind, start, end } of this.#spans) {
      if (!kinds.includes(kind)) continue;
      out += this.#text.slice(from, start) + blank(this.#text.slice(start, end));
      from = end;
    }
    return out + this.#text.slice(from);
  }

  only(kind: Kind): string {
    let out = "";
    let from = 0;
    for (const span of this.#spans) {
      if (span.kind !== kind) continue;
      out += blank(this.#text.slice(from, span.start)) + this.#text.slice(span.start, span.end);
      from = span.end;
    }
    return out + blank(this.#text.slice(from));
  }

  #mark(kind: Kind, start: number, end: number): number {
    this.#spans.push({ kind, start, end });
    return end;
  }

  #find(what: string, from: number): number {
    const found = this.#text.indexOf(what, from);
    return found < 0 ? this.#text.length : found;
  }

  /** Past the closing quote; a string does not go past its line. */
  #quoted(start: number): number {
    const quote = this.#text[start]!;
    for (let index = start + 1; index < this.#text.length; index++) {
      const letter = this.#text[index];
      if (letter === "\\") index++;
      else if (letter === quote) return index + 1;
      else if (letter === "\n") return index;
    }
    return this.#text.length;
  }

  #template(start: number): number {
    let from = start;
    let index = start + 1;
    while (index < this.#text.length) {
      const letter = this.#text[index];
      if (letter === "\\") index += 2;
      else if (letter === "`") return this.#mark("literal", from, index + 1);
      else if (letter === "$" && this.#text[index + 1] === "{") {
        this.#mark("literal", from, index);
        index = this.code(index + 2, true);
        from = index;
      } else index++;
    }
    return this.#mark("literal", from, this.#text.length);
  }

  #mayBeRegex(at: number): boolean {
    return BEFORE_REGEX.test(this.#text.slice(Math.max(0, at - 40), at).trimEnd());
  }

  #regex(start: number): number {
    let inClass = false;
    for (let index = start + 1; index < this.#text.length; index++) {
      const letter = this.#text[index];
      if (letter === "\\") index++;
      else if (letter === "\n")
        return start + 1; // it was a division after all
      else if (letter === "[") inClass = true;
      else if (letter === "]") inClass = false;
      else if (letter === "/" && !inClass) return index + 1;
    }
    return this.#text.length;
  }
}

function blank(text: string): string {
  return text.replaceAll(/[^\n]/g, " ");
}
