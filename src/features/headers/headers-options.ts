import { wanted, z } from "../../core/fields.ts";
import { statusesField } from "../../core/status-set.ts";
import { substitutionFields, withProblem } from "../../core/substitution.ts";
import { templateField } from "../../core/template-field.ts";
import { parseAuthority } from "../../protocol/http/authority.ts";
import { nameProblem, type Side } from "./field-names.ts";

export interface HeadersOptions {
  readonly request?: EditOptions | undefined;
  readonly response: readonly ResponseEditOptions[];
}

/** Done in this order. Values are templates; those of `add` may be several. */
export interface EditOptions {
  readonly remove: readonly string[];
  readonly replace: readonly ReplaceOptions[];
  readonly set: Readonly<Record<string, string>>;
  readonly setIfMissing: Readonly<Record<string, string>>;
  readonly add: Readonly<Record<string, readonly string[]>>;
}

export interface ReplaceOptions {
  readonly name: string;
  readonly find: string;
  readonly with: string;
}

export interface ResponseEditOptions extends EditOptions {
  /** Statuses; empty for all. */
  readonly statuses: readonly (readonly [first: number, last: number])[];
}

/** What stands for the name of the endpoint itself, in `set: { host: … }`. */
export const OWN_HOST = "{endpoint}";

const EDITS_MAX = 100; // of one kind; each costs some tens of nanoseconds a message
const KEYS = "set, setIfMissing, add, remove and replace";

const WHAT: Readonly<Record<Side, string>> = {
  request: "what goes to the upstream",
  response: "what goes to the client",
};

function nameField(side: Side, isRemoved = false) {
  return z.string({ error: wanted("the name of a header") }).superRefine((name, context) => {
    const message = nameProblem(name, side, isRemoved);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });
}

const EMPTY = { error: 'must not be empty; "remove" takes a header away' };
const value = templateField("header").refine((text) => text !== "", EMPTY);
// Which names may have the word of the endpoint is for findBadHosts() to say.
const setValue = templateField("header", ["endpoint"]).refine((text) => text !== "", EMPTY);

function bounded<T extends z.ZodType>(schema: T) {
  return schema.refine((all) => Object.keys(all as object).length <= EDITS_MAX, {
    error: `must have at most ${EDITS_MAX}`,
  });
}

function valuesField(side: Side, of: typeof value = value) {
  const form = "a map of header names to values";
  return bounded(z.record(nameField(side), of, { error: wanted(form) })).default({});
}

function editKeys(side: Side) {
  const list = z.union([value.transform((one) => [one]), z.array(value).min(1)], {
    error: wanted("a value or a list of values"),
  });
  const added = z.record(nameField(side), list, {
    error: wanted("a map of header names to values, or lists of them"),
  });
  const replaced = z.strictObject(
    { name: nameField(side).describe("The header."), ...substitutionFields() },
    { error: wanted("a map with name, find and with") },
  );
  return {
    set: valuesField(side, side === "request" ? setValue : value).describe(
      `Names to values, with placeholders, in place of what there was: in ${WHAT[side]}. None if the value is empty.`,
    ),
    setIfMissing: valuesField(side).describe("As set, where there is no such header."),
    add: bounded(added).default({}).describe("Names to a value or several, besides what there is."),
    remove: bounded(z.array(nameField(side, true), { error: wanted("a list of header names") }))
      .default([])
      .describe('Names to take away, with "*" for any part: "x-internal-*". Done first.'),
    replace: bounded(
      z.array(replaced, { error: wanted("a list of maps with name, find and with") }),
    )
      .default([])
      .describe("Parts of values to replace, all that are found, in this order."),
  };
}

const request = z
  .strictObject(editKeys("request"), {
    error: (issue) =>
      issue.code === "unrecognized_keys" ? undefined : wanted(`a map of ${KEYS}`)(issue),
  })
  .superRefine((edits, context) => {
    findClashes(edits, context);
    findBadHosts(edits, context);
  });

const response = z
  .strictObject(
    {
      ...editKeys("response"),
      when: z
        .strictObject({ status: statusesField }, { error: wanted("a map with status") })
        .optional()
        .describe("For which responses; without it for all, also those of the proxy itself."),
    },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys"
          ? undefined
          : wanted(`a map of ${KEYS}, and when`)(issue),
    },
  )
  .superRefine(findClashes)
  .transform(
    ({ when, ...edits }): ResponseEditOptions => ({
      ...edits,
      statuses: when?.status ?? [],
    }),
  );

export const headersSchema: z.ZodType<HeadersOptions> = z
  .strictObject(
    {
      request: request.optional().describe("Edits of what goes to the upstream."),
      response: z
        .union([response.transform((one) => [one]), z.array(response).min(1).max(EDITS_MAX)], {
          error: (issue) =>
            typeof issue.input === "object" && issue.input !== null
              ? undefined
              : wanted("a map of edits, or a list of them")(issue),
        })
        .default([])
        .describe("Edits of what goes to the client, or a list of them, done in this order."),
    },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys"
          ? undefined
          : wanted("a map of request and response")(issue),
    },
  )
  .refine(({ request: edits, response: all }) => edits !== undefined || all.length > 0, {
    error: "must have request or response",
  });

/** A name that two edits speak of in ways that cannot both be meant. */
function findClashes(edits: EditOptions, context: z.core.$RefinementCtx): void {
  const seen = new Map<string, string>();
  const note = (name: string, path: readonly (string | number)[]) => {
    const lower = name.toLowerCase();
    const where = seen.get(lower);
    const key = String(path[0]);
    if (where !== undefined)
      context.addIssue({ code: "custom", path: [...path], message: `is also in ${where}` });
    seen.set(lower, key);
  };
  for (const name of Object.keys(edits.set)) note(name, ["set", name]);
  for (const name of Object.keys(edits.setIfMissing)) note(name, ["setIfMissing", name]);
  for (const [index, name] of edits.remove.entries()) note(name, ["remove", index]);
  for (const [index, each] of edits.replace.entries()) {
    const where = seen.get(each.name.toLowerCase());
    if (where !== undefined) {
      context.addIssue({
        code: "custom",
        path: ["replace", index, "name"],
        message: `is also in ${where}`,
      });
    }
    const message = withProblem(each, "header");
    if (message !== undefined)
      context.addIssue({ code: "custom", path: ["replace", index, "with"], message });
  }
}

/** A request has one Host, and its value is held against the grammar where it is known. */
function findBadHosts(edits: EditOptions, context: z.core.$RefinementCtx): void {
  const issue = (key: string, name: string, message: string) =>
    context.addIssue({ code: "custom", path: [key, name], message });
  for (const key of ["add", "setIfMissing"] as const) {
    const name = Object.keys(edits[key]).find((each) => each.toLowerCase() === "host");
    if (name !== undefined) issue(key, name, "must be in set: a request has one Host");
  }
  const replaced = edits.replace.findIndex(({ name }) => name.toLowerCase() === "host");
  if (replaced >= 0)
    context.addIssue({
      code: "custom",
      path: ["replace", replaced, "name"],
      message: "must not be Host; set gives it a value, with placeholders",
    });
  for (const [name, text] of Object.entries(edits.set)) {
    const isHost = name.toLowerCase() === "host";
    if (isHost && text === OWN_HOST) continue;
    if (text.includes(OWN_HOST)) issue("set", name, "{endpoint} is for host alone, by itself");
    if (!isHost || text.includes("{")) continue;
    if (parseAuthority(text, "http") === undefined)
      issue(
        "set",
        name,
        `must be a host such as "a.test" or "a.test:8080", or {endpoint}, got ${JSON.stringify(text)}`,
      );
  }
}
