import type { Address } from "../base/world.ts";
import type { BuildTools } from "../core/feature.ts";
import type { Endpoint, EndpointState } from "../core/upstream.ts";

export interface EndpointOptions {
  readonly address: Address;
  readonly weight?: number; // a whole number; 1 by default, 0: only if nothing else may be used
  readonly backup?: boolean; // used only if no other endpoint may be
}

/** Counts up whenever the health of any endpoint changes, so that lists made from it can be kept. */
export interface HealthChanges {
  count: number;
}

const WEIGHT_MAX = 65_535; // the sum over any real upstream stays far below 2^32

export function keepHealthChanges(tools: Pick<BuildTools, "keep">): HealthChanges {
  return tools.keep<HealthChanges>("endpoint health changes", () => ({ count: 0 }));
}

export function createEndpoint(
  options: EndpointOptions,
  tools: Pick<BuildTools, "keep">,
): Endpoint {
  const { address, weight = 1, backup = false } = options;
  const name = endpointName(address);
  if (!(Number.isInteger(weight) && weight >= 0 && weight <= WEIGHT_MAX)) {
    throw new RangeError(`weight of ${name} is ${weight}`); // the config's check comes before
  }
  const changes = keepHealthChanges(tools);
  const state = tools.keep<EndpointState>(`endpoint ${name}`, () => new LiveState(changes));
  return { name, address, weight, backup, state };
}

/** What an endpoint is called in logs, metrics and keys. */
export function endpointName({ host, port }: Address): string {
  if (host.startsWith("/")) return `unix:${host}`;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

class LiveState implements EndpointState {
  active: number;
  latencyMs: number;
  #health: EndpointState["health"];
  readonly #changes: HealthChanges;

  constructor(changes: HealthChanges) {
    this.active = 0;
    this.latencyMs = 0;
    this.#health = "unknown";
    this.#changes = changes;
  }

  get health(): EndpointState["health"] {
    return this.#health;
  }

  set health(health: EndpointState["health"]) {
    if (health === this.#health) return;
    this.#health = health;
    this.#changes.count += 1;
  }
}
