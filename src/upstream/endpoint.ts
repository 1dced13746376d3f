import type { Address } from "../base/world.ts";
import type { BuildTools } from "../core/feature.ts";
import type { Endpoint } from "../core/upstream.ts";
import { SharedEndpointState } from "./endpoint-state.ts";
import { StateChanges } from "./state-changes.ts";

export interface EndpointOptions {
  readonly address: Address;
  readonly weight?: number; // a whole number; 1 by default, 0: only if nothing else may be used
  readonly backup?: boolean; // used only if no other endpoint may be
  readonly priority?: number;
  readonly zone?: string;
  readonly maxRequests?: number;
}

const WEIGHT_MAX = 65_535; // the sum over any real upstream stays far below 2^32

export function createEndpoint(
  upstream: string,
  options: EndpointOptions,
  tools: Pick<BuildTools, "keep" | "machine">,
): Endpoint {
  const { address, weight = 1, backup = false, priority = 0, zone = "" } = options;
  const { maxRequests = Number.POSITIVE_INFINITY } = options;
  const name = endpointName(address);
  if (!(Number.isInteger(weight) && weight >= 0 && weight <= WEIGHT_MAX)) {
    throw new RangeError(`weight of ${name} is ${weight}`); // the config's check comes before
  }
  const changes = StateChanges.keep(tools);
  const key = `upstream ${upstream} endpoint ${name}`;
  const state = tools.keep(key, () => new SharedEndpointState(tools.machine, key, changes));
  return { name, address, weight, backup, priority, zone, maxRequests, state };
}

/** What an endpoint is called in logs, metrics and keys. */
export function endpointName({ host, port }: Address): string {
  if (host.startsWith("/")) return `unix:${host}`;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
