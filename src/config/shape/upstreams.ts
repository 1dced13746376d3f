/** `upstreams:` and the three ways to write one. */
import type { Address } from "../../base/world.ts";
import {
  name,
  notYet,
  oneOf,
  shown,
  wanted,
  wantedOneOrMany,
  wholeNumber,
  z,
} from "../../core/fields.ts";
import { addressKey, parseEndpoint } from "../address.ts";
import { limitsOfUpstream, timeoutsOfUpstream } from "./levels.ts";

export interface EndpointConfig {
  readonly name: string; // as in logs and metrics: "10.0.0.1:3000" or "unix:/run/app.sock"
  readonly address: Address;
  readonly weight: number;
  readonly backup: boolean;
}

const ENDPOINTS_MAX = 10_000;
const WEIGHT_MAX = 10_000;
const BALANCE_LATER = ["leastTime", "ipHash", "hash"];

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
      zone: notYet("zone"),
    },
    { error: wanted('an endpoint such as "10.0.0.1:3000", or a map with a url') },
  )
  .transform((long) => endpoint(long.url, long.weight ?? 1, long.backup ?? false));

const anyEndpoint = z.union(
  [url.transform((address) => endpoint(address, 1, false)), longEndpoint],
  { error: wantedOneOrMany('an endpoint such as "10.0.0.1:3000", or a map with a url') },
);

function endpoint(address: Address, weight: number, backup: boolean): EndpointConfig {
  return { name: addressKey(address), address, weight, backup };
}

const endpointList = z
  .array(anyEndpoint, { error: wanted("a list of endpoints") })
  .min(1, { error: wanted("a list of at least one endpoint") })
  .max(ENDPOINTS_MAX, { error: () => `must be a list of at most ${ENDPOINTS_MAX} endpoints` });

const endpoints = z.union(
  [url.transform((address) => [endpoint(address, 1, false)]), endpointList],
  { error: wantedOneOrMany("an endpoint or a list of endpoints") },
);

const longUpstream = z.strictObject(
  {
    endpoints: endpoints.describe("Where requests can be served."),
    balance: oneOf(["leastRequest", "roundRobin", "random", "first"], BALANCE_LATER)
      .optional()
      .describe(
        [
          "How one is chosen: the less busy of two random ones, in turn, at random, or the first",
          "that can be used. Default: leastRequest.",
        ].join(" "),
      ),
    maxIdle: wholeNumber(0, 65_536)
      .optional()
      .describe("Idle connections kept per endpoint. Default: 256."),
    limits: limitsOfUpstream.optional().describe("Limits that hold for this upstream."),
    timeouts: timeoutsOfUpstream.optional().describe("Timers that hold for this upstream."),
    proxyProtocol: oneOf(["v1", "v2"])
      .optional()
      .describe("Tells endpoints who the client is, before anything else. Default: not."),
    health: notYet("health"),
    sticky: notYet("sticky"),
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
