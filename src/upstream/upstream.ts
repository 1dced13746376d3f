import { hashText, shareOf } from "../base/key-hash.ts";
import { TimerWheel } from "../base/timer-wheel.ts";
import type { Clock, Random } from "../base/world.ts";
import type { Breaker } from "../core/breaker.ts";
import type { ConcurrencyBounds } from "../core/concurrency.ts";
import type { Directory } from "../core/directory.ts";
import type { Fault } from "../core/fault.ts";
import type { BuildTools } from "../core/feature.ts";
import type { Limits, Timeouts } from "../core/limits.ts";
import {
  type Balancer,
  type BalancerFactory,
  type Claim,
  type ClaimLine,
  type ClaimWaiter,
  type ClaimWatch,
  type Endpoint,
  type EndpointChance,
  type MirrorCounts,
  mayStay,
  type Need,
  type RetryBudget,
  type Stickiness,
  type Upstream,
} from "../core/upstream.ts";
import { leastTime } from "./balancers/least-time.ts";
import { BALANCER_DEFAULT, BALANCERS } from "./balancers/named.ts";
import { Candidates, FALLBACK, type FallbackShape, type Ready } from "./candidates.ts";
import type { EndpointOptions } from "./endpoint.ts";
import { type ClaimBook, EndpointClaim } from "./endpoint-claim.ts";
import { type HashKeyReader, type HashKeySource, hashKeyReader } from "./hash-key.ts";
import type { UpstreamTls } from "./manner.ts";
import { Membership } from "./membership.ts";
import { SharedMirrorCounts } from "./mirror-counts.ts";
import {
  RETRY_BUDGET,
  type RetryBudgetShape,
  RetryCounts,
  SharedRetryBudget,
} from "./retry-budget.ts";
import { rampsUntilMs, readiness, takesNow } from "./slow-start.ts";
import { StateChanges } from "./state-changes.ts";
import { StickyCookie, type StickyShape } from "./sticky-cookie.ts";
import { type LineShapes, WaitingLines } from "./waiting-lines.ts";

export interface UpstreamOptions {
  readonly name: string;
  readonly endpoints: readonly EndpointOptions[];
  readonly balance?: BalancerFactory;
  readonly hashKey?: HashKeySource | undefined; // for balancers that go by one
  readonly fallback?: Partial<FallbackShape>;
  readonly slowStartMs?: number; // 0: who comes back has its whole share at once
  readonly lines?: LineShapes;
  readonly sticky?: StickyShape | undefined;
  readonly retryBudget?: RetryBudgetShape;
  readonly timeouts?: Partial<Timeouts>;
  readonly limits?: Partial<Limits>;
  readonly maxRequests?: number; // on each endpoint that has none of its own
  readonly tls?: UpstreamTls | undefined; // of those that are secured
  /** Told of its endpoints whenever they have become others. */
  readonly onMembers?: (endpoints: readonly Endpoint[]) => void;
  readonly watch?: ClaimWatch; // passive health
  readonly breaker?: Breaker | undefined;
  readonly concurrency?: ConcurrencyBounds | undefined;
}

export type UpstreamTools = Pick<BuildTools, "keep" | "machine"> & {
  readonly world: Pick<BuildTools["world"], "random" | "clock">;
  readonly wheel?: TimerWheel; // the worker's; one of its own without it
  readonly directory?: Directory; // without one, endpoints are those of the config as they stand
};

/** An upstream as one runtime sees it; what is live about it is kept and outlives the runtime. */
export function createUpstream(options: UpstreamOptions, tools: UpstreamTools): Upstream {
  const { random, clock } = tools.world;
  const wheel = tools.wheel ?? new TimerWheel(clock);
  return new EndpointGroup(options, {
    membership: new Membership(options, tools),
    balance: options.balance ?? BALANCERS[BALANCER_DEFAULT],
    changes: StateChanges.keep(tools),
    clock,
    random,
    retries: RetryCounts.keep(options.name, tools),
    lines: WaitingLines.keep(options.name, { ...tools, wheel }),
    mirrored: SharedMirrorCounts.keep(options.name, tools),
    sticky:
      options.sticky === undefined
        ? undefined
        : StickyCookie.keep(options.name, options.sticky, tools),
  });
}

interface GroupParts {
  readonly membership: Membership;
  readonly balance: BalancerFactory;
  readonly changes: StateChanges;
  readonly clock: Clock;
  readonly random: Random;
  readonly retries: RetryCounts;
  readonly lines: WaitingLines;
  readonly sticky: StickyCookie | undefined;
  readonly mirrored: MirrorCounts;
}

/** What follows from which endpoints there are. */
interface Members {
  readonly endpoints: readonly Endpoint[];
  readonly candidates: Candidates;
  readonly balancer: Balancer;
  readonly isBounded: boolean; // some endpoint has a maxRequests, or a limit that moves
}

function membersOf(
  endpoints: readonly Endpoint[],
  { fallback, concurrency }: UpstreamOptions,
  { balance, random, clock, sticky }: GroupParts,
): Members {
  sticky?.serve(endpoints);
  return {
    endpoints,
    candidates: new Candidates(endpoints, { ...FALLBACK, ...fallback }),
    balancer: balance(endpoints, random, clock),
    isBounded:
      concurrency !== undefined ||
      endpoints.some(({ maxRequests }) => maxRequests !== Number.POSITIVE_INFINITY),
  };
}

const NONE_TRIED: readonly Endpoint[] = [];

class EndpointGroup implements Upstream {
  readonly name: string;
  readonly timeouts: Partial<Timeouts>;
  readonly limits: Partial<Limits>;
  readonly retryBudget: RetryBudget;
  readonly breaker: Breaker | undefined;
  readonly concurrency: ConcurrencyBounds | undefined;
  readonly hashKeyOf: HashKeyReader | undefined;
  readonly sticky: Stickiness | undefined;
  readonly mirrored: MirrorCounts;
  readonly #options: UpstreamOptions;
  readonly #parts: GroupParts;
  // Of the parts, those that every claim asks:
  readonly #clock: Clock;
  readonly #membership: Membership;
  readonly #changes: StateChanges;
  readonly #slowStartMs: number;
  readonly #claims: (need: Need) => Claim | undefined; // for those who wait
  readonly #book: ClaimBook;
  #members: Members;
  #membersAsOf: number; // the version of the membership
  // For a first try, as of the change that is counted here:
  #ready: Ready;
  #readyAsOf: number;
  #readyUntilMs: number; // when the next ejection ends
  #rampsUntilMs: number; // until then somebody is not quite back yet

  constructor(options: UpstreamOptions, parts: GroupParts) {
    this.name = options.name;
    this.timeouts = options.timeouts ?? {};
    this.limits = options.limits ?? {};
    this.retryBudget = new SharedRetryBudget(parts.retries, options.retryBudget ?? RETRY_BUDGET);
    this.breaker = options.breaker;
    this.concurrency = options.concurrency;
    this.hashKeyOf = options.hashKey === undefined ? undefined : hashKeyReader(options.hashKey);
    this.sticky = parts.sticky;
    this.mirrored = parts.mirrored;
    this.#options = options;
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#membership = parts.membership;
    this.#changes = parts.changes;
    this.#slowStartMs = options.slowStartMs ?? 0;
    this.#claims = (need) => {
      this.#refresh();
      return this.#claimNow(need, parts.clock.nowMs());
    };
    this.#book = {
      counts: parts.retries,
      lines: parts.lines,
      clock:
        parts.balance === leastTime || options.concurrency !== undefined ? parts.clock : undefined,
      watch: options.watch,
      concurrency: options.concurrency,
    };
    this.#members = membersOf(parts.membership.endpoints(), options, parts);
    this.#membersAsOf = parts.membership.version;
    this.#ready = NOT_YET;
    this.#readyAsOf = -1;
    this.#readyUntilMs = 0;
    this.#rampsUntilMs = 0;
  }

  get endpoints(): readonly Endpoint[] {
    this.#refresh();
    return this.#members.endpoints;
  }

  retryBudgetOf(percent: number, minConcurrent: number): RetryBudget {
    return new SharedRetryBudget(this.#parts.retries, { percent, minConcurrent });
  }

  claim(need: Need): Claim | undefined {
    this.#refresh();
    // Nobody overtakes those who wait for a place.
    if (this.#members.isBounded && this.#parts.lines.queuedHere > 0) return undefined;
    return this.#claimNow(need, this.#clock.nowMs());
  }

  wait(waiter: ClaimWaiter, mayPark: boolean): ClaimLine | Fault {
    const { lines } = this.#parts;
    const shapes = this.#options.lines ?? {};
    const refusal = this.refusal(waiter.need.tried);
    if (refusal.code === "queue_full" || refusal.code === "concurrency_limit") {
      if (shapes.queue === undefined) return refusal;
      return lines.queue(waiter, this.#claims, shapes.queue) ?? { ...refusal, code: "queue_full" };
    }
    // An open circuit stays so for longer than anybody should wait. And who has failed on all that
    // there are has been served, badly: it does not wait for others.
    const parks = mayPark && refusal.code === "no_endpoint" && waiter.need.tried.length === 0;
    return (parks ? lines.park(waiter, this.#claims, shapes.parking) : undefined) ?? refusal;
  }

  refusal(tried: readonly Endpoint[] = NONE_TRIED): Fault {
    const { breaker, name: detail } = this;
    const ready = this.#members.candidates.ready(this.#parts.clock.nowMs(), tried);
    if (ready.lists[0]!.length === 0) return { code: "no_endpoint", detail };
    if (breaker !== undefined && breaker.state !== "closed") {
      return { code: "circuit_open", detail, retryAfterMs: breaker.retryAfterMs };
    }
    const { concurrency } = this;
    const isLimited =
      concurrency !== undefined &&
      ready.lists.some((list) => list.some((endpoint) => isCrowded(endpoint, concurrency)));
    const code = isLimited ? "concurrency_limit" : "queue_full";
    return { code, detail, retryAfterMs: FULL_RETRY_AFTER_MS };
  }

  get parkingMs(): number {
    return this.#options.lines?.parking?.timeoutMs ?? 0;
  }

  get waiting() {
    return this.#parts.lines.counts;
  }

  get isPanicking(): boolean {
    this.#refresh();
    return this.#readyAt(this.#parts.clock.nowMs()).isPanicking;
  }

  describe(): readonly EndpointChance[] {
    this.#refresh();
    const { lists, upTo } = this.#readyAt(this.#parts.clock.nowMs());
    return this.#members.endpoints.map((endpoint) => {
      const at = lists.findIndex((list) => list.includes(endpoint));
      return {
        endpoint,
        usable: at >= 0,
        share: at < 0 ? 0 : upTo[at]! - (at === 0 ? 0 : upTo[at - 1]!),
      };
    });
  }

  /** Takes up what has become of the names and the operators' changes, if anything has. */
  #refresh(): void {
    const { version } = this.#membership;
    if (version === this.#membersAsOf) return;
    this.#membersAsOf = version;
    const endpoints = this.#membership.endpoints();
    if (endpoints === this.#members.endpoints) return;
    this.#members = membersOf(endpoints, this.#options, this.#parts);
    this.#readyAsOf = -1;
    this.#options.onMembers?.(endpoints);
  }

  #claimNow(need: Need, nowMs: number): Claim | undefined {
    const stuckTo = need.stuckTo === undefined ? undefined : this.#stuckTo(need, nowMs);
    const endpoint = stuckTo ?? this.#pick(need, nowMs);
    if (endpoint === undefined) return undefined;
    const { breaker } = this;
    if (breaker === undefined) return new EndpointClaim(endpoint, this.#book, undefined);
    // Last, so that what it lets through is asked: a probe that goes nowhere tells nothing.
    const passage = breaker.enter();
    if (passage === undefined) return undefined;
    return new EndpointClaim(endpoint, this.#book, passage);
  }

  /** An endpoint that drains, or has no weight, keeps the clients that it has. */
  #stuckTo({ stuckTo, tried }: Need, nowMs: number): Endpoint | undefined {
    if (stuckTo === undefined || tried.includes(stuckTo) || this.#isFull(stuckTo)) return undefined;
    const { state } = stuckTo;
    return mayStay(state, nowMs) ? stuckTo : undefined;
  }

  #pick(need: Need, nowMs: number): Endpoint | undefined {
    const ready =
      need.tried.length === 0
        ? this.#readyAt(nowMs)
        : this.#members.candidates.ready(nowMs, need.tried);
    const list = ready.lists.length === 1 ? ready.lists[0]! : this.#drawn(ready, need);
    const picked = this.#members.balancer.pick(list, need);
    if (picked === undefined) return undefined;
    const endpoint = nowMs < this.#rampsUntilMs ? this.#eased(picked, list, need) : picked;
    return this.#members.isBounded && this.#isFull(endpoint)
      ? this.#withRoom(ready, need)
      : endpoint;
  }

  /** The group that gets this request. */
  #drawn({ lists, upTo }: Ready, { hashKey }: Need): readonly Endpoint[] {
    const at =
      hashKey === undefined || hashKey === ""
        ? this.#parts.random.below(DRAWS) / DRAWS
        : shareOf(hashText(`${hashKey} group`));
    for (let index = 0; index < lists.length - 1; index++) {
      if (at < upTo[index]!) return lists[index]!;
    }
    return lists.at(-1)!;
  }

  /** Instead of one that has come back only now, another one, as often as its slow start says. */
  #eased(picked: Endpoint, list: readonly Endpoint[], need: Need): Endpoint {
    const { clock, random } = this.#parts;
    const nowMs = clock.nowMs();
    const share = readiness(picked, this.#slowStartMs, nowMs);
    if (takesNow(share, need, random)) return picked;
    const others = list.filter((each) => readiness(each, this.#slowStartMs, nowMs) > share);
    return this.#members.balancer.pick(others, need) ?? picked;
  }

  /** Who is not at its maxRequests, the groups in their order. */
  #withRoom({ lists }: Ready, need: Need): Endpoint | undefined {
    for (const list of lists) {
      const picked = this.#members.balancer.pick(
        list.filter((endpoint) => !this.#isFull(endpoint)),
        need,
      );
      if (picked !== undefined) return picked;
    }
    return undefined;
  }

  #isFull(endpoint: Endpoint): boolean {
    const { state, maxRequests } = endpoint;
    if (maxRequests !== Number.POSITIVE_INFINITY && state.active >= maxRequests) return true;
    return this.concurrency !== undefined && isCrowded(endpoint, this.concurrency);
  }

  #readyAt(nowMs: number): Ready {
    const { count } = this.#changes;
    if (this.#readyAsOf !== count || nowMs >= this.#readyUntilMs) {
      this.#ready = this.#members.candidates.ready(nowMs, NONE_TRIED);
      this.#readyAsOf = count;
      this.#readyUntilMs = nextReturnMs(this.#members.endpoints, nowMs);
      this.#rampsUntilMs = rampsUntilMs(this.#members.endpoints, this.#slowStartMs, nowMs);
    }
    return this.#ready;
  }
}

// A place may be free at any moment, but not for all who were refused.
const FULL_RETRY_AFTER_MS = 1_000;
const DRAWS = 2 ** 20;
const NOT_YET: Ready = { lists: [[]], upTo: [1], isPanicking: false };

function isCrowded({ state }: Endpoint, bounds: ConcurrencyBounds): boolean {
  return state.unanswered >= state.concurrency.within(bounds);
}

function nextReturnMs(endpoints: readonly Endpoint[], nowMs: number): number {
  let nextMs = Number.POSITIVE_INFINITY;
  for (const { state } of endpoints) {
    const { ejectedUntilMs } = state;
    if (ejectedUntilMs > nowMs && ejectedUntilMs < nextMs) nextMs = ejectedUntilMs;
  }
  return nextMs;
}
