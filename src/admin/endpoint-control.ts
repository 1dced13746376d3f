import type { Log, World } from "../base/world.ts";
import { parseEndpoint } from "../config/address.ts";
import { type Shaped, shape } from "../config/issues.ts";
import { addedEndpoint, type EndpointConfig } from "../config/shape/upstreams.ts";
import { conditionOf, type Endpoint } from "../core/upstream.ts";
import type { Server } from "../server/server.ts";
import { endpointName } from "../upstream/endpoint.ts";
import type { Refused } from "./admin-guard.ts";

/** What an operator's change came to. */
export type Controlled =
  | { readonly kind: "done"; readonly status: number; readonly endpoint: EndpointFacts }
  | ({ readonly kind: "refused" } & Refused);

export interface EndpointFacts {
  readonly upstream: string;
  readonly name: string;
  readonly health: string;
  readonly active: number; // requests in flight; what is told of one that was taken out, too
}

/**
 * Endpoints of the running proxy in an operator's hands. All of it is told in the log. It holds over
 * reloads and not over a restart; what is in flight goes on whatever is done.
 */
export class EndpointControl {
  readonly #server: () => Server;
  readonly #world: Pick<World, "clock"> & { readonly log: Log };

  constructor(server: () => Server, world: Pick<World, "clock"> & { readonly log: Log }) {
    this.#server = server;
    this.#world = world;
  }

  /** No new requests from now on, or again; in all workers, with their next choice. */
  drain(upstreamName: string, name: string, isDraining: boolean, by: string): Controlled {
    const found = this.#find(upstreamName, name);
    if ("kind" in found) return found;
    if (found.state.isDraining && !isDraining) found.state.readySinceMs = this.#world.clock.nowMs();
    found.state.isDraining = isDraining;
    this.#tell(isDraining ? "endpoint drains" : "endpoint serves again", upstreamName, name, by);
    return this.#done(200, upstreamName, found);
  }

  async add(upstreamName: string, body: string, by: string): Promise<Controlled> {
    const server = this.#server();
    const upstream = server.config.upstreams.get(upstreamName);
    if (upstream === undefined) return unknownUpstream(upstreamName, this.#upstreams);
    const read = readEndpoint(body);
    if (!read.ok) return refused(422, "endpoint_malformed", read.why);
    const { address, scheme, weight, backup } = read.endpoint;
    const name = endpointName(address);
    const edited = await server.tasks.edits.add(upstream, { address, scheme, weight, backup });
    if (edited === "there_already") {
      return refused(409, "endpoint_exists", `${name} is in ${upstreamName} already.`);
    }
    if (edited === "too_many") {
      return refused(409, "too_many_endpoints", `${upstreamName} has as many as can be added.`);
    }
    this.#tell("endpoint added", upstreamName, name, by);
    const found = this.#find(upstreamName, name);
    return "kind" in found ? found : this.#done(201, upstreamName, found);
  }

  remove(upstreamName: string, name: string, by: string): Controlled {
    const found = this.#find(upstreamName, name);
    if ("kind" in found) return found;
    this.#server().tasks.edits.remove(upstreamName, name);
    this.#tell("endpoint removed", upstreamName, name, by);
    return this.#done(200, upstreamName, found);
  }

  get #upstreams(): readonly string[] {
    return [...this.#server().runtime.upstreams.keys()];
  }

  #find(upstreamName: string, name: string): Endpoint | Extract<Controlled, { kind: "refused" }> {
    const upstream = this.#server().runtime.upstreams.get(upstreamName);
    if (upstream === undefined) return unknownUpstream(upstreamName, this.#upstreams);
    const parsed = parseEndpoint(name); // "http://10.0.0.1" names it as well
    const wanted = parsed.kind === "address" ? endpointName(parsed.address) : name;
    const endpoint = upstream.endpoints.find((each) => each.name === wanted);
    if (endpoint !== undefined) return endpoint;
    const there = some(upstream.endpoints.map((each) => each.name));
    const about = `There is no endpoint of that name in ${upstreamName}, but ${there}.`;
    return refused(404, "endpoint_unknown", about);
  }

  #tell(message: string, upstream: string, endpoint: string, by: string): void {
    this.#world.log.info(message, { upstream, endpoint, by });
  }

  #done(status: number, upstream: string, { name, state }: Endpoint): Controlled {
    const health = conditionOf(state, this.#world.clock.nowMs());
    return { kind: "done", status, endpoint: { upstream, name, health, active: state.active } };
  }
}

type Read =
  | { readonly ok: true; readonly endpoint: EndpointConfig }
  | { readonly ok: false; readonly why: string };

/** JSON of the form that a config has. */
function readEndpoint(body: string): Read {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return { ok: false, why: 'The body must be JSON such as {"url": "10.0.0.1:3000"}.' };
  }
  const shaped: Shaped = shape(addedEndpoint, value);
  if (!shaped.ok)
    return { ok: false, why: shaped.findings.map(({ message }) => message).join(" ") };
  return { ok: true, endpoint: shaped.value as EndpointConfig }; // as the schema makes it
}

const NAMES_SHOWN_MAX = 8;

function some(names: readonly string[]): string {
  if (names.length === 0) return "there is none";
  const shown = names.slice(0, NAMES_SHOWN_MAX).join(", ");
  return names.length > NAMES_SHOWN_MAX
    ? `${shown} and ${names.length - NAMES_SHOWN_MAX} more`
    : shown;
}

function unknownUpstream(name: string, known: readonly string[]) {
  return refused(404, "upstream_unknown", `There is no upstream ${name}, but ${some(known)}.`);
}

function refused(status: number, reason: string, about: string) {
  return { kind: "refused" as const, status, reason, about };
}
