import { Pattern, type PatternMatch, patternProblem } from "../base/pattern/pattern.ts";
import type { Exchange } from "./exchange.ts";
import { wanted, z } from "./fields.ts";
import { Template, templateProblem } from "./template.ts";
import type { Place, Stuff } from "./template-encode.ts";

/** What is looked for in a text, and what stands there instead. */
export interface SubstitutionOptions {
  readonly find: string; // as it is, or "~" and a regular expression
  readonly with: string; // a template
}

/** The two keys of a substitution; see withProblem() for what is wrong with `with`. */
export function substitutionFields() {
  return {
    find: z
      .string({ error: wanted('a text, or "~" and a regular expression') })
      .superRefine((text, context) => {
        const message = findProblem(text);
        if (message !== undefined) context.addIssue({ code: "custom", message });
      })
      .describe('What to look for: a text, or "~" and a regular expression.'),
    with: z
      .string({ error: wanted("a text") })
      .describe("What to put there, with placeholders, and {match.1} for groups."),
  };
}

/** What is wrong with `with` beside that `find`; undefined if nothing is, or `find` is wrong itself. */
export function withProblem(options: SubstitutionOptions, place: Place): string | undefined {
  if (findProblem(options.find) !== undefined) return undefined;
  return templateProblem(options.with, place, groupNames(patternOf(options.find)));
}

function findProblem(find: string): string | undefined {
  if (find === "") return "must not be empty";
  return find.startsWith("~") ? patternProblem(find.slice(1)) : undefined;
}

/** Replaces all that it finds. Values of clients are encoded for the place and never looked at again. */
export class Substitution {
  readonly #find: string;
  readonly #pattern: Pattern | undefined; // of a regular expression
  readonly #with: Template;

  /** `stuff`: what the texts that it looks into are made of. */
  constructor(options: SubstitutionOptions, place: Place, stuff: Stuff) {
    this.#find = options.find;
    this.#pattern = patternOf(options.find);
    this.#with = new Template(options.with, place, groupNames(this.#pattern), stuff);
  }

  /** The same text if it is not there. */
  apply(text: string, exchange: Exchange): string {
    if (this.#pattern !== undefined) {
      return this.#pattern.replace(text, (match) =>
        this.#with.expand(exchange, this.#groupsOf(match)),
      );
    }
    if (!text.includes(this.#find)) return text;
    return text.split(this.#find).join(this.#with.expand(exchange, { "match.0": this.#find }));
  }

  #groupsOf(match: PatternMatch): Readonly<Record<string, string>> {
    if (this.#with.isConstant) return {};
    const groups: Record<string, string> = {};
    for (const name of this.#pattern!.groupNames) groups[`match.${name}`] = match.get(name) ?? "";
    return groups;
  }
}

function patternOf(find: string): Pattern | undefined {
  return find.startsWith("~") ? new Pattern(find.slice(1)) : undefined;
}

function groupNames(pattern: Pattern | undefined): readonly string[] {
  return (pattern?.groupNames ?? ["0"]).map((name) => `match.${name}`);
}
