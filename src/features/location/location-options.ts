import { wanted, z } from "../../core/fields.ts";
import { parseAuthority } from "../../protocol/http/authority.ts";
import { canonicalPath } from "../../protocol/http/path.ts";
import { TARGET_POLICY } from "../../protocol/http/target.ts";
import type { Mapping } from "./prefix-map.ts";

export interface LocationOptions {
  readonly isAuto: boolean;
  readonly map: readonly Mapping[];
  readonly cookies: CookieOptions;
}

export interface CookieOptions {
  readonly domains: ReadonlyMap<string, string>; // "" for none; in lower case
  readonly paths: readonly Mapping[];
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly sameSite: "Strict" | "Lax" | "None" | undefined;
}

const MAPPINGS_MAX = 100;
const PLACE_FORM = 'a path such as "/app", or a URL such as "http://inner.test:8080/app"';
const COOKIES: CookieOptions = {
  domains: new Map(),
  paths: [],
  secure: false,
  httpOnly: false,
  sameSite: undefined,
};

function placeProblem(text: string): string | undefined {
  const found = /^(https?):\/\/([^/?#]+)(.*)$/i.exec(text);
  const path = found === null ? text : (found[3] ?? "");
  const isHost = found === null || parseAuthority(found[2]!, "http") !== undefined;
  const isPath =
    (path === "" && found !== null) ||
    (path.startsWith("/") && canonicalPath(path, 0, path.length, TARGET_POLICY) === path);
  return isHost && isPath ? undefined : `must be ${PLACE_FORM}, got ${JSON.stringify(text)}`;
}

const place = z.string({ error: wanted(PLACE_FORM) }).superRefine((text, context) => {
  const message = placeProblem(text);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});

const path = z
  .string({ error: wanted("a path") })
  .refine((text) => text.startsWith("/") && placeProblem(text) === undefined, {
    error: wanted('a path such as "/app"'),
  });

const mappings = (form: string, key: z.ZodType<string>) =>
  z
    .record(z.string(), key, { error: wanted(form) })
    .superRefine((map, context) => {
      for (const from of Object.keys(map)) {
        const { error } = key.safeParse(from);
        const [issue] = error?.issues ?? [];
        if (issue !== undefined)
          context.addIssue({ code: "custom", path: [from], message: issue.message });
      }
      if (Object.keys(map).length > MAPPINGS_MAX)
        context.addIssue({ code: "custom", message: `must have at most ${MAPPINGS_MAX}` });
    })
    .transform((map) => Object.entries(map).map(([from, to]): Mapping => ({ from, to })));

const domain = z
  .string({ error: wanted("a domain") })
  .refine((text) => parseAuthority(text.replace(/^\./, ""), "http")?.port === 0, {
    error: wanted('a domain such as "example.com"'),
  });

const domains = z
  .record(domain, z.union([z.literal("off"), domain], { error: wanted("a domain, or off") }), {
    error: wanted("a map of domains to domains"),
  })
  .transform(
    (map) =>
      new Map(
        Object.entries(map).map(([from, to]) => [
          withoutDot(from),
          to === "off" ? "" : withoutDot(to),
        ]),
      ),
  );

const flag = z.boolean({ error: wanted("true or false") });

const cookies = z
  .strictObject(
    {
      domain: domains
        .optional()
        .describe("Domains of cookies to others; off for none, so that only this host gets it."),
      path: mappings("a map of paths to paths", path)
        .optional()
        .describe("What paths of cookies begin with, to what they shall."),
      secure: flag.default(false).describe("Adds Secure for clients that come over HTTPS."),
      httpOnly: flag.default(false).describe("Adds HttpOnly: no script sees them."),
      sameSite: z
        .enum(["strict", "lax", "none"], { error: wanted("strict, lax or none") })
        .optional()
        .describe("Sets SameSite in place of what they say."),
    },
    { error: wanted("a map of domain, path, secure, httpOnly and sameSite") },
  )
  .transform(
    ({ domain: renamed, path: paths, sameSite, ...flags }): CookieOptions => ({
      ...flags,
      domains: renamed ?? new Map(),
      paths: paths ?? [],
      sameSite: sameSite && SAME_SITE[sameSite],
    }),
  );

const SAME_SITE = { strict: "Strict", lax: "Lax", none: "None" } as const;
const FORM = "auto, or a map of auto, map and cookies";

export const locationSchema: z.ZodType<LocationOptions> = z.union(
  [
    z
      .literal("auto")
      .transform((): LocationOptions => ({ isAuto: true, map: [], cookies: COOKIES })),
    z
      .strictObject(
        {
          auto: flag
            .default(true)
            .describe("Whether what the rewrite and the Host of the upstream tell is undone."),
          map: mappings("a map of places of the upstream to places for clients", place)
            .optional()
            .describe("What URLs and paths of the upstream begin with, to what they shall."),
          cookies: cookies
            .optional()
            .describe("The same for cookies, and what browsers do with them."),
        },
        {
          error: (issue) => (issue.code === "unrecognized_keys" ? undefined : wanted(FORM)(issue)),
        },
      )
      .transform(({ auto, map, cookies: edits }): LocationOptions => {
        return { isAuto: auto, map: map ?? [], cookies: edits ?? COOKIES };
      }),
  ],
  {
    error: ({ input }) =>
      typeof input === "object" && input !== null ? undefined : wanted(FORM)({ input }),
  },
);

function withoutDot(text: string): string {
  return text.replace(/^\./, "").toLowerCase();
}
