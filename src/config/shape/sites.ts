/** `sites:` */
import { oneOf, wanted, wantedOneOrMany, z } from "../../core/fields.ts";
import { parseSiteHost } from "../address.ts";
import { levels } from "./levels.ts";
import { listenAddress } from "./process.ts";
import {
  handlersLater,
  misplaced,
  routeOnlyKeys,
  routeSchema,
  sharedRouteKeys,
  type Vocabulary,
} from "./routes.ts";
import { siteTls } from "./site-tls.ts";

const ROUTES_MAX = 100_000;
const SITES_MAX = 100_000;
const HOST_FORM = 'a host such as "shop.example.com", "*.example.com" or "*"';

const host = z
  .string({ error: wanted(HOST_FORM) })
  .refine((text) => parseSiteHost(text) !== undefined, { error: wanted(HOST_FORM) })
  .transform((text) => parseSiteHost(text)!);

const hosts = z
  .union(
    [
      host.transform((one) => [one]),
      z.array(host, { error: wanted("a list of hosts") }).min(1, {
        error: wanted("a list of at least one host"),
      }),
    ],
    { error: wantedOneOrMany("a host or a list of hosts") },
  )
  .describe("Exact names, *.example.com for any depth below, or * for every host.");

const listen = z
  .union(
    [
      listenAddress.transform((one) => [one]),
      z.array(listenAddress, { error: wanted("a list of addresses to listen on") }).min(1, {
        error: wanted("a list of at least one address"),
      }),
    ],
    { error: wantedOneOrMany("an address to listen on or a list of them") },
  )
  .describe(
    [
      'Where the site is served: ":80", "127.0.0.1:80", "[::1]:80", "unix:/path". Default: ":80";',
      'with tls ":443", and ":80" redirects there.',
    ].join(" "),
  );

const paths = z
  .strictObject(
    {
      slashes: oneOf(["merge", "keep"])
        .optional()
        .describe("Whether // in a path is one slash. Default: merge."),
      encodedSlashes: oneOf(["keep", "reject"])
        .optional()
        .describe("Whether %2F in a path stays as it is, or is refused with 400. Default: keep."),
    },
    { error: wanted("a map with slashes and encodedSlashes") },
  )
  .describe("How request paths are made canonical before anything looks at them.");

export function siteSchema(vocabulary: Vocabulary) {
  const onlyOnRoutes = [...routeOnlyKeys(vocabulary), ...handlersLater(vocabulary)];
  return z.strictObject(
    {
      hosts,
      listen: listen.optional(),
      tls: siteTls.optional(),
      paths: paths.optional(),
      ...misplaced(onlyOnRoutes, "on a route of the site"),
      ...sharedRouteKeys(vocabulary),
      ...levels,
      routes: z
        .array(routeSchema(vocabulary), { error: wanted("a list of routes") })
        .min(1, { error: wanted("a list of at least one route") })
        .max(ROUTES_MAX, { error: () => `must be a list of at most ${ROUTES_MAX} routes` })
        .describe("The first route that matches serves the request."),
    },
    { error: wanted("a map with hosts and routes") },
  );
}

export function defaultsSchema(vocabulary: Vocabulary) {
  const onlyOnRoutes = [...routeOnlyKeys(vocabulary), ...handlersLater(vocabulary)];
  return z.strictObject(
    {
      ...misplaced(onlyOnRoutes, "on a route"),
      ...misplaced(Object.keys(levels), "at the top level, beside defaults"),
      ...sharedRouteKeys(vocabulary),
    },
    { error: wanted("a map of route keys") },
  );
}

export function sitesSchema(vocabulary: Vocabulary) {
  return z
    .array(siteSchema(vocabulary), { error: wanted("a list of sites") })
    .min(1, { error: wanted("a list of at least one site") })
    .max(SITES_MAX, { error: () => `must be a list of at most ${SITES_MAX} sites` })
    .describe("Hosts, where they are served, and their routes.");
}
