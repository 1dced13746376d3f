import type { Clock } from "../base/world.ts";
import type { Directory } from "../core/directory.ts";
import { MemoryMissing } from "../core/machine.ts";
import type { Endpoint, EndpointState } from "../core/upstream.ts";
import { createEndpoint, type EndpointOptions, endpointName, stateKey } from "./endpoint.ts";
import { SharedEndpointState } from "./endpoint-state.ts";
import { FoundStates } from "./found-states.ts";
import { membersOf } from "./members.ts";
import { StateChanges } from "./state-changes.ts";
import type { UpstreamOptions, UpstreamTools } from "./upstream.ts";

interface Member {
  readonly endpoint: Endpoint;
  readonly as: string; // its options, to be compared
}

/**
 * The endpoints of one upstream, as a config and the directory make them. Who stays is the same
 * object from one list to the next, so that what is kept by endpoint is not forgotten.
 */
export class Membership {
  readonly #options: UpstreamOptions;
  readonly #directory: Directory | undefined;
  readonly #found: FoundStates;
  readonly #configured: ReadonlyMap<string, Member>; // by name: reloads keep their states
  readonly #clock: Pick<Clock, "nowMs">;
  #isBegun: boolean; // who comes from now on joins the others
  #members: ReadonlyMap<string, Member>;
  #endpoints: readonly Endpoint[];
  #as: string; // of all of them

  constructor(options: UpstreamOptions, tools: UpstreamTools) {
    const { name } = options;
    const { directory, machine, keep, world } = tools;
    const changes = StateChanges.keep(tools);
    this.#options = options;
    this.#directory = directory;
    this.#clock = world.clock;
    this.#isBegun = true; // by the config of before, unless nobody has kept anything of it
    this.#found = keep(`upstream ${name} found`, () => {
      this.#isBegun = false;
      return new FoundStates(machine, changes);
    });
    const stateOf = (key: string) =>
      keep(key, () => {
        const known = this.#found.known(key);
        if (known !== undefined) return known;
        const state = new SharedEndpointState(machine, key, changes);
        this.#join(state);
        return state;
      });
    const plain = options.endpoints.filter(
      ({ discover }) => discover === undefined || directory === undefined,
    );
    this.#configured = byName(
      plain.map((each) => ({
        endpoint: createEndpoint(name, each, stateOf, options),
        as: asText(each),
      })),
    );
    this.#members = new Map();
    this.#endpoints = [];
    this.#as = "";
  }

  /** Counts up when endpoints() may have another answer. */
  get version(): number {
    return this.#directory === undefined ? 0 : this.#directory.version;
  }

  /** The same list for as long as nothing about it is other. */
  endpoints(): readonly Endpoint[] {
    const { name, endpoints: configured } = this.#options;
    const wanted =
      this.#directory === undefined ? configured : membersOf(name, configured, this.#directory);
    const as = wanted.map(asText).join();
    if (as === this.#as) return this.#endpoints;
    const members = this.#membersOf(wanted);
    if (members === undefined) return this.#endpoints;
    if (this.#as !== "") this.#noteWhoCame(members);
    this.#isBegun = true;
    this.#as = as;
    this.#members = members;
    this.#endpoints = [...this.#members.values()].map(({ endpoint }) => endpoint);
    this.#found.retain(new Set([...this.#members.keys()].map((each) => stateKey(name, each))));
    return this.#endpoints;
  }

  /** Who is new here, or back, is eased in where the upstream has a slow start. */
  #noteWhoCame(members: ReadonlyMap<string, Member>): void {
    for (const [name, { endpoint }] of members) {
      if (!this.#members.has(name)) this.#join(endpoint.state);
    }
    // Every worker does so when it gets to it, which may be late: only what nobody has noted counts.
    for (const [name, { endpoint }] of this.#members) {
      if (!members.has(name)) endpoint.state.readySinceMs = 0;
    }
  }

  #join(state: EndpointState): void {
    if (this.#isBegun && state.readySinceMs === 0) state.readySinceMs = this.#clock.nowMs();
  }

  /** undefined: their memory is still on its way to this worker, and with it comes another version. */
  #membersOf(wanted: readonly EndpointOptions[]): Map<string, Member> | undefined {
    try {
      return byName(wanted.map((each) => this.#member(each)));
    } catch (error) {
      if (error instanceof MemoryMissing) return undefined;
      throw error;
    }
  }

  #member(options: EndpointOptions): Member {
    const { name: upstream } = this.#options;
    const as = asText(options);
    const name = endpointName(options.address);
    const known = this.#members.get(name) ?? this.#configured.get(name);
    if (known?.as === as) return known;
    const state = known?.endpoint.state;
    const stateOf = (key: string) => state ?? this.#found.of(key);
    const endpoint = createEndpoint(upstream, options, stateOf, this.#options);
    return { endpoint, as };
  }
}

function byName(members: readonly Member[]): Map<string, Member> {
  return new Map(members.map((member) => [member.endpoint.name, member]));
}

function asText(options: EndpointOptions): string {
  return JSON.stringify(options);
}
