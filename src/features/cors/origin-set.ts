import { Pattern, patternProblem } from "../../base/pattern/pattern.ts";
import { parseAuthority } from "../../protocol/http/authority.ts";

const FORM =
  '"https://app.example.com", "https://*.example.com", "~" and a regular expression, or "*"';

// What a page that nobody meant could come from; an expression that takes one of these takes all.
const STRANGERS = [
  "https://a.invalid",
  "http://a.invalid",
  "https://a.example.com.invalid",
  "https://0123456789abcdef.invalid:4711",
];

/** Which origins may read the responses of a route. */
export class OriginSet {
  readonly isAny: boolean;
  readonly #exact: ReadonlySet<string>;
  readonly #below: readonly (readonly [before: string, after: string])[];
  readonly #patterns: readonly Pattern[];

  /** Of texts without an originProblem(). */
  constructor(origins: readonly string[]) {
    const plain = origins.filter((each) => !each.startsWith("~") && each !== "*");
    this.isAny = origins.includes("*");
    this.#exact = new Set(plain.filter((each) => !each.includes("*")).map(canonical));
    this.#below = plain
      .filter((each) => each.includes("*"))
      .map((each) => canonical(each).split("*") as [string, string]);
    this.#patterns = origins.filter((each) => each.startsWith("~")).map(wholePattern);
  }

  has(origin: string): boolean {
    if (this.isAny) return true;
    if (this.#exact.has(origin)) return true;
    // A sandboxed frame of anybody's has the origin "null", and so is it nobody's.
    if (origin === "null") return false;
    for (const [before, after] of this.#below) {
      if (isBelow(origin, before, after)) return true;
    }
    for (const pattern of this.#patterns) if (pattern.test(origin)) return true;
    return false;
  }
}

/** What is wrong with an origin as written; undefined if nothing is. */
export function originProblem(source: string): string | undefined {
  if (source === "*") return undefined;
  if (source === "null") return "must not be null, which pages of anybody have: those in a sandbox";
  if (source.startsWith("~")) return patternProblem(source.slice(1));
  const found = /^([a-z][a-z0-9+.-]*):\/\/(?:\*\.)?([^/]+)$/i.exec(source);
  const isHost = found !== null && parseAuthority(found[2]!, "http") !== undefined;
  return isHost ? undefined : `must be ${FORM}, got ${JSON.stringify(source)}`;
}

/** Why an origin must not be allowed where credentials are; undefined if it may. */
export function credentialsProblem(source: string): string | undefined {
  if (source === "*")
    return 'must not have "*" beside credentials: every page could act as its user';
  if (!source.startsWith("~")) return undefined;
  const pattern = wholePattern(source);
  return STRANGERS.some((each) => pattern.test(each))
    ? "must not take every origin beside credentials: every page could act as its user"
    : undefined;
}

/** The expression is for the whole origin: "~example\.com" is not "https://example.com.evil". */
function wholePattern(source: string): Pattern {
  return new Pattern(`^(?:${source.slice(1)})$`);
}

/** As browsers write it: in lower case, without the usual port. */
function canonical(origin: string): string {
  const lower = origin.toLowerCase();
  if (lower.startsWith("https://")) return lower.replace(/:443$/, "");
  return lower.startsWith("http://") ? lower.replace(/:80$/, "") : lower;
}

/** One label or several, and nothing that would end a host. */
function isBelow(origin: string, before: string, after: string): boolean {
  if (origin.length <= before.length + after.length) return false;
  if (!origin.startsWith(before) || !origin.endsWith(after)) return false;
  const labels = origin.slice(before.length, origin.length - after.length);
  return /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/.test(labels) && !labels.includes("..");
}
