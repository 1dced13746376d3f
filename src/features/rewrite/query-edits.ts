import type { Exchange } from "../../core/exchange.ts";
import { wanted, z } from "../../core/fields.ts";
import { Template } from "../../core/template.ts";
import { templateField } from "../../core/template-field.ts";
import { decodeForm } from "../../protocol/http/query.ts";

/** Done in this order. Names are decoded ones; values are templates. */
export interface QueryEditOptions {
  readonly keep?: readonly string[] | undefined; // these alone
  readonly remove: readonly string[];
  readonly rename: Readonly<Record<string, string>>;
  readonly set: Readonly<Record<string, string>>;
  readonly add: Readonly<Record<string, string>>;
}

const NAMES_MAX = 100;

const name = z
  .string({ error: wanted("the name of a parameter") })
  .refine((text) => text !== "", { error: wanted("the name of a parameter") });
const names = z
  .array(name, { error: wanted('a list of parameter names such as ["id", "utm_*"]') })
  .max(NAMES_MAX, { error: `must have at most ${NAMES_MAX}` });

function values(form: string) {
  return z
    .record(name, templateField("query"), { error: wanted(form) })
    .refine((map) => Object.keys(map).length <= NAMES_MAX, {
      error: `must have at most ${NAMES_MAX}`,
    })
    .default({});
}

export const queryEditsSchema: z.ZodType<QueryEditOptions> = z
  .strictObject(
    {
      keep: names.optional().describe('The only ones to keep, with "*" at the end for any rest.'),
      remove: names.default([]).describe('Those to take away, with "*" at the end for any rest.'),
      rename: z
        .record(name, name, { error: wanted("a map of names to names") })
        .default({})
        .describe("Names to other names; the values stay."),
      set: values("a map of names to values").describe(
        "Names to values, with placeholders, in place of what there was. None if the value is empty.",
      ),
      add: values("a map of names to values").describe("As set, beside what there is."),
    },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys"
          ? undefined
          : wanted("a text, or a map of keep, remove, rename, set and add")(issue),
    },
  )
  .superRefine(({ keep, remove, rename, set, add }, context) => {
    if (keep !== undefined && remove.length > 0)
      context.addIssue({ code: "custom", path: ["remove"], message: "must not be beside keep" });
    const counts = [keep ?? [], remove, rename, set, add].map((each) => Object.keys(each).length);
    if (keep === undefined && counts.every((count) => count === 0))
      context.addIssue({
        code: "custom",
        message: "must have one of keep, remove, rename, set and add",
      });
  });

/**
 * Changes the parameters of a query. What is not spoken of stays letter by letter, also what is no
 * good form encoding: applications have their own ideas of queries.
 */
export class QueryEdits {
  readonly #keeps: NameTest | undefined;
  readonly #removes: NameTest;
  readonly #rename: ReadonlyMap<string, string>; // decoded → as it is written
  readonly #added: readonly (readonly [name: string, value: Template])[];

  constructor({ keep, remove, rename, set, add }: QueryEditOptions) {
    this.#keeps = keep && new NameTest(keep);
    this.#removes = new NameTest([...remove, ...Object.keys(set)]);
    this.#rename = new Map(Object.entries(rename).map(([from, to]) => [from, written(to)]));
    this.#added = [...Object.entries(set), ...Object.entries(add)].map(
      ([each, value]) => [written(each), new Template(value, "query")] as const,
    );
  }

  apply(query: string, exchange: Exchange): string {
    const parts: string[] = [];
    for (const part of query === "" ? [] : query.split("&")) {
      const after = this.#edited(part);
      if (after !== undefined) parts.push(after);
    }
    for (const [each, template] of this.#added) {
      const value = template.expand(exchange);
      if (value !== "") parts.push(`${each}=${value}`);
    }
    return parts.join("&");
  }

  /** One parameter as it goes on; undefined if it does not. */
  #edited(part: string): string | undefined {
    const equals = part.indexOf("=");
    const rawName = equals < 0 ? part : part.slice(0, equals);
    const decoded = decodeForm(rawName);
    if (this.#keeps?.has(decoded) === false || this.#removes.has(decoded)) return undefined;
    const other = this.#rename.get(decoded);
    return other === undefined ? part : other + part.slice(rawName.length);
  }
}

/** Names, and beginnings of names: "utm_*". */
class NameTest {
  readonly #names: ReadonlySet<string>;
  readonly #starts: readonly string[];

  constructor(all: readonly string[]) {
    this.#names = new Set(all.filter((each) => !each.endsWith("*")));
    this.#starts = all.filter((each) => each.endsWith("*")).map((each) => each.slice(0, -1));
  }

  has(text: string): boolean {
    return this.#names.has(text) || this.#starts.some((start) => text.startsWith(start));
  }
}

function written(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
