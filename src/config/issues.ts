/** What zod finds → findings in our grammar: one sentence each, at the innermost place. */
import type { z } from "zod";
import type { Path } from "../core/feature.ts";
import { listed, shown, wanted } from "../core/fields.ts";
import { cannotUse, type Finding, PROBLEMS_MAX } from "./problems.ts";
import { knownKeys } from "./schema-walk.ts";
import { didYouMean } from "./suggest.ts";

export type Shaped =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly findings: readonly Finding[] };

export function shape(schema: z.ZodType, value: unknown): Shaped {
  const result = schema.safeParse(value, { error: inGrammar });
  if (result.success) return { ok: true, value: result.data };
  const issues = result.error.issues.flatMap((issue) => flattened(issue, []));
  return { ok: false, findings: issues.flatMap((issue) => findingsOf(issue, schema)) };
}

type Issue = z.core.$ZodIssue;

interface PathedIssue {
  readonly issue: Issue;
  readonly at: Path;
}

const UNION = "must fit one of the forms"; // replaced by what the arms say

/** Says in our words what a schema has no words of its own for. */
function inGrammar(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return wanted(KINDS[issue.expected as string] ?? (issue.expected as string))(issue);
    case "invalid_value":
      return wordWanted(issue.input, issue.values as readonly unknown[]);
    case "too_small":
      return wanted(bound("at least", issue.minimum as number, issue))(issue);
    case "too_big":
      return wanted(bound("at most", issue.maximum as number, issue))(issue);
    case "invalid_format":
      return wanted(`text of the form ${issue.pattern ?? issue.format}`)(issue);
    case "not_multiple_of":
      return wanted(`a multiple of ${issue.divisor}`)(issue);
    case "invalid_union":
      return issue.discriminator === undefined ? UNION : kindWanted(issue);
    default:
      return undefined;
  }
}

const KINDS: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
  function: "a function",
};

function wordWanted(input: unknown, values: readonly unknown[]): string {
  const words = values.map(String);
  const near = typeof input === "string" ? didYouMean(input, words) : "";
  return `must be ${listed(words)}, got ${shown(input)}${near}`;
}

/** Of a union whose arms are told apart by one key. */
function kindWanted(issue: z.core.$ZodRawIssue): string {
  const given = issue.input as Readonly<Record<string, unknown>>; // zod has seen that it is a map
  return wordWanted(given[issue.discriminator as string], issue.options as readonly unknown[]);
}

function bound(side: string, limit: number, issue: z.core.$ZodRawIssue): string {
  if (issue.origin === "string") return `text of ${side} ${limit} characters`;
  if (issue.origin === "array") return `a list of ${side} ${limit}`;
  return `${side} ${limit}`;
}

/** A union that failed is as good as the arm that was meant, if there is a single such arm. */
function flattened(issue: Issue, base: Path): PathedIssue[] {
  const at = [...base, ...(issue.path as Path)];
  if (issue.code === "invalid_key") {
    return issue.issues.map((inner) => ({ issue: inner, at }));
  }
  if (issue.code !== "invalid_union") return [{ issue, at }];

  const meant = issue.errors.filter((arm) => !arm.some(isOtherKind));
  const hasOwnWords = issue.message !== UNION;
  const arm = meant.length === 1 ? meant[0]!.flatMap((inner) => flattened(inner, at)) : undefined;
  if (arm !== undefined && (!hasOwnWords || arm.some((inner) => saysMore(inner, at)))) return arm;
  return [{ issue: hasOwnWords ? issue : { ...issue, message: eitherOf(issue) }, at }];
}

/** Than the union's own words: it is about something further in. */
function saysMore({ issue, at }: PathedIssue, unionAt: Path): boolean {
  return at.length > unionAt.length || issue.code === "unrecognized_keys";
}

/** The arm wants another kind of value altogether: text where the value is a map. */
function isOtherKind(issue: Issue): boolean {
  if (issue.path.length > 0) return false;
  if (issue.code === "invalid_union") return issue.errors.every((arm) => arm.some(isOtherKind));
  return issue.code === "invalid_type" || issue.code === "invalid_value";
}

/** "must be text, got 3" and "must be a list, got 3" → "must be text or a list, got 3" */
function eitherOf(issue: z.core.$ZodIssueInvalidUnion): string {
  const messages = issue.errors.map((arm) => arm[0]?.message ?? "");
  const forms = messages.map((message) => /^must be (.*?), got /s.exec(message)?.[1]);
  const got = /, got ([\s\S]*)$/.exec(messages[0] ?? "")?.[1];
  const known = forms.filter((form) => form !== undefined);
  if (known.length === 0 || got === undefined) return "must be of another form";
  return `must be ${listed([...new Set(known)])}, got ${got}`;
}

function findingsOf({ issue, at }: PathedIssue, schema: z.ZodType): Finding[] {
  if (issue.code !== "unrecognized_keys") {
    const on = issue.code === "invalid_type" && issue.expected === "never" ? "key" : "value";
    return [cannotUse(at, issue.message, on)];
  }
  const known = knownKeys(schema, at);
  return issue.keys.slice(0, PROBLEMS_MAX).map((key) => {
    const near =
      didYouMean(key, known) || (known.length <= 8 ? `; known: ${listed(known, "and")}` : "");
    return cannotUse([...at, key], `this key is unknown${near}`, "key");
  });
}
