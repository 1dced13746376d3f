/** `upstreams:` and the three ways to write one. */
import type { Address } from "../../base/world.ts";
import { name, oneOf, shown, wanted, wantedOneOrMany, wholeNumber, z } from "../../core/fields.ts";
import type { Scheme } from "../../core/upstream.ts";
import { addressKey, isHostName, parseDnsName, parseEndpoint } from "../address.ts";
import { balanceKeys, endpointBalanceKeys } from "./balance.ts";
import { breaker } from "./breaker.ts";
import { concurrency } from "./concurrency.ts";
import { sticky } from "./cookie.ts";
import { health } from "./health.ts";
import { limitsOfUpstream, timeoutsOfUpstream } from "./levels.ts";
import { upstreamTls } from "./upstream-tls.ts";

export interface EndpointConfig {
  readonly name: string; // as in logs and metrics: "10.0.0.1:3000" or "unix:/run/app.sock"
  readonly address: Address;
  readonly scheme: Scheme;
  readonly weight: number;
  readonly backup: boolean;
  readonly priority: number;
  readonly zone: string; // "" if none was given
  readonly maxRequests: number | undefined; // undefined: the upstream's
  /** The address stands for others: each that its host has, or those of the service it names. */
  readonly discover: "all" | "srv" | undefined;
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
  .transform((text): ParsedUrl => {
    const parsed = parseEndpoint(text);
    if (parsed.kind === "refused") return z.NEVER;
    return { address: parsed.address, scheme: parsed.scheme ?? "http" };
  })
  .describe(
    "host:port, http://host:port, https://host:port, h2:// or h2c://host:port, or unix:/path.",
  );

export interface ParsedUrl {
  readonly address: Address;
  readonly scheme: Scheme;
}

const weight = wholeNumber(0, WEIGHT_MAX);
const backup = z.boolean();

const SERVICE_FORM = 'the name of an SRV record such as "_http._tcp.app.internal"';

const longEndpoint = z
  .strictObject(
    {
      url: url.optional(),
      srv: z
        .string({ error: wanted(SERVICE_FORM) })
        .refine((text) => parseDnsName(text) !== undefined, { error: wanted(SERVICE_FORM) })
        .transform((text) => parseDnsName(text)!)
        .optional()
        .describe(
          "In place of url: the endpoints are those that this DNS name's SRV records name.",
        ),
      scheme: oneOf(["http", "https", "h2", "h2c"])
        .optional()
        .describe("Of what srv names; a url has its own. Default: http."),
      resolve: oneOf(["race", "all"])
        .optional()
        .describe(
          [
            "What a host name with several addresses is: one endpoint, whose connections go to the",
            "address that answers first (race), or an endpoint for each (all). Default: race.",
          ].join(" "),
        ),
      weight: weight
        .optional()
        .describe("Its share of the requests beside the others'; 0 takes none. Default: 1."),
      backup: backup
        .optional()
        .describe("Only used when no other endpoint can be. Default: false."),
      ...endpointBalanceKeys,
    },
    { error: wanted('an endpoint such as "10.0.0.1:3000", or a map with a url') },
  )
  .superRefine((long, context) => {
    for (const issue of discoveryIssues(long)) context.addIssue({ code: "custom", ...issue });
  })
  .superRefine(({ backup: isBackup, priority }, context) => {
    if (isBackup !== true || priority === undefined) return;
    const message = "must be left out with backup: true, which is asked after every priority";
    context.addIssue({ code: "custom", path: ["priority"], message });
  })
  .transform((long): EndpointConfig => {
    const { url: parsed, srv, scheme = "http", resolve } = long;
    const shared = {
      weight: long.weight ?? 1,
      backup: long.backup ?? false,
      priority: long.priority ?? 0,
      zone: long.zone ?? "",
      maxRequests: long.maxRequests,
    };
    if (srv !== undefined) {
      const address = { host: srv, port: 0 };
      return { name: `srv:${srv}`, address, scheme, ...shared, discover: "srv" };
    }
    if (parsed === undefined) return z.NEVER; // it has an issue by now
    const discover = resolve === "all" ? resolve : undefined;
    return { ...endpoint(parsed), ...shared, discover };
  });

interface Discovered {
  readonly url?: ParsedUrl | undefined;
  readonly srv?: string | undefined;
  readonly scheme?: Scheme | undefined;
  readonly resolve?: "race" | "all" | undefined;
  readonly weight?: number | undefined;
}

function discoveryIssues({ url: parsed, srv, scheme, resolve, weight }: Discovered) {
  const issues: { readonly path: string[]; readonly message: string }[] = [];
  const issue = (key: string, message: string) => issues.push({ path: [key], message });
  if (srv === undefined && parsed === undefined) {
    issue("url", `must be an endpoint such as "10.0.0.1:3000", got nothing`);
  }
  if (srv !== undefined && parsed !== undefined) {
    issue("srv", "must be without url, whose place it takes");
  }
  if (srv === undefined && scheme !== undefined) {
    issue("scheme", "must be left out with url, which begins with it");
  }
  if (srv !== undefined && weight !== undefined) {
    issue("weight", "must be left out with srv, whose records have weights");
  }
  if (resolve !== undefined && (parsed === undefined || !isHostName(parsed.address))) {
    issue("resolve", "must be left out for what is no host name");
  }
  return issues;
}

/** What an operator may add at run time. */
export const addedEndpoint = z
  .strictObject({ url, weight: weight.optional(), backup: backup.optional() })
  .transform((long) => {
    return { ...endpoint(long.url), weight: long.weight ?? 1, backup: long.backup ?? false };
  });

const anyEndpoint = z.union([url.transform(endpoint), longEndpoint], {
  error: wantedOneOrMany('an endpoint such as "10.0.0.1:3000", or a map with a url'),
});

function endpoint({ address, scheme }: ParsedUrl): EndpointConfig {
  return {
    name: addressKey(address),
    address,
    scheme,
    weight: 1,
    backup: false,
    priority: 0,
    zone: "",
    maxRequests: undefined,
    discover: undefined,
  };
}

const endpointList = z
  .array(anyEndpoint, { error: wanted("a list of endpoints") })
  .min(1, { error: wanted("a list of at least one endpoint") })
  .max(ENDPOINTS_MAX, { error: () => `must be a list of at most ${ENDPOINTS_MAX} endpoints` });

const endpoints = z.union([url.transform((parsed) => [endpoint(parsed)]), endpointList], {
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
    proxyProtocol: oneOf(["v1", "v2"])
      .optional()
      .describe("Tells endpoints who the client is, before anything else. Default: not."),
    health: health.optional().describe("Who finds out which endpoints can serve, and how."),
    breaker: breaker
      .optional()
      .describe("Stops requests for a while when too many fail or are slow. Default: off."),
    concurrency: concurrency
      .optional()
      .describe(
        [
          "Each endpoint gets only as many requests at once as it can answer without their waiting",
          "for each other, as its latency shows. Default: off.",
        ].join(" "),
      ),
    sticky: sticky.optional(),
    tls: upstreamTls
      .optional()
      .describe("How endpoints of https:// and h2:// are secured, and whom to believe."),
    protocols: z
      .array(oneOf(["h1", "h2"]), { error: wanted("a list such as [h1] or [h2, h1]") })
      .min(1, { error: wanted("a list such as [h1] or [h2, h1]") })
      .optional()
      .describe(
        "What endpoints of https:// may choose to be spoken to in, the best first. Default: [h2, h1].",
      ),
  },
  { error: wanted("an endpoint, a list of endpoints, or a map with endpoints") },
);

export const upstream = z
  .union([endpoints.transform((list) => ({ endpoints: list })), longUpstream], {
    error: wantedOneOrMany("an endpoint, a list of endpoints, or a map with endpoints"),
  })
  .describe("One endpoint, a list of them, or a map with more settings.");

export const upstreams = z
  .record(name, upstream, { error: wanted("a map of names and their endpoints") })
  .describe("Named groups of endpoints that can serve the same requests.");
