import type { Downstream, ServingSide, SwitchedWire } from "../../core/downstream.ts";
import { type Attempt, Exchange, type ResponseHead } from "../../core/exchange.ts";
import { FAULTS, type Fault } from "../../core/fault.ts";
import { answer, fail } from "../../core/pipeline.ts";
import type { Route } from "../../core/runtime.ts";
import { answersQuestion, type Question, questionOf } from "../../protocol/caching/conditional.ts";
import { mayServeOnError } from "../../protocol/caching/reuse.ts";
import { freshenedFields } from "../../protocol/caching/stored-fields.ts";
import { varyKey } from "../../protocol/caching/vary.ts";
import { type Framing, NONE } from "../../protocol/h1/framing.ts";
import { HeaderList } from "../../protocol/http/header-list.ts";
import type { Filling, StoredResponse } from "../../stores/cache-store.ts";
import { GrowingBody } from "../../stores/growing-body.ts";
import type { Keyed } from "./cache.ts";
import type { CacheReader } from "./cache-reader.ts";
import type { Answered, CacheRules, StorePlan } from "./cache-rules.ts";
import type { Caches } from "./caches.ts";

/** What becomes of those who waited for a fetch. */
export interface FetchOwner {
  readonly caches: Caches;
  readonly rules: CacheRules;
  /** As routes go that are asked on behalf of the cache: what is for clients is left out. */
  innerRoute(route: Route): Route;
  /** It cannot be served from this fetch after all: as if it had just come. */
  again(reader: CacheReader): void;
  /** Once more, and without asking whether what is stored holds. */
  refetch(fetch: Fetch, readers: readonly CacheReader[]): void;
  serve(reader: CacheReader, stored: StoredResponse, result: "revalidated" | "stale"): void;
  /** From a body that is on its way. */
  readGrowing(reader: CacheReader, growing: Growing): void;
}

export interface Growing {
  readonly head: ResponseHead;
  readonly framing: Framing;
  readonly body: GrowingBody;
  readonly isStored: boolean;
  readonly isOwn: boolean; // the reader is who asked
}

export interface FetchOptions {
  readonly keyed: Keyed;
  readonly stored: StoredResponse | undefined; // is it still right?
  readonly sendsRange: boolean;
  readonly isShared: boolean; // others may wait for it
}

// Of the client, and not of what is to be stored.
const CONDITIONS = ["if-none-match", "if-modified-since", "if-match", "if-unmodified-since"];
const WINDOW_BYTES = 256 * 1024; // that are held for the slowest reader of what is not stored
const DISCARD_BYTES_MAX = 64 * 1024; // more of what nobody wants is worth a connection

/**
 *     asking ─► storing ─► over     the response is stored while its readers read it
 *        ├────► passing ─► over     it goes to who asked, and is not stored
 *        └────► discarding ─► over  what is stored serves instead
 */
type State = "asking" | "storing" | "passing" | "discarding" | "over";

/**
 * One request on behalf of the cache: the route's handler serves it as it would a client's, and this
 * is the client. It goes on when the one who asked first leaves, if others wait or it is being stored.
 */
export class Fetch implements Downstream {
  readonly keyed: Keyed;
  readonly #options: FetchOptions;
  readonly #owner: FetchOwner;
  readonly #question: Question | undefined;
  readonly #filling: Filling;
  readonly #readers: Set<CacheReader>;
  readonly #sub: Exchange;
  readonly #requestedWallMs: number;
  #leader: CacheReader | undefined; // who asked, while it is there
  #state: State;
  #side: ServingSide | undefined;
  #plan: StorePlan | undefined;
  #head: ResponseHead | undefined; // for those who join
  #framing: Framing;
  #body: GrowingBody | undefined;
  #isKept: boolean; // the body is to be stored
  #discarded: number;

  constructor(options: FetchOptions, owner: FetchOwner) {
    const { keyed, stored } = options;
    const { exchange } = keyed;
    const { clock } = owner.caches.world;
    this.keyed = keyed;
    this.#options = options;
    this.#owner = owner;
    this.#question = stored === undefined ? undefined : questionOf(stored.headers());
    this.#filling = owner.caches.store.begin();
    this.#readers = new Set();
    this.#sub = this.#newExchange(exchange, owner.innerRoute(exchange.route!));
    this.#requestedWallMs = clock.wallMs();
    this.#leader = undefined;
    this.#state = "asking";
    this.#side = undefined;
    this.#plan = undefined;
    this.#head = undefined;
    this.#framing = NONE;
    this.#body = undefined;
    this.#isKept = true;
    this.#discarded = 0;
  }

  /** `leader`: who asked; nobody, if it is done meanwhile. */
  start(leader: CacheReader | undefined, others: readonly CacheReader[] = []): void {
    this.#leader = leader;
    for (const reader of leader === undefined ? others : [leader, ...others]) this.#take(reader);
    if (this.#options.isShared) this.#owner.caches.add(this.keyed.key, this);
    const sub = this.#sub;
    try {
      const reply = sub.route!.handler.handle(sub);
      if (reply instanceof Promise) {
        reply
          .then((made) => made !== undefined && answer(sub, made))
          .catch((bug) => this.#bug(bug));
      } else if (reply !== undefined) answer(sub, reply);
    } catch (error) {
      this.#bug(error);
    }
  }

  /** The exchange that clients see tells whom we asked. */
  attemptBegun(sub: Exchange, { endpoint }: Attempt): void {
    if (this.#leader === undefined) return;
    copyFacts(sub, this.#leader.exchange);
    this.#leader.exchange.endpoint = endpoint;
  }

  /** The head as the origin sent it, before anything of ours is added for this one client. */
  answered(response: ResponseHead): void {
    this.#plan ??= this.#owner.rules.plan(this.#answeredBy(response));
  }

  /** May this reader wait here, or read along? */
  accepts(reader: CacheReader): boolean {
    if (this.#state === "asking") return true;
    return this.#state === "storing" && this.#isKept && this.#suits(reader);
  }

  join(reader: CacheReader): void {
    this.#take(reader);
    if (this.#state === "storing") this.#readAlong(reader);
  }

  readerLeft(reader: CacheReader, fault: Fault): void {
    this.#readers.delete(reader);
    if (reader === this.#leader) this.#leader = undefined;
    if (this.#isRead) {
      this.readerMoved();
      return;
    }
    const isWanted = this.#state === "storing" && this.#isKept;
    if (!isWanted && !this.#isBackground) this.#abandon(fault);
  }

  /** It has waited long enough. */
  dismiss(reader: CacheReader): void {
    this.#readers.delete(reader);
    if (reader === this.#leader) this.#leader = undefined;
  }

  /** Some reader has read on: there may be room. */
  readerMoved(): void {
    if (this.#state === "passing") {
      if (this.#leader?.isBlocked === true) this.#side?.pause();
      else this.#side?.resume();
      return;
    }
    const body = this.#body;
    if (this.#state !== "storing" || this.#isKept || body === undefined) return;
    this.#letGo(body);
    if (body.heldBytes < WINDOW_BYTES) this.#side?.resume();
  }

  get #isBackground(): boolean {
    return this.keyed.isBackground;
  }

  get #isRead(): boolean {
    for (const reader of this.#readers) if (!reader.isOver) return true;
    return false;
  }

  #take(reader: CacheReader): void {
    this.#readers.add(reader);
    reader.waitFor(this);
  }

  // --- the request that is made ------------------------------------------------------------------

  #newExchange(exchange: Exchange, route: Route): Exchange {
    const { runtime, listener, client, request } = exchange;
    const nowMs = this.#owner.caches.world.clock.nowMs();
    const times = {
      ...{ startedMs: nowMs, headMs: nowMs, claimedMs: 0, connectedMs: 0, responseMs: 0 },
      endedMs: 0,
    };
    const isSameQuery = request.upstreamQuery === request.query;
    const head = {
      ...request,
      headers: this.#requestHeaders(request.headers),
      upstreamQuery: isSameQuery ? this.keyed.query : request.upstreamQuery,
    };
    const sub = new Exchange(runtime, listener, this, client, head, times);
    sub.id = exchange.id;
    sub.site = exchange.site;
    sub.route = route;
    return sub;
  }

  #requestHeaders(received: HeaderList): HeaderList {
    const headers = received.copy();
    for (const name of CONDITIONS) headers.delete(name);
    if (!this.#options.sendsRange) {
      headers.delete("range");
      headers.delete("if-range");
    }
    const { etag, lastModified } = this.#question ?? {};
    if (etag !== undefined) headers.set("If-None-Match", etag);
    if (lastModified !== undefined) headers.set("If-Modified-Since", lastModified);
    return headers;
  }

  readonly requestFraming = NONE;
  readonly expectsContinue = false;
  readonly websocketKey = undefined;
  readonly takesTrailers = false;
  readonly copiesUpTo = 0;

  attach(side: ServingSide): void {
    this.#side = side;
  }

  pauseBody(): void {}

  resumeBody(): void {}

  // --- what comes back ---------------------------------------------------------------------------

  get isAnswered(): boolean {
    return this.#state !== "asking";
  }

  get holdsBytes(): boolean {
    return this.#state === "passing" && this.#leader?.exchange.downstream.holdsBytes === true;
  }

  interim(status: number, headers: HeaderList | undefined): void {
    if (this.#state === "asking") this.#leader?.exchange.downstream.interim(status, headers);
  }

  respond(response: ResponseHead, framing: Framing): void {
    if (this.#leader !== undefined) copyFacts(this.#sub, this.#leader.exchange);
    const { fault } = this.#sub;
    if (fault !== undefined) {
      this.#failed(fault);
      return;
    }
    this.answered(response);
    const { stored } = this.#options;
    if (response.status === 304 && this.#question !== undefined) {
      this.#notModified(stored!, response);
    } else if (stored !== undefined && response.status >= 500 && this.#mayBeStale(stored)) {
      this.#serveInstead(stored, "stale");
    } else if (this.#plan?.kind === "store" && this.#owner.rules.fits(framing)) {
      this.#store(response, framing, this.#plan);
    } else {
      this.#pass(response, framing);
    }
  }

  #answeredBy(response: ResponseHead): Answered {
    const { clock } = this.#owner.caches.world;
    return {
      request: this.#sub.request.headers,
      requestControl: this.keyed.control,
      response,
      requestedWallMs: this.#requestedWallMs,
      receivedWallMs: clock.wallMs(),
      nowMs: clock.nowMs(),
    };
  }

  #mayBeStale(stored: StoredResponse): boolean {
    return mayServeOnError(stored.freshness(), this.#owner.caches.world.clock.nowMs());
  }

  #failed(fault: Fault): void {
    const { stored } = this.#options;
    if (
      stored !== undefined &&
      FAULTS[fault.code].side === "upstream" &&
      this.#mayBeStale(stored)
    ) {
      this.#serveInstead(stored, "stale");
      this.#over();
      return;
    }
    const readers = [...this.#readers];
    this.#over();
    for (const reader of readers) {
      if (reader.isOver) continue;
      reader.over();
      fail(reader.exchange, fault);
    }
  }

  #serveInstead(stored: StoredResponse, result: "revalidated" | "stale"): void {
    const readers = [...this.#readers];
    this.#settle("discarding");
    this.#readers.clear();
    for (const reader of readers) this.#owner.serve(reader, stored, result);
  }

  /** RFC 9111 §4.3.4. */
  #notModified(stored: StoredResponse, response: ResponseHead): void {
    const { rules, caches } = this.#owner;
    if (!answersQuestion(this.#question!, response.headers)) {
      this.#again();
      return;
    }
    const headers = freshenedFields(stored.headers(), response.headers);
    const lines = headers.lines(NO_DROPS);
    const age = response.headers.get("age");
    if (age !== undefined) headers.set("Age", age);
    const head = { status: stored.status, headers };
    const freshness = rules.freshness(this.#answeredBy(head));
    const fresh = caches.store.refresh(stored, lines, freshness, this.#filling);
    if (fresh === undefined) this.#again();
    else this.#serveInstead(fresh, "revalidated");
  }

  /** What is stored is not what the origin speaks of, or is gone meanwhile. */
  #again(): void {
    const readers = [...this.#readers];
    this.#settle("discarding");
    this.#readers.clear();
    this.#owner.refetch(this, readers);
  }

  #store(response: ResponseHead, framing: Framing, plan: StorePlan & { kind: "store" }): void {
    const { caches } = this.#owner;
    this.#settle("storing");
    caches.markCacheable(this.keyed.key);
    if (this.#options.isShared) caches.add(this.keyed.key, this);
    this.#head = { status: response.status, headers: HeaderList.ofLines(plan.lines) };
    this.#framing = framing;
    this.#body = new GrowingBody();
    for (const reader of [...this.#readers]) {
      if (reader === this.#leader) this.#lead(reader, response, framing);
      else if (this.#suits(reader)) this.#readAlong(reader);
      else this.#sendAway(reader);
    }
  }

  /** SECURITY C3: who waited has not seen what the response varies by. */
  #suits({ keyed, exchange }: CacheReader): boolean {
    const plan = this.#plan;
    if (
      plan?.kind !== "store" ||
      plan.range !== undefined ||
      keyed.partition !== this.keyed.partition
    ) {
      return false;
    }
    return varyKey(plan.varyNames, exchange.request.headers) === plan.varyKey;
  }

  #lead(reader: CacheReader, head: ResponseHead, framing: Framing): void {
    const body = this.#body!;
    this.#owner.readGrowing(reader, { head, framing, body, isStored: true, isOwn: true });
  }

  #readAlong(reader: CacheReader): void {
    const { status, headers } = this.#head!;
    const head = { status, headers: headers.copy() };
    const growing = {
      head,
      framing: this.#framing,
      body: this.#body!,
      isStored: true,
      isOwn: false,
    };
    this.#owner.readGrowing(reader, growing);
  }

  #sendAway(reader: CacheReader): void {
    this.#readers.delete(reader);
    reader.waitFor(undefined);
    this.#owner.again(reader);
  }

  /** To who asked, as it comes; the others ask for themselves, and for a while nobody waits. */
  #pass(response: ResponseHead, framing: Framing): void {
    const { caches } = this.#owner;
    const { stored } = this.#options;
    this.#settle("passing");
    this.#filling.ended();
    if (stored !== undefined && response.status < 500) caches.store.remove(stored);
    if (this.#options.isShared) caches.markUncacheable(this.keyed.key);
    for (const reader of [...this.#readers]) if (reader !== this.#leader) this.#sendAway(reader);
    const leader = this.#leader;
    if (leader === undefined) {
      this.#abandon(NOBODY);
      return;
    }
    const body = new GrowingBody();
    this.#owner.readGrowing(leader, {
      head: response,
      framing,
      body,
      isStored: false,
      isOwn: true,
    });
    if (leader.isOver) this.#state = "discarding"; // it has what would come
  }

  write(bytes: Buffer): boolean {
    if (this.#state === "passing") return this.#passOn(bytes);
    if (this.#state === "storing") return this.#grow(bytes, this.#body!);
    if (this.#state !== "discarding") return true;
    this.#discarded += bytes.length;
    if (this.#discarded > DISCARD_BYTES_MAX) this.#abandon(NOBODY);
    return true;
  }

  #passOn(bytes: Buffer): boolean {
    const leader = this.#leader;
    return leader === undefined || leader.isOver || leader.exchange.downstream.write(bytes);
  }

  #grow(bytes: Buffer, body: GrowingBody): boolean {
    const { objectBytesMax } = this.#owner.rules.options;
    if (this.#isKept) {
      const isTooLarge = body.length + bytes.length > objectBytesMax;
      if (isTooLarge || !this.#filling.grow(bytes.length)) this.#giveUpStoring();
      if (this.#state === "over") return true;
    }
    const framing = this.#framing;
    body.append(bytes, framing.kind === "length" ? framing.bytes - body.length : undefined);
    for (const reader of this.#readers) reader.pump();
    if (this.#isKept) return true;
    this.#letGo(body);
    return body.heldBytes < WINDOW_BYTES;
  }

  /** It turned out to be too large: those who read it read on, from a window. */
  #giveUpStoring(): void {
    this.#isKept = false;
    this.#filling.ended();
    this.#owner.caches.remove(this.keyed.key, this);
    if (!this.#isRead) this.#abandon(NOBODY);
  }

  #letGo(body: GrowingBody): void {
    let position = body.length;
    for (const reader of this.#readers) {
      if (!reader.isOver) position = Math.min(position, reader.position);
    }
    body.letGo(position);
  }

  flush(): void {
    if (this.#state === "passing") this.#leader?.flush();
    else if (this.#state === "storing") for (const reader of this.#readers) reader.flush();
  }

  end(trailers: HeaderList | undefined): void {
    const state = this.#state;
    if (state === "passing") {
      const leader = this.#leader;
      this.#over();
      if (leader === undefined || leader.isOver) return;
      leader.over();
      leader.exchange.downstream.end(trailers);
    } else if (state === "storing") {
      this.#keep(this.#body!);
      const readers = [...this.#readers];
      this.#over();
      for (const reader of readers) {
        reader.endsAt(this.#body!.length);
        reader.pump();
      }
    } else {
      this.#over();
    }
  }

  #keep(body: GrowingBody): void {
    const plan = this.#plan;
    if (!this.#isKept || plan?.kind !== "store") return;
    const { range } = plan;
    if (range !== undefined && body.length !== range.last - range.first + 1) return;
    const { url, partition } = this.keyed;
    this.#owner.caches.store.put(
      {
        ...plan,
        url,
        partition: range === undefined ? partition : partOf(partition),
        status: this.#head!.status,
        body,
        rangeAt: range?.first,
        rangeTotal: range?.total,
      },
      this.#filling,
    );
  }

  cut(fault: Fault): void {
    const readers = [...this.#readers];
    this.#over();
    for (const reader of readers) reader.cut(fault);
  }

  switchProtocols(): SwitchedWire {
    throw new Error("nobody has asked for another protocol");
  }

  // --- the end -----------------------------------------------------------------------------------

  #settle(state: State): void {
    this.#state = state;
    this.#owner.caches.remove(this.keyed.key, this);
  }

  #over(): void {
    this.#settle("over");
    this.#readers.clear();
    this.#leader = undefined;
    this.#side = undefined;
    this.#filling.ended();
    this.#sub.times.endedMs ||= this.#owner.caches.world.clock.nowMs();
  }

  #abandon(fault: Fault): void {
    const side = this.#side;
    if (this.#state === "over") return;
    this.#over();
    side?.clientGone(fault);
  }

  #bug(error: unknown): void {
    this.#owner.caches.bug(error);
    const fault: Fault = { code: "bug", detail: String(error) };
    if (this.#state === "asking") this.#failed(fault);
    else this.cut(fault);
  }
}

const NO_DROPS = new Uint8Array(256);
const NOBODY: Fault = { code: "client_gone", detail: "nobody is left who wants it" };

/** Parts of a response are kept apart from whole ones. */
export function partOf(partition: string): string {
  return `${partition}\npart`;
}

function copyFacts(from: Exchange, to: Exchange): void {
  to.upstream = from.upstream;
  to.endpoint = from.endpoint;
  to.attempts = from.attempts;
  to.connectionReused = from.connectionReused;
  to.times.claimedMs = from.times.claimedMs;
  to.times.connectedMs = from.times.connectedMs;
  to.times.responseMs = from.times.responseMs;
}
