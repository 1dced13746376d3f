import { readFileSync, statSync } from "node:fs";
import { parseCidr } from "../../base/cidr.ts";
import { duration, sizeText, wanted, z } from "../../core/fields.ts";
import { templateProblem } from "../../core/template.ts";

export interface MaintenanceOptions {
  readonly isOn: boolean; // unless an operator has said otherwise
  readonly allow: readonly string[]; // addresses and networks
  readonly retryAfterMs: number;
  readonly html: string | undefined; // a template; undefined: the page of `errors`
}

/** Of a route whose config has none: an operator may switch it on all the same. */
export const NOT_ON: MaintenanceOptions = {
  isOn: false,
  allow: [],
  retryAfterMs: 300_000,
  html: undefined,
};

export const PAGE_NAMES = ["status", "title", "code"] as const;
const RETRY_AFTER = "5m";
const FILE_BYTES_MAX = 1024 ** 2;
const ALLOW_MAX = 10_000;
const FORM = "true, or a map of on, allow, retryAfter, html and file";

const network = z
  .string({ error: wanted('an address or a network such as "10.0.0.0/8"') })
  .superRefine((text, context) => {
    const cidr = text === "unix" ? undefined : parseCidr(text);
    if (typeof cidr === "string")
      context.addIssue({ code: "custom", message: `${JSON.stringify(text)} ${cidr}` });
  });

const map = z
  .strictObject(
    {
      on: z
        .boolean({ error: wanted("true or false") })
        .default(true)
        .describe("Whether it is on, unless an operator has said otherwise. Default: true."),
      allow: z
        .array(network, { error: wanted("a list of addresses and networks") })
        .max(ALLOW_MAX)
        .default([])
        .describe("Clients that are served all the same: addresses, networks, or unix."),
      retryAfter: duration
        .prefault(RETRY_AFTER)
        .describe(`When clients are told to come again. Default: ${RETRY_AFTER}.`),
      html: z
        .string({ error: wanted("a text") })
        .optional()
        .describe("The page for browsers, with placeholders. Default: that of errors for 503."),
      file: z
        .string({ error: wanted("the path of a file") })
        .optional()
        .describe("A file with that page, read when the config is loaded."),
    },
    { error: (issue) => (issue.code === "unrecognized_keys" ? undefined : wanted(FORM)(issue)) },
  )
  .transform(({ on, allow, retryAfter, html, file }, context): MaintenanceOptions => {
    const fail = (key: string, message: string) =>
      context.issues.push({ code: "custom", message, path: [key], input: undefined });
    if (html !== undefined && file !== undefined) fail("file", "must not be beside html");
    const page = file === undefined ? html : readPage(file);
    if (file !== undefined && page === undefined) {
      const most = sizeText(FILE_BYTES_MAX);
      fail(
        "file",
        `must be a file that can be read and is at most ${most}, got ${JSON.stringify(file)}`,
      );
    }
    const problem = page === undefined ? undefined : templateProblem(page, "html", PAGE_NAMES);
    if (problem !== undefined) fail(file === undefined ? "html" : "file", problem);
    return { isOn: on, allow, retryAfterMs: retryAfter, html: page };
  });

export const maintenanceSchema: z.ZodType<MaintenanceOptions> = z.union(
  [z.literal(true).transform(() => map.parse({})), map],
  {
    error: ({ input }) =>
      typeof input === "object" && input !== null ? undefined : wanted(FORM)({ input }),
  },
);

function readPage(file: string): string | undefined {
  try {
    return statSync(file).size > FILE_BYTES_MAX ? undefined : readFileSync(file, "utf8");
  } catch {
    return undefined; // whatever the reason is, the user has to look at the file
  }
}
