import type { Lanes } from "../base/lanes.ts";
import type { TimerWheel } from "../base/timer-wheel.ts";
import type { Fault } from "../core/fault.ts";
import type { BuildTools } from "../core/feature.ts";
import type { ClaimLine, ClaimWaiter } from "../core/upstream.ts";
import { type Claims, type LineShape, WaitingLine } from "./waiting-line.ts";

/** What an upstream lets wait; undefined: nobody. */
export interface LineShapes {
  readonly queue?: LineShape | undefined; // while all endpoints are full
  readonly parking?: LineShape | undefined; // while there is none to use
}

const QUEUED = 0;
const PARKED = 1;

type LinesTools = Pick<BuildTools, "keep" | "machine"> & { readonly wheel: TimerWheel };

/** Those who wait for one upstream; they stay in line over a reload. */
export class WaitingLines {
  readonly #lanes: Lanes;
  readonly #queue: WaitingLine;
  readonly #parking: WaitingLine;
  queuedHere: number; // in this worker; asked with every claim

  static keep(upstream: string, { keep, machine, wheel }: LinesTools): WaitingLines {
    const key = `upstream ${upstream} waiting`;
    return keep(key, () => new WaitingLines(upstream, machine.lanes(key), wheel));
  }

  constructor(upstream: string, lanes: Lanes, wheel: TimerWheel) {
    const timeout: Fault = { code: "queue_timeout", detail: upstream, retryAfterMs: 1_000 };
    const nobody: Fault = { code: "no_endpoint", detail: upstream };
    this.#lanes = lanes;
    this.#queue = new WaitingLine(wheel, timeout, (by) => {
      this.queuedHere += by;
      lanes.add(QUEUED, by);
    });
    this.#parking = new WaitingLine(wheel, nobody, (by) => lanes.add(PARKED, by));
    this.queuedHere = 0;
  }

  get counts(): { readonly queued: number; readonly parked: number } {
    return { queued: this.#lanes.sum(QUEUED), parked: this.#lanes.sum(PARKED) };
  }

  queue(waiter: ClaimWaiter, claims: Claims, shape: LineShape | undefined): ClaimLine | undefined {
    if (shape === undefined || !this.#queue.join(waiter, claims, shape)) return undefined;
    return this.#queue;
  }

  park(waiter: ClaimWaiter, claims: Claims, shape: LineShape | undefined): ClaimLine | undefined {
    if (shape === undefined || !this.#parking.join(waiter, claims, shape)) return undefined;
    return this.#parking;
  }

  /** A claim was released. */
  released(): void {
    this.#queue.serve();
  }
}
