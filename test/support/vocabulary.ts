/** Route keys with small schemas, for tests that must not depend on what features want. */

import type { Vocabulary } from "../../src/config/shape/routes.ts";
import type { Feature } from "../../src/core/feature.ts";
import { oneOf, wanted, wholeNumber, z } from "../../src/core/fields.ts";
import { allow, deny } from "../../src/features/access/access.ts";
import { auth } from "../../src/features/auth/auth.ts";
import { bandwidth } from "../../src/features/bandwidth/bandwidth.ts";
import { cache } from "../../src/features/cache/cache.ts";
import { challenge } from "../../src/features/challenge/challenge.ts";
import { cors } from "../../src/features/cors/cors.ts";
import { headers } from "../../src/features/headers/headers.ts";
import { inFlight } from "../../src/features/in-flight/in-flight.ts";
import { location } from "../../src/features/location/location.ts";
import { maintenance } from "../../src/features/maintenance/maintenance.ts";
import { priority } from "../../src/features/priority/priority.ts";
import { rateLimit } from "../../src/features/rate-limit/rate-limit.ts";
import { redirects } from "../../src/features/redirects/redirects.ts";
import { requestFilter } from "../../src/features/request-filter/request-filter.ts";
import { securityHeaders } from "../../src/features/security-headers/security-headers.ts";
import { substitute } from "../../src/features/substitute/substitute.ts";

const texts = z.union([z.string(), z.array(z.string())], {
  error: wanted("text or a list of text"),
});

const redirect = feature(
  "redirect",
  "handler",
  z.union([
    z.string(),
    z.strictObject({ to: z.string(), status: wholeNumber(300, 399).optional() }),
  ]),
);

const respond = feature(
  "respond",
  "handler",
  z.union([
    wholeNumber(200, 599),
    z.string(),
    z.strictObject({ status: wholeNumber(200, 599).optional(), body: z.string().optional() }),
  ]),
);

const rewrite = feature(
  "rewrite",
  "filter",
  z.strictObject({
    stripPrefix: z.string().optional(),
    addPrefix: z.string().optional(),
  }),
);

function feature<Options>(
  name: string,
  kind: "handler" | "filter",
  schema: z.ZodType<Options>,
): Feature<Options> {
  const build = () => {
    throw new Error(`${name} is only there to be checked`);
  };
  return { name, kind, about: `What ${name} does.`, schema, build };
}

export const testVocabulary: Vocabulary = {
  captureProblems: () => [],
  match: z.strictObject({
    path: texts.optional(),
    method: texts.optional(),
    scheme: oneOf(["http", "https"]).optional(),
    header: z.record(z.string(), texts).optional(),
  }),
  errors: z.strictObject({ reasonHeader: z.boolean().optional() }),
  // biome-ignore format: a line each, as they come from everywhere
  features: [
    allow,
    auth,
    bandwidth,
    cache,
    challenge,
    cors,
    deny,
    headers,
    inFlight,
    location,
    maintenance,
    priority,
    rateLimit,
    redirect,
    redirects,
    requestFilter,
    respond,
    rewrite,
    securityHeaders,
    substitute,
  ],
};
