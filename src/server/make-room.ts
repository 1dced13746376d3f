import type { Crowd } from "../base/crowd.ts";
import type { Lanes } from "../base/lanes.ts";
import type { Random } from "../base/world.ts";
import type { Seat } from "../core/client-limit.ts";
import type { Fault } from "../core/fault.ts";
import { UNSHED_MS } from "../core/limits.ts";
import type { Worker } from "../core/worker.ts";
import type { DownstreamConnection } from "../transport/downstream-connection.ts";

/** Who has come and is not known yet. */
export interface Newcomer {
  readonly address: string;
  readonly startedMs: number;
  seat: Seat; // among the connections of its address
}

interface Abortable {
  abort(): void;
}

const LOOKED_AT = 64;
const NOBODY: readonly [undefined, { readonly startedMs: number }] = [undefined, { startedMs: 0 }];

/** The connections of a listener in this worker, and who of them has to go where there are too many. */
export class Room {
  readonly #key: string; // of the listener
  readonly #worker: Worker;
  readonly #counts: Lanes;
  readonly #connections: Crowd<DownstreamConnection>;
  readonly #openings: ReadonlyMap<Abortable, Newcomer>; // the oldest first

  constructor(
    key: string,
    worker: Worker,
    counts: Lanes,
    inside: {
      readonly connections: Crowd<DownstreamConnection>;
      readonly openings: ReadonlyMap<Abortable, Newcomer>;
    },
  ) {
    this.#key = key;
    this.#worker = worker;
    this.#counts = counts;
    this.#connections = inside.connections;
    this.#openings = inside.openings;
  }

  /**
   * For one more. Near the limit it takes the place of one that does nothing (SECURITY D6): from a
   * sixteenth below it on, so that a worker whose own are all busy finds that others have made room.
   */
  hasRoom(connectionsMax: number): boolean {
    if (connectionsMax === Number.POSITIVE_INFINITY) return true;
    const count = this.#counts.sum(OPEN);
    const isNear = count >= connectionsMax - Math.floor(connectionsMax / 16);
    return !isNear || this.#make() || count < connectionsMax;
  }

  #make(): boolean {
    const { clock, random } = this.#worker.world;
    const idle = longestIdle(this.#connections, random);
    const [[opening, { startedMs }] = NOBODY] = this.#openings;
    const unshedMs = clock.nowMs() - UNSHED_MS;
    const isOpening =
      opening !== undefined && startedMs <= Math.min(unshedMs, idle?.idleSinceMs ?? unshedMs);
    if (isOpening) opening.abort();
    else if (idle === undefined) return false;
    else idle.shed();
    this.#worker.madeRoom(this.#key);
    return true;
  }
}

export const OPEN = 0; // in each worker's lane
export const FULL: Fault = { code: "overloaded", detail: "limits.connectionsMax" };
export const CLIENT_FULL: Fault = {
  code: "connections_limited",
  detail: "limits.connectionsPerClient",
};

/**
 * Who has done nothing for longest, of a few that lie together in the crowd: to keep all in order
 * would cost every request, and this only newcomers to a full house. Where one in twenty is idle
 * one is found 96 times of a hundred.
 */
function longestIdle(
  crowd: Crowd<DownstreamConnection>,
  random: Random,
): DownstreamConnection | undefined {
  const { size } = crowd;
  let found: DownstreamConnection | undefined;
  let sinceMs = Number.POSITIVE_INFINITY;
  const first = size > LOOKED_AT ? random.below(size) : 0;
  for (let step = 0; step < Math.min(size, LOOKED_AT); step++) {
    const connection = crowd.at((first + step) % size);
    if (connection.idleSinceMs >= sinceMs) continue;
    found = connection;
    sinceMs = connection.idleSinceMs;
  }
  return found;
}
