import { LoneMachine } from "../../src/core/machine.ts";
import { type Endpoint, PLAIN } from "../../src/core/upstream.ts";
import { SharedEndpointState } from "../../src/upstream/endpoint-state.ts";
import { StateChanges } from "../../src/upstream/state-changes.ts";

export interface EndpointSample {
  readonly weight?: number;
  readonly active?: number;
}

/** An endpoint with a state of its own, which nobody else has heard of. */
export function endpointSample(
  name: string,
  { weight = 1, active = 0 }: EndpointSample = {},
): Endpoint {
  const changes = new StateChanges(new SharedArrayBuffer(4));
  const state = new SharedEndpointState(new LoneMachine(), name, changes);
  for (let count = 0; count < active; count++) state.enter();
  return {
    name,
    address: { host: name, port: 80 },
    manner: PLAIN,
    weight,
    backup: false,
    priority: 0,
    isStrict: false,
    zone: "",
    maxRequests: Number.POSITIVE_INFINITY,
    state,
  };
}
