import type { Exchange } from "./exchange.ts";
import { LocationState } from "./location-state.ts";
import { type ExtraValues, type Placeholder, parsePlaceholder } from "./placeholder.ts";
import { encode, type Place, type Stuff } from "./template-encode.ts";

/** Where a template's text goes. "location" is a whole URL, whose parts are encoded each in its way. */
export type TemplateContext = Place | "location";

interface Slot {
  readonly placeholder: Placeholder;
  readonly place: Place;
}

// {name} and {name.more}. Other braces (JSON, CSS) are text, and so is {{name}}, less one pair.
const SHAPE = /\{(\{?)([A-Za-z][A-Za-z0-9_]*(?:\.[^{}\s"]+)?)\}(\}?)/g;

/**
 * Text with placeholders, taken apart once. Expansion is one pass over the pieces: what a value holds
 * is never looked at for placeholders again, and is encoded for where it goes (P2).
 */
export class Template {
  readonly source: string;
  readonly #pieces: readonly (string | Slot)[];
  readonly #constant: string | undefined; // the whole of it, if it has no placeholder

  /**
   * Throws TemplateError. `extraNames` are the placeholders that only this place has, and
   * `extraStuff` is what their values are made of.
   */
  constructor(
    source: string,
    context: TemplateContext,
    extraNames: readonly string[] = [],
    extraStuff: Stuff = "text",
  ) {
    this.source = source;
    this.#pieces = parse(source, context, { names: extraNames, stuff: extraStuff });
    const isConstant = this.#pieces.every((piece) => typeof piece === "string");
    this.#constant = isConstant ? this.#pieces.join("") : undefined;
  }

  get isConstant(): boolean {
    return this.#constant !== undefined;
  }

  expand(exchange: Exchange | undefined, extra: ExtraValues = NO_VALUES): string {
    if (this.#constant !== undefined) return this.#constant;
    let out = "";
    for (const piece of this.#pieces) {
      if (typeof piece === "string") out += piece;
      else {
        const { placeholder, place } = piece;
        out += encode(placeholder.read(exchange, extra), placeholder.stuff, place);
      }
    }
    return out;
  }
}

const NO_VALUES: ExtraValues = {};

export class TemplateError extends Error {}

/** What is wrong with a template; undefined if nothing is. */
export function templateProblem(
  source: string,
  context: TemplateContext,
  extraNames: readonly string[] = [],
): string | undefined {
  try {
    new Template(source, context, extraNames);
    return undefined;
  } catch (error) {
    if (error instanceof TemplateError) return error.message;
    throw error;
  }
}

/** The parts of the path that the templates in some options ask for, to be held against the match. */
export function capturesIn(options: unknown): readonly string[] {
  if (typeof options === "string") {
    const names = [...options.matchAll(SHAPE)].map(([, open, name = "", close]) =>
      open === "{" && close === "}" ? "" : name,
    );
    return names
      .filter((name) => name.startsWith("path."))
      .map((name) => name.slice("path.".length));
  }
  if (typeof options !== "object" || options === null) return [];
  return [...new Set(Object.values(options).flatMap(capturesIn))];
}

interface Extras {
  readonly names: readonly string[];
  readonly stuff: Stuff;
}

function parse(source: string, context: TemplateContext, extras: Extras): (string | Slot)[] {
  const location = context === "location" ? new LocationState() : undefined;
  const pieces: (string | Slot)[] = [];
  const text = (piece: string) => {
    const problem = literalProblem(piece, context) ?? location?.literal(piece);
    if (problem !== undefined) throw new TemplateError(problem);
    if (piece !== "") pieces.push(escapedLiteral(piece, context));
  };
  let at = 0;
  for (const match of source.matchAll(SHAPE)) {
    const [whole, open, name = "", close] = match;
    const isQuoted = open === "{" && close === "}";
    // "{{path}" is a brace and a placeholder; "{{path}}" is the text "{path}".
    const before = source.slice(at, match.index) + (isQuoted ? whole.slice(1, -1) : open);
    text(before);
    at = match.index + whole.length;
    if (isQuoted) continue;
    pieces.push(slotOf(name, context, extras, location));
    if (close === "}") text("}");
  }
  text(source.slice(at));
  const problem = location?.end();
  if (problem !== undefined) throw new TemplateError(problem);
  return pieces;
}

function slotOf(
  name: string,
  context: TemplateContext,
  extras: Extras,
  location: LocationState | undefined,
): Slot {
  const placeholder = parsePlaceholder(name, extras.names, extras.stuff);
  if (typeof placeholder === "string") throw new TemplateError(placeholder);
  if (context !== "location") return { placeholder, place: context };
  const found = location!.placeholder(placeholder);
  if (typeof found === "string") throw new TemplateError(found);
  return { placeholder, place: found.place };
}

function literalProblem(piece: string, context: TemplateContext): string | undefined {
  const isLine =
    context === "header" || context === "location" || context === "path" || context === "query";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they could end the line
  return isLine && /[\x00-\x1f\x7f]/.test(piece) ? "must not have control characters" : undefined;
}

/** Literal text is the author's, so it is only brought to what the place can hold. */
function escapedLiteral(piece: string, context: TemplateContext): string {
  if (context === "header") return encode(piece, "text", "header");
  if (context !== "location" && context !== "path" && context !== "query") return piece;
  return piece.replace(/[^\x21-\x7e]+/g, (run) => encodeURIComponent(run.toWellFormed()));
}
