import type { Exchange } from "../../core/exchange.ts";
import type { Fault } from "../../core/fault.ts";
import type { Claim, ClaimLine, ClaimWaiter, Endpoint, Need } from "../../core/upstream.ts";
import type { ForwardTarget } from "./target.ts";

/** Told what comes of waiting, and where the search goes on. */
export interface SearchOwner {
  turnedTo(target: ForwardTarget): void;
  claimed(claim: Claim): void;
  waitedInVain(fault: Fault): void;
}

const NONE_TRIED: readonly Endpoint[] = [];

/** One exchange's search for an endpoint: over the upstreams it may go to, and waiting if it must. */
export class EndpointSearch implements ClaimWaiter, Need {
  readonly #exchange: Exchange;
  readonly #owner: SearchOwner;
  readonly #targets: readonly ForwardTarget[] | undefined; // where there is more than one
  #targetAt: number;
  #target: ForwardTarget;
  #line: ClaimLine | undefined; // that we stand in
  #refusal: Fault | undefined; // why there was no claim
  hashKey: string | undefined; // as the target's upstream wants it
  stuckTo: Endpoint | undefined;
  tried: readonly Endpoint[];

  constructor(
    exchange: Exchange,
    owner: SearchOwner,
    only: ForwardTarget,
    targets: readonly ForwardTarget[] | undefined,
  ) {
    this.#exchange = exchange;
    this.#owner = owner;
    this.#targets = targets;
    this.#targetAt = 0;
    this.#target = targets === undefined ? only : targets[0]!;
    this.#line = undefined;
    this.#refusal = undefined;
    this.hashKey = undefined;
    this.stuckTo = undefined;
    this.tried = NONE_TRIED;
    this.#ask();
  }

  get need(): Need {
    return this;
  }

  get target(): ForwardTarget {
    return this.#target;
  }

  /** The endpoint is not to be asked again for this exchange. */
  avoid(endpoint: Endpoint): void {
    this.tried = [...this.tried, endpoint];
  }

  /** All of them may be asked again: those that could not be reached may be back by now. */
  forgive(): void {
    this.tried = NONE_TRIED;
  }

  /** Everybody but this one has been tried. */
  isLast(endpoint: Endpoint): boolean {
    const { endpoints } = this.#target.upstream;
    const isElsewhere = this.#targetAt < (this.#targets?.length ?? 1) - 1;
    return (
      !isElsewhere && endpoints.every((each) => each === endpoint || this.tried.includes(each))
    );
  }

  /** A claim, or the fault there is instead; neither while we wait for one. */
  claim(): Claim | Fault | undefined {
    const claim = this.#target.upstream.claim(this) ?? this.#claimElsewhere();
    if (claim !== undefined) return claim;
    return this.#line === undefined ? this.#refusal : undefined;
  }

  /** Another endpoint of the same upstream, if one is free at once. */
  claimBeside(endpoint: Endpoint): Claim | undefined {
    const { upstream } = this.#target;
    if (upstream.endpoints.length < 2) return undefined;
    const { hashKey, tried } = this;
    return upstream.claim({ hashKey, stuckTo: undefined, tried: [...tried, endpoint] });
  }

  /** The exchange is over: it waits no longer. */
  leave(): void {
    this.#line?.leave(this);
    this.#line = undefined;
  }

  claimed(claim: Claim): void {
    this.#line = undefined;
    this.#owner.claimed(claim);
  }

  waitedInVain(fault: Fault): void {
    this.#line = undefined;
    this.#owner.waitedInVain(fault);
  }

  /** What the balancer of the target wants to know of the request. */
  #ask(): void {
    const { upstream } = this.#target;
    this.#exchange.upstream = upstream.name;
    this.hashKey = upstream.hashKeyOf?.(this.#exchange);
    this.stuckTo = upstream.sticky?.endpointOf(this.#exchange);
  }

  /**
   * The target has nobody who could serve now. If it is only full we wait there; if it has nobody at
   * all the next one is asked; and if nobody is anywhere, we wait for the one that came first.
   */
  #claimElsewhere(): Claim | undefined {
    const firstAt = this.#targetAt;
    const lastAt = (this.#targets?.length ?? 1) - 1;
    for (;;) {
      if (this.#waits(firstAt === lastAt)) return undefined;
      if (this.#targetAt === lastAt) break;
      this.#turnTo(this.#targetAt + 1);
      const claim = this.#target.upstream.claim(this);
      if (claim !== undefined) return claim;
    }
    if (firstAt === lastAt) return undefined;
    this.#turnTo(firstAt);
    this.#waits(true);
    return undefined;
  }

  #turnTo(at: number): void {
    this.#target = this.#targets![at]!;
    this.#targetAt = at;
    this.#ask();
    this.#owner.turnedTo(this.#target);
  }

  #waits(mayPark: boolean): boolean {
    const answer = this.#target.upstream.wait(this, mayPark);
    this.#line = "leave" in answer ? answer : undefined;
    this.#refusal = "leave" in answer ? undefined : answer;
    return this.#line !== undefined;
  }
}
