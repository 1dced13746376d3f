/**
 * Cache-Control, read as leniently as RFC 9111 §5.2 and §4.2.1 allow and where they leave a choice,
 * towards storing less: other parsers mis-read repeats, letter case and commas within quotes.
 */
export interface CacheControl {
  readonly noStore: boolean;
  readonly noCache: boolean; // without a list of fields
  readonly noCacheFields: readonly string[]; // lower case
  readonly isPrivate: boolean; // without a list of fields
  readonly privateFields: readonly string[];
  readonly isPublic: boolean;
  readonly mustRevalidate: boolean;
  readonly proxyRevalidate: boolean;
  readonly mustUnderstand: boolean;
  readonly noTransform: boolean;
  readonly onlyIfCached: boolean;
  // Seconds; undefined: not there. What is no number counts as 0, which is stale (§4.2.1).
  readonly maxAge: number | undefined;
  readonly sMaxAge: number | undefined;
  readonly staleWhileRevalidate: number | undefined; // RFC 5861
  readonly staleIfError: number | undefined;
  readonly minFresh: number | undefined;
  readonly maxStale: number | undefined; // Infinity: any staleness will do
}

/** A directive as it stands: `argument` without its quotes. */
export interface Directive {
  readonly name: string; // lower case
  readonly argument: string | undefined;
}

export const NO_DIRECTIVES: CacheControl = cacheControlOf([]);

/** The longest time that is told apart from longer ones (RFC 9111 §1.2.2). */
export const SECONDS_MAX = 2 ** 31;

/** `values`: of every field line, in order. */
export function parseCacheControl(values: readonly string[]): CacheControl {
  if (values.length === 0) return NO_DIRECTIVES;
  return cacheControlOf(values.flatMap(directives));
}

export function cacheControlOf(found: readonly Directive[]): CacheControl {
  const has = (name: string) => found.some((each) => each.name === name);
  const seconds = (name: string) => firstSeconds(found, name);
  return {
    noStore: has("no-store"),
    noCache: isUnqualified(found, "no-cache"),
    noCacheFields: fieldsOf(found, "no-cache"),
    isPrivate: isUnqualified(found, "private"),
    privateFields: fieldsOf(found, "private"),
    isPublic: has("public"),
    mustRevalidate: has("must-revalidate"),
    proxyRevalidate: has("proxy-revalidate"),
    mustUnderstand: has("must-understand"),
    noTransform: has("no-transform"),
    onlyIfCached: has("only-if-cached"),
    maxAge: seconds("max-age"),
    sMaxAge: seconds("s-maxage"),
    staleWhileRevalidate: seconds("stale-while-revalidate"),
    staleIfError: seconds("stale-if-error"),
    minFresh: seconds("min-fresh"),
    maxStale: found.some(({ name, argument }) => name === "max-stale" && argument === undefined)
      ? Number.POSITIVE_INFINITY
      : seconds("max-stale"),
  };
}

/** Of repeats the first counts (§4.2.1). */
function firstSeconds(found: readonly Directive[], name: string): number | undefined {
  const first = found.find((each) => each.name === name);
  return first === undefined ? undefined : (parseSeconds(first.argument ?? "") ?? 0);
}

/** delta-seconds of RFC 9111 §1.2.2; undefined for what is none: a sign, a fraction, nothing. */
export function parseSeconds(text: string): number | undefined {
  if (!/^[0-9]{1,40}$/.test(text)) return undefined;
  return Math.min(Number(text), SECONDS_MAX);
}

/** With a list the directive is about those fields alone (§5.2.2.4, §5.2.2.7). */
function isUnqualified(found: readonly Directive[], name: string): boolean {
  return found.some((each) => each.name === name && namesIn(each.argument).length === 0);
}

function fieldsOf(found: readonly Directive[], name: string): readonly string[] {
  return found.flatMap((each) => (each.name === name ? namesIn(each.argument) : []));
}

function namesIn(argument: string | undefined): string[] {
  if (argument === undefined) return [];
  return argument
    .toLowerCase()
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

/** The members of one field line. A quoted comma does not part them; what has no name is nothing. */
export function directives(value: string): Directive[] {
  const found: Directive[] = [];
  for (let at = 0; at < value.length; ) {
    const end = memberEnd(value, at);
    const directive = directiveOf(value.slice(at, end));
    if (directive !== undefined) found.push(directive);
    at = end + 1;
  }
  return found;
}

/** Up to the comma that is not within quotes; an open quote takes all that is left. */
function memberEnd(value: string, from: number): number {
  let isQuoted = false;
  for (let at = from; at < value.length; at++) {
    const char = value[at];
    if (isQuoted && char === "\\") at++;
    else if (char === '"') isQuoted = !isQuoted;
    else if (char === "," && !isQuoted) return at;
  }
  return value.length;
}

function directiveOf(member: string): Directive | undefined {
  const equals = member.indexOf("=");
  const name = (equals < 0 ? member : member.slice(0, equals)).trim().toLowerCase();
  if (name === "") return undefined;
  if (equals < 0) return { name, argument: undefined };
  // §5.2: no space around "=". A number behind one is none, and so stale.
  const argument = member.slice(equals + 1).trimEnd();
  return { name, argument: argument.startsWith('"') ? unquoted(argument) : argument };
}

/** RFC 9110 §5.6.4; tokens and quoted strings mean the same here (RFC 9111 §5.2). */
function unquoted(text: string): string {
  const inner = text.endsWith('"') && text.length > 1 ? text.slice(1, -1) : text.slice(1);
  return inner.replace(/\\(.)/g, "$1");
}
