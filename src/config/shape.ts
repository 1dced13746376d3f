/** The whole of a config as one schema: what may be written, and what it becomes. */
import { wanted, z } from "../core/fields.ts";
import { parseListen } from "./address.ts";
import { levels } from "./shape/levels.ts";
import { processKeys } from "./shape/process.ts";
import { proxyProtocol } from "./shape/proxy-protocol.ts";
import type { Vocabulary } from "./shape/routes.ts";
import { defaultsSchema, sitesSchema } from "./shape/sites.ts";
import { streams } from "./shape/streams.ts";
import { upstreams } from "./shape/upstreams.ts";

const LISTENER_FORM = 'an address that a site or a stream listens on, such as ":80"';

const PROTOCOLS_FORM = 'a list of "h1", "h2" and "h2c", at least one';

const protocols = z
  .array(z.enum(["h1", "h2", "h2c"], { error: wanted('"h1", "h2" or "h2c"') }), {
    error: wanted(PROTOCOLS_FORM),
  })
  .min(1, { error: wanted(PROTOCOLS_FORM) })
  .describe(
    [
      "What clients may speak: `h1` is HTTP/1, `h2` HTTP/2 over TLS, `h2c` HTTP/2 without TLS, with",
      "prior knowledge. Default: `[h1, h2]`.",
    ].join(" "),
  );

const listeners = z
  .record(
    z.string().refine((text) => parseListen(text) !== undefined, { error: wanted(LISTENER_FORM) }),
    z
      .strictObject(
        { ...levels, protocols: protocols.optional(), proxyProtocol: proxyProtocol.optional() },
        { error: wanted("a map with protocols, limits, timeouts, rates and proxyProtocol") },
      )
      .describe("The address as in `listen` of a site."),
    { error: wanted("a map of addresses that sites and streams listen on") },
  )
  .describe("What holds for all connections to one listener.");

/** Some hundred parts, so it is built once for each vocabulary: of which a process has one. */
export function configSchema(vocabulary: Vocabulary): ConfigSchema {
  const known = schemas.get(vocabulary) ?? buildSchema(vocabulary);
  schemas.set(vocabulary, known);
  return known;
}

type ConfigSchema = ReturnType<typeof buildSchema>;

const schemas = new WeakMap<Vocabulary, ConfigSchema>();

function buildSchema(vocabulary: Vocabulary) {
  return z.strictObject(
    {
      ...processKeys,
      ...levels,
      listeners: listeners.optional(),
      upstreams: upstreams.optional(),
      defaults: defaultsSchema(vocabulary)
        .optional()
        .describe("Route keys for every route; a site, then a route, overrides each whole."),
      sites: sitesSchema(vocabulary).optional(),
      streams: streams.optional(),
    },
    { error: wanted("a map of settings") },
  );
}

/** What a config parses to, before defaults are handed down and short forms are gone. */
export type ParsedConfig = z.output<ReturnType<typeof configSchema>>;
