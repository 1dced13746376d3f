import { shown, wanted, z } from "../../core/fields.ts";
import { claimAt } from "../../core/identity.ts";
import { scopesOf } from "../../protocol/jwt/claims.ts";
import type { Claims } from "../../protocol/jwt/token.ts";
import { oneOrMany } from "./option-fields.ts";

/** What somebody has to be who is let in, beside being known. */
export interface Requirement {
  readonly scope: readonly string[]; // all of them
  readonly claims: readonly ClaimRequirement[]; // all of them, each with one of its values
}

export interface ClaimRequirement {
  readonly path: string;
  readonly anyOf: readonly ClaimValue[];
}

type ClaimValue = string | number | boolean;

const VALUE_FORM = "text, a number, true or false, or a list of such";
const value = z.union([z.string(), z.number(), z.boolean()], { error: wanted(VALUE_FORM) });
const values = z.union([value.transform((one) => [one]), z.array(value).min(1).max(100)], {
  error: wanted(VALUE_FORM),
});

export const requirementField = z
  .strictObject(
    {
      scope: oneOrMany("a scope, or a list of scopes")
        .optional()
        .describe("Scopes that are needed, all of them."),
      claims: z
        .record(z.string(), values, { error: wanted("a map of claims to their values") })
        .optional()
        .describe(
          "Claims that are needed, all of them, each with one of its values: { role: [admin, owner] }.",
        ),
    },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys"
          ? undefined
          : `must be a map with scope or claims, got ${shown(issue.input)}`,
    },
  )
  .optional()
  .transform(
    (given): Requirement => ({
      scope: given?.scope ?? [],
      claims: Object.entries(given?.claims ?? {}).map(([path, anyOf]) => ({ path, anyOf })),
    }),
  )
  .describe("What has to be in the token beside; without it: 403.");

/** What is missing, for the log; undefined if nothing is. */
export function missingOf(
  { scope, claims: needed }: Requirement,
  claims: Claims,
): string | undefined {
  if (scope.length > 0) {
    const has = scopesOf(claims);
    const missing = scope.find((each) => !has.includes(each));
    if (missing !== undefined) return `scope ${missing}`;
  }
  const missing = needed.find(({ path, anyOf }) => !holds(claimAt(claims, path), anyOf));
  return missing && `claim ${missing.path}`;
}

/** Of a list one value is enough. Types count: "1" is not 1. */
function holds(found: unknown, anyOf: readonly ClaimValue[]): boolean {
  if (Array.isArray(found)) return found.some((each) => anyOf.includes(each as ClaimValue));
  return anyOf.includes(found as ClaimValue);
}
