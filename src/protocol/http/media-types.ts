/** "text/*" "application/json" "*\/*+json" "*\/*": of type, subtype or suffix, in lower case. */
const PATTERN = /^(\*|[\w!#$&^.+-]+)\/(\*|\*\+[\w!#$&^.-]+|[\w!#$&^.+-]+)$/;

export function isMediaPattern(text: string): boolean {
  return text.length <= 127 && PATTERN.test(text) && (!text.startsWith("*/") || text[2] === "*");
}

const KNOWN_MAX = 256;
const TYPE_CHARS_MAX = 256;

/** Whether a Content-Type is one of those that patterns name. */
export class MediaTypes {
  readonly #exact: ReadonlySet<string>;
  readonly #families: ReadonlySet<string>; // "text"; "*" for all
  readonly #suffixes: ReadonlySet<string>; // "*+json" "application+json"
  readonly #known: Map<string, boolean>; // by the value as it came: an origin has few of them

  constructor(patterns: readonly string[]) {
    const lower = patterns.map((pattern) => pattern.toLowerCase());
    this.#exact = new Set(lower.filter((pattern) => !pattern.includes("*")));
    this.#families = new Set(
      lower.filter((pattern) => pattern.endsWith("/*")).map((pattern) => pattern.slice(0, -2)),
    );
    this.#suffixes = new Set(
      lower.filter((pattern) => pattern.includes("/*+")).map((each) => each.replace("/*+", "+")),
    );
    this.#known = new Map();
  }

  has(contentType: string): boolean {
    const known = this.#known.get(contentType);
    if (known !== undefined) return known;
    const found = this.#find(contentType.slice(0, TYPE_CHARS_MAX));
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(contentType.slice(0, TYPE_CHARS_MAX), found);
    return found;
  }

  #find(contentType: string): boolean {
    const [type = ""] = contentType.toLowerCase().split(";");
    const name = type.trim();
    const slash = name.indexOf("/");
    if (slash <= 0) return false;
    if (this.#exact.has(name)) return true;
    const family = name.slice(0, slash);
    if (this.#families.has(family) || this.#families.has("*")) return true;
    const plus = name.lastIndexOf("+");
    if (plus < slash) return false;
    const suffix = name.slice(plus + 1);
    return this.#suffixes.has(`*+${suffix}`) || this.#suffixes.has(`${family}+${suffix}`);
  }
}
