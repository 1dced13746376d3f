import { networkOf } from "../base/client-network.ts";
import { AT_MAX, KeyCounts } from "../base/key-counts.ts";
import type { Machine } from "./machine.ts";

/** A connection's place among those of its address. */
export interface Seat {
  /** Once, when the connection is over. */
  leave(): void;
}

export const UNCOUNTED: Seat = { leave() {} };

const ROWS = 65_536; // addresses with a connection open at once; some 20 bytes each, and 4 per worker

/** How many connections each address has on a listener, over all workers; outlives reloads. */
export function clientCounts(machine: Machine, listenerKey: string): KeyCounts {
  const shape = KeyCounts.shape(ROWS, machine.workers + 1);
  const memory = machine.block(
    `listener ${listenerKey} clients`,
    KeyCounts.byteLength(shape),
    (lost, worker) => KeyCounts.clear(lost, shape, worker),
  );
  return new KeyCounts(memory, shape, machine.worker);
}

/**
 * At most so many connections from one address (SECURITY D6): one client cannot have all of them.
 * Of IPv6 a /64 is one address. Who sends many clients' requests is not counted: a trusted proxy, and
 * who comes over a unix socket.
 */
export class ClientLimit {
  readonly #counts: KeyCounts;
  readonly #max: number;
  readonly #isTrusted: (address: string) => boolean;

  constructor(counts: KeyCounts, max: number, isTrusted: (address: string) => boolean) {
    this.#counts = counts;
    this.#max = max;
    this.#isTrusted = isTrusted;
  }

  /** undefined: it has as many as it may. */
  take(address: string): Seat | undefined {
    if (address === "unix" || this.#isTrusted(address)) return UNCOUNTED;
    const counts = this.#counts;
    const row = counts.claim(networkOf(address), this.#max);
    if (row === AT_MAX) return undefined;
    // More addresses at once than there is room for: those beyond it are under connectionsMax alone.
    if (row < 0) return UNCOUNTED;
    return { leave: () => counts.release(row) };
  }
}
