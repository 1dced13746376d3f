/**
 * Takes endpoints out of use for what requests met there. All workers count in the same cells, so
 * five failures in a row are five whoever saw them, and an ejection holds for all at once. Nothing
 * here has a timer: an ejection is a time in the state, and ends by itself.
 */
import type { Clock } from "../../base/world.ts";
import { type ClaimWatch, conditionOf, type Endpoint, type Outcome } from "../../core/upstream.ts";
import type { HealthLog } from "./health-log.ts";

export interface PassiveOptions {
  readonly failures: number; // in a row
  readonly withinMs: number;
  readonly ejectForMs: number; // times the number of ejections in a row
  readonly ejectMostMs: number;
  readonly ejectPercent: number; // of the endpoints, at most; one may always be
  readonly statuses: ReadonlySet<number>; // of responses that count as failures
}

export const PASSIVE: PassiveOptions = {
  failures: 5,
  withinMs: 10_000,
  ejectForMs: 10_000,
  ejectMostMs: 300_000,
  ejectPercent: 50,
  statuses: new Set([502, 503, 504]),
};

// In an outage every failure would look through all endpoints for one that may be ejected.
const LOOK_AGAIN_MS = 100;

interface PassiveTools {
  readonly clock: Clock;
  readonly log: HealthLog;
  /** All of the upstream's, as of now. */
  readonly endpoints: () => readonly Endpoint[];
}

export class PassiveCheck implements ClaimWatch {
  readonly #options: PassiveOptions;
  readonly #tools: PassiveTools;
  #sparesNoneUntilMs: number;

  constructor(options: PassiveOptions, tools: PassiveTools) {
    this.#options = options;
    this.#tools = tools;
    this.#sparesNoneUntilMs = 0;
  }

  answered(endpoint: Endpoint, status: number): boolean {
    if (status < 500 && status !== 429) return false; // spares the usual way the set
    if (!this.#options.statuses.has(status)) return false;
    this.#failed(endpoint, `status ${status}`);
    return true;
  }

  released(endpoint: Endpoint, outcome: Outcome, why: string | undefined): void {
    if (outcome === "failed") this.#failed(endpoint, why ?? "");
    else if (outcome === "served" && endpoint.state.failures.count > 0) this.#succeeded(endpoint);
  }

  #failed(endpoint: Endpoint, why: string): void {
    const { clock } = this.#tools;
    const { failures, withinMs } = this.#options;
    const { state } = endpoint;
    const nowMs = clock.nowMs();
    // What was under way when it was ejected says nothing new.
    if (state.ejectedUntilMs > nowMs) return;
    if (state.failures.add(nowMs, withinMs) < failures) return;
    if (nowMs < this.#sparesNoneUntilMs) return;
    if (!this.#maySpare(endpoint, nowMs)) this.#sparesNoneUntilMs = nowMs + LOOK_AGAIN_MS;
    else if (state.failures.take(failures)) this.#eject(endpoint, nowMs, why);
  }

  #eject(endpoint: Endpoint, nowMs: number, why: string): void {
    const { failures, ejectForMs, ejectMostMs } = this.#options;
    const { state } = endpoint;
    const inRow = this.#inRow(endpoint, nowMs) + 1;
    const forMs = Math.min(ejectForMs * inRow, ejectMostMs);
    const untilMs = nowMs + forMs;
    state.ejectedUntilMs = untilMs;
    // Another worker may have ejected another one at this moment: then neither is.
    if (this.#ejectedCount(nowMs) > this.#ejectedMost() || !this.#isOtherUsable(endpoint, nowMs)) {
      state.ejectedUntilMs = 0;
      return;
    }
    state.readySinceMs = untilMs;
    state.failures.ejectionsInRow = inRow;
    state.failures.ejectionsEver++;
    // It comes back on probation: until it has served once, one failure is enough.
    state.failures.resume(Math.max(1, failures - 1), untilMs);
    this.#tools.log.tell("endpoint ejected", { endpoint: endpoint.name, why, forMs });
  }

  #succeeded({ name, state }: Endpoint): void {
    // What was under way when it was ejected says nothing about how it will come back.
    if (state.ejectedUntilMs > this.#tools.clock.nowMs()) return;
    if (state.failures.clear()) this.#tools.log.tell("endpoint is back", { endpoint: name });
  }

  /** Ejections that count still: one is forgotten for each `ejectFor` of use since the last. */
  #inRow({ state }: Endpoint, nowMs: number): number {
    const { ejectionsInRow } = state.failures;
    const backForMs = nowMs - state.ejectedUntilMs;
    return Math.max(0, ejectionsInRow - Math.floor(backForMs / this.#options.ejectForMs));
  }

  #maySpare(endpoint: Endpoint, nowMs: number): boolean {
    return this.#ejectedCount(nowMs) < this.#ejectedMost() && this.#isOtherUsable(endpoint, nowMs);
  }

  #ejectedMost(): number {
    const share = (this.#tools.endpoints().length * this.#options.ejectPercent) / 100;
    return Math.max(1, Math.floor(share));
  }

  #ejectedCount(nowMs: number): number {
    let count = 0;
    for (const { state } of this.#tools.endpoints()) if (state.ejectedUntilMs > nowMs) count++;
    return count;
  }

  /** The last one standing is kept: a bad answer is better than none. */
  #isOtherUsable(endpoint: Endpoint, nowMs: number): boolean {
    return this.#tools.endpoints().some((other) => {
      if (other === endpoint) return false;
      const condition = conditionOf(other.state, nowMs);
      return condition === "up" || condition === "unknown";
    });
  }
}
