import type { Downstream, ServingSide, SwitchedWire } from "../../core/downstream.ts";
import type { Attempt, Exchange, ResponseHead } from "../../core/exchange.ts";
import { FAULTS, type Fault } from "../../core/fault.ts";
import { answer } from "../../core/pipeline.ts";
import { answersQuestion, type Question, questionOf } from "../../protocol/caching/conditional.ts";
import { mayServeOnError } from "../../protocol/caching/reuse.ts";
import { freshenedFields } from "../../protocol/caching/stored-fields.ts";
import { varyKey } from "../../protocol/caching/vary.ts";
import { type Framing, NONE } from "../../protocol/h1/framing.ts";
import type { HeaderList } from "../../protocol/http/header-list.ts";
import type { Filling, StoredResponse } from "../../stores/cache-store.ts";
import type { Keyed } from "./cache.ts";
import type { CacheReader } from "./cache-reader.ts";
import type { Answered, StorePlan } from "./cache-rules.ts";
import { copyFacts, fetchExchange } from "./fetch-exchange.ts";
import type { FetchOptions, FetchOwner } from "./fetch-owner.ts";
import { FetchReaders } from "./fetch-readers.ts";
import { Fill } from "./fill.ts";

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
  readonly requestFraming = NONE;
  readonly expectsContinue = false;
  readonly websocketKey = undefined;
  readonly takesTrailers = false;
  readonly copiesUpTo = 0;
  readonly #options: FetchOptions;
  readonly #owner: FetchOwner;
  readonly #question: Question | undefined;
  readonly #filling: Filling;
  readonly #readers: FetchReaders;
  readonly #own: Exchange; // the request that the handler sees
  readonly #requestedWallMs: number;
  #state: State;
  #side: ServingSide | undefined;
  #plan: StorePlan | undefined;
  #fill: Fill | undefined; // while it is stored
  #discarded: number;

  constructor(options: FetchOptions, owner: FetchOwner) {
    const { keyed, stored, sendsRange } = options;
    const { clock } = owner.caches.world;
    const question = stored && questionOf(stored.headers());
    const route = owner.innerRoute(keyed.exchange.route!);
    this.keyed = keyed;
    this.#options = options;
    this.#owner = owner;
    this.#question = question;
    this.#filling = owner.caches.store.begin();
    this.#readers = new FetchReaders();
    const nowMs = clock.nowMs();
    this.#own = fetchExchange(keyed, route, this, { question, sendsRange, nowMs });
    this.#requestedWallMs = clock.wallMs();
    this.#state = "asking";
    this.#side = undefined;
    this.#plan = undefined;
    this.#fill = undefined;
    this.#discarded = 0;
  }

  /** `leader`: who asked; nobody, if it is done meanwhile. */
  start(leader: CacheReader | undefined, others: readonly CacheReader[] = []): void {
    this.#readers.leader = leader;
    for (const reader of leader === undefined ? others : [leader, ...others]) this.#take(reader);
    if (this.#options.isShared) this.#owner.caches.add(this.keyed.key, this);
    const own = this.#own;
    try {
      const reply = own.route!.handler.handle(own);
      if (reply instanceof Promise) {
        reply
          .then((made) => made !== undefined && answer(own, made))
          .catch((bug) => this.#bug(bug));
      } else if (reply !== undefined) answer(own, reply);
    } catch (error) {
      this.#bug(error);
    }
  }

  /** The exchange that is logged tells whom we ask. */
  attemptBegun(own: Exchange, { endpoint }: Attempt): void {
    const { leader } = this.#readers;
    if (leader === undefined) return;
    copyFacts(own, leader.exchange);
    leader.exchange.endpoint = endpoint;
  }

  /** The head as the origin sent it, before anything of ours is added for this one client. */
  answered(response: ResponseHead): void {
    this.#plan ??= this.#owner.rules.plan(this.#answeredBy(response));
  }

  // --- readers -----------------------------------------------------------------------------------

  /** May this reader wait here, or read along? */
  accepts(reader: CacheReader): boolean {
    if (this.#state === "asking") return true;
    return this.#fill?.isKept === true && this.#suits(reader, this.#fill);
  }

  join(reader: CacheReader): void {
    this.#take(reader);
    if (this.#fill !== undefined) this.#owner.readGrowing(reader, this.#fill.growing(undefined));
  }

  /** `fault`: unless it has only waited long enough. */
  readerLeft(reader: CacheReader, fault: Fault | undefined): void {
    this.#readers.delete(reader);
    if (fault === undefined) return;
    if (this.#readers.areThere) {
      this.readerMoved();
      return;
    }
    const isWanted = this.keyed.isBackground || this.#fill?.isKept === true;
    if (!isWanted) this.#abandon(fault);
  }

  /** Some reader has read on, or wants to be left alone: there may be room, or none. */
  readerMoved(): void {
    const { leader } = this.#readers;
    if (this.#state === "passing") {
      if (leader?.isBlocked === true) this.#side?.pause();
      else this.#side?.resume();
      return;
    }
    const fill = this.#fill;
    if (fill === undefined) return;
    fill.readUpTo(this.#readers.leastPosition(fill.body.length));
    if (!fill.isFull) this.#side?.resume();
  }

  /** SECURITY C3: who waited has not seen what the response varies by. */
  #suits({ keyed, exchange }: CacheReader, { plan }: Fill): boolean {
    if (plan.range !== undefined || keyed.partition !== this.keyed.partition) return false;
    return varyKey(plan.varyNames, exchange.request.headers) === plan.varyKey;
  }

  #take(reader: CacheReader): void {
    this.#readers.add(reader);
    reader.waitFor(this);
  }

  #sendAway(reader: CacheReader): void {
    this.#readers.delete(reader);
    reader.waitFor(undefined);
    this.#owner.again(reader);
  }

  attach(side: ServingSide): void {
    this.#side = side;
  }

  pauseBody(): void {}
  resumeBody(): void {}

  get isAnswered(): boolean {
    return this.#state !== "asking";
  }

  get holdsBytes(): boolean {
    const { leader } = this.#readers;
    return this.#state === "passing" && leader?.exchange.downstream.holdsBytes === true;
  }

  // --- the response --------------------------------------------------------------------------------

  interim(status: number, headers: HeaderList | undefined): void {
    if (this.#state !== "asking") return;
    this.#readers.leader?.exchange.downstream.interim(status, headers);
  }

  respond(response: ResponseHead, framing: Framing): void {
    const { leader } = this.#readers;
    if (leader !== undefined) copyFacts(this.#own, leader.exchange);
    const { fault } = this.#own;
    if (fault !== undefined) {
      this.#failed(fault);
      return;
    }
    this.answered(response);
    const { stored } = this.#options;
    const plan = this.#plan!;
    if (response.status === 304 && this.#question !== undefined) {
      this.#notModified(stored!, response);
    } else if (stored !== undefined && response.status >= 500 && this.#mayBeStale(stored)) {
      this.#serveInstead(stored, "stale");
    } else if (plan.kind === "store" && this.#owner.rules.fits(framing)) {
      this.#store(response, framing, plan);
    } else {
      this.#pass(response, framing);
    }
  }

  #answeredBy(response: ResponseHead): Answered {
    const { clock } = this.#owner.caches.world;
    return {
      asked: this.#own,
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

  /** Nobody answered, or not in a way that could be read. */
  #failed(fault: Fault): void {
    const { stored } = this.#options;
    const isTheirs = FAULTS[fault.code].side === "upstream";
    if (stored !== undefined && isTheirs && this.#mayBeStale(stored)) {
      this.#serveInstead(stored, "stale");
      this.#over();
      return;
    }
    const readers = this.#readers.takeAll();
    this.#over();
    for (const reader of readers) this.#owner.fail(reader, fault);
  }

  #serveInstead(stored: StoredResponse, result: "revalidated" | "stale"): void {
    this.#settle("discarding");
    for (const reader of this.#readers.takeAll()) this.#owner.serve(reader, stored, result);
  }

  /** RFC 9111 §4.3.4. */
  #notModified(stored: StoredResponse, response: ResponseHead): void {
    const { rules, caches } = this.#owner;
    if (!answersQuestion(this.#question!, response.headers)) {
      this.#again();
      return;
    }
    const headers = freshenedFields(stored.headers(), response.headers);
    const lines = headers.text;
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
    this.#settle("discarding");
    this.#owner.refetch(this.keyed, this.#readers.takeAll());
  }

  #store(response: ResponseHead, framing: Framing, plan: StorePlan & { kind: "store" }): void {
    const { caches, rules } = this.#owner;
    const fill = new Fill({
      ...{ plan, framing, filling: this.#filling, status: response.status },
      ...{ bytesMax: rules.options.objectBytesMax, works: caches.works },
      moved: () => this.readerMoved(),
    });
    this.#state = "storing";
    this.#fill = fill;
    caches.markCacheable(this.keyed.key);
    for (const reader of this.#readers.list()) {
      const own = reader === this.#readers.leader ? response : undefined;
      if (own !== undefined || this.#suits(reader, fill)) {
        this.#owner.readGrowing(reader, fill.growing(own));
      } else this.#sendAway(reader);
    }
  }

  /** To who asked, as it comes; the others ask for themselves, and for a while nobody waits. */
  #pass(response: ResponseHead, framing: Framing): void {
    const { caches } = this.#owner;
    const { stored } = this.#options;
    const { leader } = this.#readers;
    this.#settle("passing");
    this.#filling.ended();
    if (stored !== undefined && response.status < 500) caches.store.remove(stored);
    if (this.#options.isShared) caches.markUncacheable(this.keyed.key);
    for (const reader of this.#readers.list()) if (reader !== leader) this.#sendAway(reader);
    if (leader === undefined || leader.isOver) {
      this.#abandon(NOBODY);
      return;
    }
    const growing = { head: response, framing, body: undefined, freshness: undefined };
    this.#owner.readGrowing(leader, { ...growing, isOwn: true });
    if (leader.isOver) this.#state = "discarding"; // it has what would come
  }

  write(bytes: Buffer): boolean {
    if (this.#fill !== undefined) return this.#grow(bytes, this.#fill);
    if (this.#state === "passing") {
      const { leader } = this.#readers;
      return leader === undefined || leader.isOver || leader.exchange.downstream.write(bytes);
    }
    this.#discarded += bytes.length;
    if (this.#discarded > DISCARD_BYTES_MAX) this.#abandon(NOBODY);
    return true;
  }

  #grow(bytes: Buffer, fill: Fill): boolean {
    const wasKept = fill.isKept;
    fill.append(bytes);
    if (wasKept && !fill.isKept) this.#giveUpStoring();
    fill.codings.pump();
    this.#readers.pump();
    fill.readUpTo(this.#readers.leastPosition(fill.body.length));
    return !fill.isFull;
  }

  /** It turned out to be too large: those who read it read on. */
  #giveUpStoring(): void {
    this.#owner.caches.remove(this.keyed.key, this);
    this.#owner.caches.markUncacheable(this.keyed.key);
    if (!this.#readers.areThere) this.#abandon(NOBODY);
  }

  flush(): void {
    if (this.#state === "passing") this.#readers.leader?.flush();
    else if (this.#fill !== undefined) {
      this.#fill.codings.flush();
      this.#readers.flush();
    }
  }

  end(trailers: HeaderList | undefined): void {
    const { leader } = this.#readers;
    if (this.#state === "passing") {
      this.#over();
      if (leader === undefined || leader.isOver) return;
      leader.over();
      leader.exchange.downstream.end(trailers);
    } else if (this.#fill !== undefined) {
      const { url, partition } = this.keyed;
      const fill = this.#fill;
      fill.keep(url, partition);
      const readers = this.#readers.takeAll();
      this.#over();
      for (const reader of readers) reader.endsAt(fill.body.length);
    } else this.#over();
  }

  cut(fault: Fault): void {
    const readers = this.#readers.takeAll();
    this.#fill?.codings.cut(fault);
    this.#over();
    for (const reader of readers) reader.cut(fault);
  }

  switchProtocols(): SwitchedWire {
    throw new Error("nobody has asked for another protocol");
  }

  /** Nobody can join any more. */
  #settle(state: State): void {
    this.#state = state;
    this.#owner.caches.remove(this.keyed.key, this);
  }

  #over(): void {
    this.#settle("over");
    this.#readers.takeAll();
    this.#side = undefined;
    this.#fill = undefined;
    this.#filling.ended();
    this.#owner.caches.tell();
    this.#own.times.endedMs ||= this.#owner.caches.world.clock.nowMs();
  }

  #abandon(fault: Fault): void {
    const side = this.#side;
    if (this.#state === "over") return;
    this.#fill?.codings.cut(fault);
    this.#over();
    side?.clientGone(fault);
  }

  #bug(error: unknown): void {
    const fault: Fault = { code: "bug", detail: String(error) };
    this.#owner.caches.bug(error);
    if (this.#state === "asking") this.#failed(fault);
    else this.cut(fault);
  }
}

const NOBODY: Fault = { code: "client_gone", detail: "nobody is left who wants it" };
