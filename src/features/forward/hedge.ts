import type { Timer } from "../../base/world.ts";
import { type Attempt, type Exchange, upstreamMethodOf } from "../../core/exchange.ts";
import { FAULTS, type Fault } from "../../core/fault.ts";
import type { Claim, Outcome } from "../../core/upstream.ts";
import type { Worker } from "../../core/worker.ts";
import type { ResponseFacts } from "../../protocol/h1/response-facts.ts";
import { discardResponse } from "../../transport/discard.ts";
import type { Rival, RivalOwner } from "../../transport/rival.ts";
import type { LatencyHistogram } from "../../upstream/latency-histogram.ts";
import { isIdempotent, isIdleRace } from "../../upstream/retry-policy.ts";

/** When a second endpoint is asked while the first is silent. */
export interface HedgePolicy {
  readonly afterMs: number | undefined; // or
  readonly percentile: number | undefined; // of what requests took lately
  readonly latencies: LatencyHistogram;
}

/** What a hedge asks of the exchange that it is for. */
export interface Hedged {
  /** Another endpoint, and the budget charged for it; undefined: there is none to be had. */
  claimRival(): Claim | undefined;
  /** Begins the request on a connection to that endpoint. */
  startRival(claim: Claim, owner: RivalOwner): Rival;
  /** The rival answered first, with what the client may have. */
  rivalWon(rival: RunningRival, facts: ResponseFacts): void;
  isDeclined(status: number): boolean;
  giveBackBudget(): void;
  guarded(act: () => void): void;
}

export interface RunningRival {
  readonly rival: Rival;
  readonly claim: Claim;
  readonly claimedMs: number;
}

/** Whether it does no harm to ask twice: nothing that could be done twice, and nothing to send. */
export function mayBeHedged({ request, downstream }: Exchange): boolean {
  const { kind } = downstream.requestFraming;
  return (
    kind === "none" &&
    downstream.websocketKey === undefined &&
    isIdempotent(upstreamMethodOf(request))
  );
}

/** The second attempt of one exchange: not yet, under way, or over. There is never a third. */
export class Hedge implements RivalOwner {
  readonly #worker: Worker;
  readonly #upstream: string;
  readonly #policy: HedgePolicy;
  readonly #hedged: Hedged;
  #timer: Timer | undefined;
  #running: RunningRival | undefined;
  #isCharged: boolean;

  constructor(worker: Worker, upstream: string, policy: HedgePolicy, hedged: Hedged) {
    this.#worker = worker;
    this.#upstream = upstream;
    this.#policy = policy;
    this.#hedged = hedged;
    this.#timer = undefined;
    this.#running = undefined;
    this.#isCharged = false;
  }

  /** The first attempt begins. */
  begin(): void {
    const { afterMs, percentile, latencies } = this.#policy;
    const delayMs = afterMs ?? latencies.percentileMs(percentile ?? 100);
    if (delayMs === undefined) return;
    this.#timer = this.#worker.world.clock.after(delayMs, () => {
      this.#timer = undefined;
      this.#hedged.guarded(() => this.#start());
    });
  }

  #start(): void {
    const claim = this.#hedged.claimRival();
    if (claim === undefined) return;
    this.#isCharged = true;
    const claimedMs = this.#worker.world.clock.nowMs();
    try {
      this.#running = { rival: this.#hedged.startRival(claim, this), claim, claimedMs };
    } catch (bug) {
      claim.release("abandoned");
      throw bug;
    }
  }

  rivalAnswered(facts: ResponseFacts): void {
    const { rival, claim, claimedMs } = this.#running!;
    if (this.#hedged.isDeclined(facts.status)) {
      claim.answered(facts.status, this.#worker.world.clock.nowMs() - claimedMs);
      discardResponse(rival.connection, facts, this.#worker.wheel);
      this.#end("served");
      return;
    }
    const winner = this.#running!;
    this.#running = undefined; // its claim is the exchange's from now on
    this.#hedged.rivalWon(winner, facts);
  }

  rivalFailed(fault: Fault): void {
    const { attempt } = this.#running!.rival;
    this.#worker.attemptFailed(this.#upstream, attempt);
    this.#end(outcomeOf(fault, attempt), fault.code);
  }

  /** The first attempt has come to nothing: the second takes its place, if it is under way. */
  takeRival(): RunningRival | undefined {
    this.#stopTimer();
    const running = this.#running;
    this.#running = undefined;
    return running;
  }

  /** The exchange has its answer, or wants none. */
  cancel(): void {
    this.#stopTimer();
    this.#running?.rival.connection.abandon();
    this.#end("abandoned");
  }

  /** Once the exchange is over; a charge lasts as long as it does. */
  settle(): void {
    this.cancel();
    if (this.#isCharged) this.#hedged.giveBackBudget();
    this.#isCharged = false;
  }

  #end(outcome: Outcome, why?: string): void {
    const running = this.#running;
    this.#running = undefined;
    running?.claim.release(outcome, why);
  }

  #stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

/** Who leaves, or closes what was idle, is no mark against the endpoint that was asked. */
export function outcomeOf({ code }: Fault, { connectionReused }: Attempt): Outcome {
  if (isIdleRace(code, connectionReused)) return "abandoned";
  return FAULTS[code].side === "upstream" ? "failed" : "abandoned";
}
