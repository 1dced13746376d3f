/** `substitute:` as it is written. */
import { wanted, wantedOneOrMany, z } from "../../core/fields.ts";
import { isMediaPattern } from "../../protocol/http/media-types.ts";

export interface Replacement {
  readonly find: string;
  readonly with: string;
  readonly once: boolean;
}

export interface SubstituteOptions {
  readonly replace: readonly Replacement[];
  readonly types: readonly string[];
}

const FIND_BYTES_MAX = 256; // this many bytes less one are held back between two reads
const WITH_BYTES_MAX = 4096; // what one match may become
const RULES_MAX = 64;

/** Text in which addresses of an application are found. */
const TYPES: readonly string[] = ["text/html", "application/xhtml+xml"];

const TYPE_FORM = 'a media type such as "text/html", "text/*" or "*/*+json"';
const RULE_FORM = "a map with find, with and once";
const FORM = "a map with replace and types";

function textOf(form: string, bytesMin: number, bytesMax: number) {
  const whole = `${form} of ${bytesMin} to ${bytesMax} bytes`;
  return z.string({ error: wanted(whole) }).refine(
    (text) => {
      const bytes = Buffer.byteLength(text);
      return bytes >= bytesMin && bytes <= bytesMax;
    },
    { error: wanted(whole) },
  );
}

function aMap(form: string) {
  return {
    error: (issue: { readonly code?: string; readonly input?: unknown }) =>
      issue.code === "unrecognized_keys" ? undefined : wanted(form)(issue),
  };
}

const rule = z.strictObject(
  {
    find: textOf("text", 1, FIND_BYTES_MAX).describe(
      "The bytes that are looked for, case and all.",
    ),
    with: textOf("text", 0, WITH_BYTES_MAX).describe("What goes out in their place."),
    once: z
      .boolean({ error: wanted("true or false") })
      .default(false)
      .describe("Whether only the first of each response is replaced."),
  },
  aMap(RULE_FORM),
);

const mediaType = z
  .string({ error: wanted(TYPE_FORM) })
  .refine(isMediaPattern, { error: wanted(TYPE_FORM) });

export const substituteSchema: z.ZodType<SubstituteOptions> = z.strictObject(
  {
    replace: z
      .array(rule, { error: wanted(`a list of replacements, each ${RULE_FORM}`) })
      .min(1, { error: () => "must be a list of at least one replacement, got an empty list" })
      .max(RULES_MAX, { error: () => `must be a list of at most ${RULES_MAX} replacements` })
      .describe("What is replaced; of two that begin at the same place, the one written first."),
    types: z
      .union(
        [
          mediaType.transform((one): readonly string[] => [one]),
          z.array(mediaType).min(1, { error: () => `must be ${TYPE_FORM}, or a list` }),
        ],
        { error: wantedOneOrMany(`${TYPE_FORM}, or a list`) },
      )
      .default(TYPES)
      .describe(`Responses that are looked through. Default: [${TYPES.join(", ")}].`),
  },
  aMap(FORM),
);
