import type { Feature } from "../../core/feature.ts";
import { wanted, z } from "../../core/fields.ts";
import type { Filter } from "../../core/filter.ts";
import { readMapFile } from "./map-file.ts";
import { type Entry, entryProblem, loopIn, RedirectMap, STATUSES } from "./redirect-map.ts";

interface RedirectsOptions {
  readonly entries: readonly Entry[];
  readonly status: number;
  readonly keepsQuery: boolean;
}

const STATUS_DEFAULT = 308;
const FORM = "a map with map or file";

const inline = z
  .record(z.string(), z.string({ error: wanted("a path or a URL") }), {
    error: wanted("a map of old paths to new ones"),
  })
  .superRefine((map, context) => {
    for (const [from, to] of Object.entries(map)) {
      const message = entryProblem({ from, to, status: undefined });
      if (message !== undefined) context.addIssue({ code: "custom", path: [from], message });
    }
  });

const schema: z.ZodType<RedirectsOptions> = z
  .strictObject(
    {
      map: inline
        .optional()
        .describe('Old paths to new ones: "/a", "/a?b=1" or "/a/*", whose rest is "*" in the new.'),
      file: z
        .string({ error: wanted("the path of a file") })
        .optional()
        .describe(
          [
            "A file with lines of FROM TO, or FROM TO STATUS; read when the config is loaded. A",
            "relative path starts where the config file is.",
          ].join(" "),
        ),
      status: z
        .union(
          STATUSES.map((each) => z.literal(each)),
          { error: wanted(`one of ${STATUSES.join(", ")}`) },
        )
        .default(STATUS_DEFAULT)
        .describe(`One of ${STATUSES.join(", ")}. Default: ${STATUS_DEFAULT}.`),
      query: z
        .enum(["keep", "drop"], { error: wanted("keep or drop") })
        .default("keep")
        .describe("Whether the query goes along. Default: keep."),
    },
    {
      error: (issue) => (issue.code === "unrecognized_keys" ? undefined : wanted(FORM)(issue)),
    },
  )
  .transform(({ map, file, status, query }, context): RedirectsOptions => {
    const fail = (message: string, path: readonly string[]) =>
      context.issues.push({ code: "custom", message, path: [...path], input: undefined });
    const keepsQuery = query === "keep";
    if (map === undefined && file === undefined) fail("must have map or file", []);
    const own = Object.entries(map ?? {}).map(([from, to]) => ({ from, to, status: undefined }));
    const read = file === undefined ? [] : readMapFile(file);
    if ("problems" in read) {
      for (const problem of read.problems) fail(`must have a good file: ${problem}`, ["file"]);
      return { entries: own, status, keepsQuery };
    }
    const inMap = new Set(own.map(({ from }) => from));
    const twice = read.find(({ from }) => inMap.has(from));
    if (twice !== undefined)
      fail(`must not have ${JSON.stringify(twice.from)}, which is in map`, ["file"]);
    const entries = [...own, ...read];
    const found = firstLoop(entries);
    if (found !== undefined)
      fail(`must not lead back: ${shownWay(found)}`, [map === undefined ? "file" : "map"]);
    return { entries, status, keepsQuery };
  });

function firstLoop(entries: readonly Entry[]): readonly string[] | undefined {
  const map = new RedirectMap(entries);
  for (const entry of entries) {
    const way = loopIn(map, entry);
    if (way !== undefined) return way;
  }
  return undefined;
}

const maps = new WeakMap<readonly Entry[], RedirectMap>();

/** One for all routes that have it from their site or the defaults. */
function mapOf(entries: readonly Entry[]): RedirectMap {
  const map = maps.get(entries) ?? new RedirectMap(entries);
  maps.set(entries, map);
  return map;
}

const WAY_SHOWN_MAX = 4;

function shownWay(way: readonly string[]): string {
  const shown = way.slice(0, WAY_SHOWN_MAX).join(" → ");
  return way.length > WAY_SHOWN_MAX ? `${shown} → …` : shown;
}

/** Sends clients from old paths to new ones; what is in no map goes on. */
export const redirects: Feature<RedirectsOptions, Filter> = {
  name: "redirects",
  kind: "filter",
  about:
    "Redirects from a map of old paths to new ones, in the config or in a file; the rest goes on.",
  schema,

  build({ entries, status, keepsQuery }) {
    const map = mapOf(entries);
    return {
      name: "redirects",
      rewrite({ request }) {
        const found = map.find(request.path, request.query, keepsQuery);
        if (found === undefined) return undefined;
        return { status: found.status ?? status, headers: { location: found.location } };
      },
      explain: ({ request }) => {
        const found = map.find(request.path, request.query, keepsQuery);
        return [found === undefined ? `none of ${map.size} paths` : `to ${found.location}`];
      },
    };
  },
};
