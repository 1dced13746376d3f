/** `upstreams:` and the three ways to write one. */
import type { Address } from "../../base/world.ts";
import { name, notYet, shown, wanted, wantedOneOrMany, wholeNumber, z } from "../../core/fields.ts";
import { addressKey, parseEndpoint } from "../address.ts";
import { balanceKeys, endpointBalanceKeys } from "./balance.ts";
import { sticky } from "./cookie.ts";
import { limitsOfUpstream, timeoutsOfUpstream } from "./levels.ts";

export interface EndpointConfig {
  readonly name: string; // as in logs and metrics: "10.0.0.1:3000" or "unix:/run/app.sock"
  readonly address: Address;
  readonly weight: number;
  readonly backup: boolean;
  readonly priority: number;
  readonly zone: string; // "" if none was given
  readonly maxRequests: number | undefined; // undefined: the upstream's
}

const ENDPOINTS_MAX = 10_000;
const WEIGHT_MAX = 10_000;

const url = z
  .string({ error: wanted('an endpoint such as "10.0.0.1:3000"') })
  .superRefine((text, context) => {
    const parsed = parseEndpoint(text);
    if (parsed.kind === "refused") {
      context.addIssue({ code: "custom", message: `${parsed.why}, got ${shown(text)}` });
    }
  })
  .transform((text): Address => {
    const parsed = parseEndpoint(text);
    return parsed.kind === "address" ? parsed.address : z.NEVER;
  })
  .describe("host:port, http://host:port, or unix:/path.");

const longEndpoint = z
  .strictObject(
    {
      url,
      weight: wholeNumber(0, WEIGHT_MAX)
        .optional()
        .describe("Its share of the requests beside the others'; 0 takes none. Default: 1."),
      backup: z
        .boolean()
        .optional()
        .describe("Only used when no other endpoint can be. Default: false."),
      ...endpointBalanceKeys,
    },
    { error: wanted('an endpoint such as "10.0.0.1:3000", or a map with a url') },
  )
  .superRefine(({ backup, priority }, context) => {
    if (backup !== true || priority === undefined) return;
    const message = "must be left out with backup: true, which is asked after every priority";
    context.addIssue({ code: "custom", path: ["priority"], message });
  })
  .transform((long) => ({
    ...endpoint(long.url),
    weight: long.weight ?? 1,
    backup: long.backup ?? false,
    priority: long.priority ?? 0,
    zone: long.zone ?? "",
    maxRequests: long.maxRequests,
  }));

const anyEndpoint = z.union([url.transform(endpoint), longEndpoint], {
  error: wantedOneOrMany('an endpoint such as "10.0.0.1:3000", or a map with a url'),
});

function endpoint(address: Address): EndpointConfig {
  return {
    name: addressKey(address),
    address,
    weight: 1,
    backup: false,
    priority: 0,
    zone: "",
    maxRequests: undefined,
  };
}

const endpointList = z
  .array(anyEndpoint, { error: wanted("a list of endpoints") })
  .min(1, { error: wanted("a list of at least one endpoint") })
  .max(ENDPOINTS_MAX, { error: () => `must be a list of at most ${ENDPOINTS_MAX} endpoints` });

const endpoints = z.union([url.transform((address) => [endpoint(address)]), endpointList], {
  error: wantedOneOrMany("an endpoint or a list of endpoints"),
});

const longUpstream = z.strictObject(
  {
    endpoints: endpoints.describe("Where requests can be served."),
    ...balanceKeys,
    maxIdle: wholeNumber(0, 65_536)
      .optional()
      .describe("Idle connections kept per endpoint. Default: 256."),
    limits: limitsOfUpstream.optional().describe("Limits that hold for this upstream."),
    timeouts: timeoutsOfUpstream.optional().describe("Timers that hold for this upstream."),
    health: notYet("health"),
    sticky: sticky.optional(),
    tls: notYet("tls"),
    discovery: notYet("discovery"),
  },
  { error: wanted("an endpoint, a list of endpoints, or a map with endpoints") },
);

const upstream = z
  .union([endpoints.transform((list) => ({ endpoints: list })), longUpstream], {
    error: wantedOneOrMany("an endpoint, a list of endpoints, or a map with endpoints"),
  })
  .describe("One endpoint, a list of them, or a map with more settings.");

export const upstreams = z
  .record(name, upstream, { error: wanted("a map of names and their endpoints") })
  .describe("Named groups of endpoints that can serve the same requests.");
