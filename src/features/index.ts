/** The explicit list of what a route can do. A feature that is not here is not in the product. */
import type { Feature } from "../core/feature.ts";
import type { MatchConfig } from "../route/match-config.ts";
import { captureProblems, matchSchema } from "../route/match-schema.ts";
import { allow, deny } from "./access/access.ts";
import { auth } from "./auth/auth.ts";
import { bandwidth } from "./bandwidth/bandwidth.ts";
import { cache } from "./cache/cache.ts";
import { challenge } from "./challenge/challenge.ts";
import { compress } from "./compress/compress.ts";
import { cors } from "./cors/cors.ts";
import { decompress } from "./decompress/decompress.ts";
import { errorsSchema } from "./errors/error-options.ts";
import { grpcWeb } from "./grpc-web/grpc-web.ts";
import { headers } from "./headers/headers.ts";
import { inFlight } from "./in-flight/in-flight.ts";
import { location } from "./location/location.ts";
import { maintenance } from "./maintenance/maintenance.ts";
import { priority } from "./priority/priority.ts";
import { rateLimit } from "./rate-limit/rate-limit.ts";
import { redirect } from "./redirect/redirect.ts";
import { redirects } from "./redirects/redirects.ts";
import { requestFilter } from "./request-filter/request-filter.ts";
import { respond } from "./respond/respond.ts";
import { rewrite } from "./rewrite/rewrite.ts";
import { securityHeaders } from "./security-headers/security-headers.ts";
import { substitute } from "./substitute/substitute.ts";

/**
 * In the order in which filters run within a phase: deny, then allow, which know nobody and cost next to
 * nothing, so that whom they keep out is not even counted; rateLimit before whatever costs more than a count;
 * what it counts by who somebody is waits for the phase `identified`. auth after what is cheap and needs
 * to know nobody, since it may have to compute, or to ask; decompress before all that look into a
 * request's body, compress after all that look into a response or change it. `forward` is built by
 * compile itself.
 */
export const features: readonly Feature<unknown>[] = [
  priority, // before all else: what is shed is to cost nothing
  deny,
  allow,
  cors, // before whatever asks who the client is: a preflight has no credentials
  maintenance, // before whatever costs more; a page may read that it is on
  requestFilter, // after cors, whose preflights need no method of their own; what it refuses is not counted
  rateLimit,
  challenge, // after rateLimit: who comes too often is told so, whatever it has solved
  auth,
  inFlight, // in identified, after rateLimit: who is refused takes no place
  bandwidth, // in identified, before all that changes bodies: it is about what is on the wire
  decompress,
  redirects, // what they send away is not worth rewriting
  rewrite,
  location, // before the cache, which keeps what clients are to see
  securityHeaders, // before headers, whose edits are more particular
  headers, // before the cache, so that Vary speaks of what the upstream gets
  grpcWeb,
  substitute, // before the cache, which would serve parts of what is not whole; before compress
  cache,
  redirect,
  respond,
  compress,
];

export const vocabulary = {
  match: matchSchema,
  errors: errorsSchema,
  features,
  captureProblems: (match: unknown, options: unknown) =>
    captureProblems(match as MatchConfig | undefined, options), // as the match schema made it
};
