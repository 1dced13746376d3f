import type { Address } from "../base/world.ts";
import type { Endpoint, EndpointState, Scheme } from "../core/upstream.ts";
import { mannerOf, type UpstreamTls } from "./manner.ts";

export interface EndpointOptions {
  readonly address: Address;
  readonly scheme?: Scheme; // "http" by default
  /** The name in its URL, where the address is another: that of one of several. */
  readonly serverName?: string | undefined;
  readonly weight?: number; // a whole number; 1 by default, 0: only if nothing else may be used
  readonly backup?: boolean; // used only if no other endpoint may be
  readonly priority?: number;
  readonly zone?: string;
  readonly maxRequests?: number | undefined; // undefined: the upstream's
  /** The address stands for others: each that its host has, or those of the service it names. */
  readonly discover?: "all" | "srv" | undefined;
  /** While anybody of its priority can be used, nobody of the next one is asked. */
  readonly isStrict?: boolean;
}

const WEIGHT_MAX = 65_535; // the sum over any real upstream stays far below 2^32

/** Where the state of an endpoint is found, or made. */
export type StateOf = (key: string) => EndpointState;

/** What holds for all endpoints of an upstream that do not say otherwise. */
export interface EndpointDefaults {
  readonly maxRequests?: number | undefined;
  readonly tls?: UpstreamTls | undefined;
}

export function createEndpoint(
  upstream: string,
  options: EndpointOptions,
  stateOf: StateOf,
  defaults: EndpointDefaults = {},
): Endpoint {
  const { address, weight = 1, backup = false, priority = 0, zone = "" } = options;
  const { isStrict = false } = options;
  const name = endpointName(address);
  if (!(Number.isInteger(weight) && weight >= 0 && weight <= WEIGHT_MAX)) {
    throw new RangeError(`weight of ${name} is ${weight}`); // the config's check comes before
  }
  const maxRequests = options.maxRequests ?? defaults.maxRequests ?? Number.POSITIVE_INFINITY;
  const state = stateOf(stateKey(upstream, name));
  const manner = mannerOf(options, defaults.tls);
  return { name, address, manner, weight, backup, priority, isStrict, zone, maxRequests, state };
}

export function stateKey(upstream: string, endpoint: string): string {
  return `upstream ${upstream} endpoint ${endpoint}`;
}

/** What an endpoint is called in logs, metrics and keys. */
export function endpointName({ host, port }: Address): string {
  if (host.startsWith("/")) return `unix:${host}`;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
