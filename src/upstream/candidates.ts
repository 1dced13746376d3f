import { type Endpoint, type EndpointState, isUsable } from "../core/upstream.ts";

/** How an upstream falls back when some of its endpoints are away. */
export interface FallbackShape {
  /** A group bears all of its traffic until less than 1 / overprovision of it may be used. */
  readonly overprovision: number; // Infinity: until nobody in it may be
  /** Fewer than this share of all may be used: then all are, but for those that drain. 0: never. */
  readonly panicBelow: number;
  /** Endpoints of this zone are asked before the others of their priority; "": of none. */
  readonly preferredZone: string;
}

export const FALLBACK: FallbackShape = { overprovision: 1.4, panicBelow: 0, preferredZone: "" };

/** Who may be chosen among: a list for each group that gets a share of the requests. */
export interface Ready {
  readonly lists: readonly (readonly Endpoint[])[];
  readonly upTo: readonly number[]; // where the share of each list ends, from 0 to 1
  readonly isPanicking: boolean;
}

const NOBODY: readonly Endpoint[] = [];

/**
 * The endpoints of an upstream in the order in which they are asked: by priority, those of our own
 * zone first. A group that is too thin for its load passes the rest on to the next; those that
 * stand by (backups, then weight 0) are asked when nobody else is left.
 */
export class Candidates {
  readonly #endpoints: readonly Endpoint[];
  readonly #groups: readonly (readonly Endpoint[])[];
  readonly #standby: readonly (readonly Endpoint[])[];
  readonly #shape: FallbackShape;

  constructor(endpoints: readonly Endpoint[], shape: FallbackShape) {
    this.#endpoints = endpoints;
    this.#groups = groupsOf(endpoints, shape.preferredZone);
    this.#standby = [
      endpoints.filter(({ weight, backup }) => weight > 0 && backup),
      endpoints.filter(({ weight }) => weight === 0),
    ].filter((group) => group.length > 0);
    this.#shape = shape;
  }

  /** All who may be used now, but for those in `tried`. */
  ready(nowMs: number, tried: readonly Endpoint[]): Ready {
    const isPanicking = this.#isPanicking(nowMs);
    const mayServe = isPanicking
      ? ({ state }: Endpoint) => mightServe(state)
      : ({ state }: Endpoint) => isUsable(state, nowMs);
    const isLeft = (endpoint: Endpoint) => mayServe(endpoint) && !tried.includes(endpoint);

    const lists = this.#groups.map((group) => group.filter(isLeft));
    if (lists.every((list) => list.length === 0)) return this.#lastResort(isLeft, isPanicking);
    // What was tried and failed is away for this request alone: it moves nobody's load.
    const shares = this.#shares(mayServe).map((share, at) => (lists[at]!.length > 0 ? share : 0));
    const total = shares.reduce((sum, share) => sum + share, 0);
    if (total === 0) return oneList(lists.find((list) => list.length > 0)!, isPanicking);

    const taking = lists.filter((_, at) => shares[at]! > 0);
    let end = 0;
    const upTo = shares.filter((share) => share > 0).map((share) => (end += share / total));
    return { lists: taking, upTo, isPanicking };
  }

  #lastResort(isLeft: (endpoint: Endpoint) => boolean, isPanicking: boolean): Ready {
    for (const group of this.#standby) {
      const list = group.filter(isLeft);
      if (list.length > 0) return oneList(list, isPanicking);
    }
    return oneList(NOBODY, isPanicking);
  }

  /** Each group takes what it bears of what is left; they may come to less than one together. */
  #shares(mayServe: (endpoint: Endpoint) => boolean): number[] {
    let left = 1;
    return this.#groups.map((group) => {
      const usable = weightOf(group.filter(mayServe));
      const bears = usable === 0 ? 0 : this.#overprovision(group) * (usable / weightOf(group));
      const share = Math.min(left, bears);
      left -= share;
      return share;
    });
  }

  #overprovision(group: readonly Endpoint[]): number {
    const isStrict = group.every((endpoint) => endpoint.isStrict);
    return isStrict ? Number.POSITIVE_INFINITY : this.#shape.overprovision;
  }

  #isPanicking(nowMs: number): boolean {
    if (this.#shape.panicBelow === 0) return false;
    const staying = this.#endpoints.filter(({ state }) => mightServe(state));
    const usable = staying.filter(({ state }) => isUsable(state, nowMs));
    return usable.length < this.#shape.panicBelow * staying.length;
  }
}

/** Whatever its health: nobody took it out of service, and there is an address to connect to. */
function mightServe({ isDraining, isUnresolved }: EndpointState): boolean {
  return !isDraining && !isUnresolved;
}

function groupsOf(endpoints: readonly Endpoint[], zone: string): Endpoint[][] {
  const serving = endpoints.filter(({ weight, backup }) => weight > 0 && !backup);
  const priorities = [...new Set(serving.map(({ priority }) => priority))].sort((a, b) => a - b);
  return priorities
    .map((priority) => serving.filter((each) => each.priority === priority))
    .flatMap((group) => (zone === "" ? [group] : byNearness(group, zone)))
    .filter((group) => group.length > 0);
}

function byNearness(group: readonly Endpoint[], zone: string): Endpoint[][] {
  return [group.filter((each) => each.zone === zone), group.filter((each) => each.zone !== zone)];
}

function weightOf(group: readonly Endpoint[]): number {
  return group.reduce((sum, { weight }) => sum + weight, 0);
}

function oneList(list: readonly Endpoint[], isPanicking: boolean): Ready {
  return { lists: [list], upTo: [1], isPanicking };
}
