import { Pattern, patternProblem } from "../base/pattern/pattern.ts";
import type { Captures } from "../core/runtime.ts";
import { canonicalPath } from "../protocol/http/path.ts";

/**
 * One way to write a path: exact "/a", prefix "/a/*" (which matches "/a" as well), parameters
 * "/users/:id" (one segment each, never empty), or a regular expression "~^/v[0-9]+/". Literal text
 * is brought to the canonical form that requests come in.
 */
export interface PathPattern {
  readonly source: string;
  readonly shape: PathShape | undefined; // undefined for an expression, which no index can hold
  readonly captureNames: readonly string[];
  matches(path: string): boolean;
  /** Of a path that matches. */
  captures(path: string): Captures;
}

export interface PathShape {
  readonly segments: readonly Segment[];
  readonly isPrefix: boolean;
}

export type Segment =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "parameter"; readonly name: string };

/** Throws on what pathProblem refuses. */
export function parsePathPattern(source: string): PathPattern {
  const problem = pathProblem(source);
  if (problem !== undefined) throw new TypeError(`Cannot use the path ${source}: ${problem}`);
  if (source.startsWith("~")) return new ExpressionPath(source);
  const shape = shapeOf(source);
  return shape.segments.every((segment) => segment.kind === "literal")
    ? new LiteralPath(source, shape)
    : new ParameterPath(source, shape);
}

/** What is wrong with a path as written; undefined if nothing is. */
export function pathProblem(source: string): string | undefined {
  if (source.startsWith("~")) return patternProblem(source.slice(1));
  if (!source.startsWith("/")) return 'must start with "/", or with "~" for a regular expression';
  const names = new Set<string>();
  const segments = source.slice(1).split("/");
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    const problem = segmentProblem(segment, isLast);
    if (problem !== undefined) return problem;
    if (!segment.startsWith(":")) continue;
    if (names.has(segment)) return `names ${segment} twice`;
    names.add(segment);
  }
  const canonical = canonicalLiteral(literalOf(source));
  return canonical.startsWith("/")
    ? undefined
    : `must be a path that a request can have, not ${canonical}`;
}

function segmentProblem(segment: string, isLast: boolean): string | undefined {
  if (segment.startsWith(":")) {
    return /^:[A-Za-z_][A-Za-z0-9_]*$/.test(segment)
      ? undefined
      : `must name the parameter ${segment} with letters, digits and "_"`;
  }
  if (segment.includes("*") && !(segment === "*" && isLast)) {
    return 'must have "*" only as the whole last segment, as in "/a/*"; for more write "~" and a regular expression';
  }
  if (segment === "." || segment === "..") return "must not have dot segments";
  return /[?#]/.test(segment)
    ? "must not have a query or a fragment; match those with query"
    : undefined;
}

/** With what is no literal text taken for a letter, so that the rest can be checked as a path. */
function literalOf(source: string): string {
  return source.replace(/\/:[^/]*/g, "/p").replace(/\/\*$/, "");
}

/** Canonical, with what people write into a config as it looks ("/café", "/a b") escaped. */
function canonicalLiteral(text: string): string {
  const ascii = text.replace(/[^\x21-\x7e]+/g, (run) => encodeURIComponent(run.toWellFormed()));
  if (ascii === "") return "/"; // of "/*"
  return canonicalPath(ascii, 0, ascii.length, { slashes: "keep", encodedSlashes: "keep" });
}

function shapeOf(source: string): PathShape {
  const isPrefix = source.endsWith("/*");
  const text = isPrefix ? source.slice(0, -"/*".length) : source;
  // "/*" has no segment of its own, "/" has an empty one.
  const segments = text === "" ? [] : text.slice(1).split("/").map(segmentOf);
  return { segments, isPrefix };
}

function segmentOf(text: string): Segment {
  if (text.startsWith(":")) return { kind: "parameter", name: text.slice(1) };
  return { kind: "literal", text: canonicalLiteral(`/${text}`).slice(1) };
}

class LiteralPath implements PathPattern {
  readonly source: string;
  readonly shape: PathShape;
  readonly captureNames: readonly string[];
  readonly #text: string; // without the "/*"

  constructor(source: string, shape: PathShape) {
    this.source = source;
    this.shape = shape;
    this.captureNames = shape.isPrefix ? ["*"] : [];
    this.#text = shape.segments
      .map((segment) => (segment.kind === "literal" ? `/${segment.text}` : ""))
      .join("");
  }

  matches(path: string): boolean {
    if (!this.shape.isPrefix) return path === this.#text;
    const { length } = this.#text;
    if (!path.startsWith(this.#text)) return false;
    // At a segment's end only: "/api/*" is not to guard "/apicot". And "*" is below nothing.
    return path.length === length ? length > 0 : path.charCodeAt(length) === SLASH;
  }

  captures(path: string): Captures {
    const rest = path.slice(this.#text.length + 1);
    const { isPrefix } = this.shape;
    return { get: (name) => (isPrefix && name === "*" ? rest : undefined) };
  }
}

class ParameterPath implements PathPattern {
  readonly source: string;
  readonly shape: PathShape;
  readonly captureNames: readonly string[];

  constructor(source: string, shape: PathShape) {
    this.source = source;
    this.shape = shape;
    const names = shape.segments.flatMap((each) => (each.kind === "parameter" ? [each.name] : []));
    this.captureNames = shape.isPrefix ? [...names, "*"] : names;
  }

  matches(path: string): boolean {
    const { segments, isPrefix } = this.shape;
    let at = 0;
    for (let index = 0; index < segments.length; index++) {
      if (path.charCodeAt(at) !== SLASH) return false;
      const end = segmentEnd(path, at + 1);
      const segment = segments[index]!;
      if (segment.kind === "parameter") {
        if (end === at + 1) return false;
      } else if (end - at - 1 !== segment.text.length || !path.startsWith(segment.text, at + 1)) {
        return false;
      }
      at = end;
    }
    return isPrefix || at === path.length;
  }

  captures(path: string): Captures {
    const values = new Map<string, string>();
    let at = 0;
    for (const segment of this.shape.segments) {
      const end = segmentEnd(path, at + 1);
      if (segment.kind === "parameter") values.set(segment.name, path.slice(at + 1, end));
      at = end;
    }
    if (this.shape.isPrefix) values.set("*", path.slice(at + 1));
    return values;
  }
}

class ExpressionPath implements PathPattern {
  readonly source: string;
  readonly shape: undefined;
  readonly captureNames: readonly string[];
  readonly #pattern: Pattern;

  constructor(source: string) {
    this.source = source;
    this.shape = undefined;
    this.#pattern = new Pattern(source.slice(1));
    this.captureNames = this.#pattern.groupNames;
  }

  matches(path: string): boolean {
    return this.#pattern.test(path);
  }

  captures(path: string): Captures {
    const match = this.#pattern.find(path);
    return { get: (name) => match?.get(name) };
  }
}

function segmentEnd(path: string, at: number): number {
  const slash = path.indexOf("/", at);
  return slash < 0 ? path.length : slash;
}

const SLASH = 0x2f;
