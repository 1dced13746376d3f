import { Deadline, type TimerWheel } from "../../base/timer-wheel.ts";
import type { ServingSide } from "../../core/downstream.ts";
import type { Exchange, ResponseHead } from "../../core/exchange.ts";
import type { Fault } from "../../core/fault.ts";
import { fail, respond } from "../../core/pipeline.ts";
import type { Framing } from "../../protocol/h1/framing.ts";
import type { BodySource } from "../../stores/cache-store.ts";
import type { Keyed } from "./cache.ts";
import type { CodingJob } from "./coding-job.ts";
import type { ServedCoded, ServedContent } from "./codings.ts";
import type { Fetch } from "./fetch.ts";

/** Told when a reader has waited long enough for another's request. */
export interface ReaderOwner {
  readonly caches: { readonly wheel: TimerWheel };
  waitedInVain(reader: CacheReader): void;
  bug(error: unknown): void;
}

export interface Reading {
  readonly content: ServedContent | undefined; // which may be had in another coding
  readonly source: BodySource;
  readonly from: number;
  readonly end: number; // Infinity: not known yet
}

/**
 * One client that is served from the cache: it waits for a fetch, then reads a body at its own pace,
 * whether that is stored or still growing.
 *
 *     waiting ─► reading ─► over        over: also when the client leaves, or is answered otherwise
 */
export class CacheReader extends Deadline implements ServingSide {
  readonly keyed: Keyed;
  readonly #owner: ReaderOwner;
  #fetch: Fetch | undefined;
  #job: CodingJob | undefined; // whose coded body it reads
  #source: BodySource | undefined;
  #position: number;
  #end: number; // Infinity: not known yet
  #isCoded: boolean; // what it reads is not the content as it came
  #isBlocked: boolean;
  #isLoading: boolean; // from a disk
  #isOver: boolean;

  constructor(keyed: Keyed, owner: ReaderOwner) {
    super();
    this.keyed = keyed;
    this.#owner = owner;
    this.#fetch = undefined;
    this.#job = undefined;
    this.#source = undefined;
    this.#position = 0;
    this.#end = Number.POSITIVE_INFINITY;
    this.#isCoded = false;
    this.#isBlocked = false;
    this.#isLoading = false;
    this.#isOver = false;
    keyed.exchange.downstream.attach(this);
  }

  get exchange(): Exchange {
    return this.keyed.exchange;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Up to where it has read the content as it came. */
  get position(): number {
    return this.#isCoded ? Number.POSITIVE_INFINITY : this.#position;
  }

  /** The same, of whatever it reads. */
  get readTo(): number {
    return this.#position;
  }

  waitFor(fetch: Fetch | undefined): void {
    this.#fetch = fetch;
  }

  /** For another's request. */
  waitAtMost(ms: number): void {
    this.#owner.caches.wheel.arm(this, ms);
  }

  /** Waits no longer. */
  leave(): void {
    this.#fetch?.readerLeft(this, undefined);
    this.#fetch = undefined;
  }

  /** Somebody else writes the body; what the client takes is told here. */
  relay(response: ResponseHead, framing: Framing): void {
    this.#stopWaiting();
    respond(this.exchange, response, framing, this);
  }

  #stopWaiting(): void {
    this.#owner.caches.wheel.disarm(this);
  }

  /** Sends the head; the body follows, as far as it is there. */
  read(response: ResponseHead, framing: Framing, reading: Reading): void {
    const { exchange } = this;
    const { content, source, from, end } = reading;
    this.#stopWaiting();
    exchange.content = content;
    respond(exchange, response, framing, this);
    if (content?.served !== undefined) {
      this.follow(content.served);
      return;
    }
    this.#source = source;
    this.#position = from;
    this.#end = end;
    this.pump();
  }

  /** Reads it in another coding, when the head is sent. */
  follow({ source, bytes, isLent, job }: ServedCoded): void {
    this.#source = isLent ? copyOf(source, bytes) : source;
    this.#position = 0;
    this.#end = bytes;
    this.#isCoded = true;
    this.#job = job;
    job?.add(this);
    this.pump();
  }

  /** The body is whole, and that long. */
  endsAt(length: number): void {
    this.#fetch = undefined;
    if (this.#isCoded) return;
    this.#end = Math.min(this.#end, length);
    this.pump();
  }

  /** What it reads is whole, and that long; it was `plainBytes` before. */
  codedEnds(length: number, plainBytes: number): void {
    const { compression } = this.exchange;
    if (compression !== undefined) compression.plainBytes = plainBytes;
    this.#end = length;
    this.#job = undefined;
    this.pump();
  }

  pump(): void {
    const source = this.#source;
    if (source === undefined) return;
    const { downstream } = this.exchange; // with what the body goes through, from the head on
    while (!this.#isBlocked && !this.#isOver && this.#position < this.#end) {
      const bytes = source.at(this.#position);
      if (bytes === undefined) {
        this.#load(source); // not here yet
        return;
      }
      const left = this.#end - this.#position;
      const part = bytes.length > left ? bytes.subarray(0, left) : bytes;
      this.#position += part.length;
      if (!downstream.write(part)) this.#isBlocked = true;
    }
    // What is written waits in the wire; to end here takes no more of anything.
    if (!this.#isOver && this.#position >= this.#end) this.finish();
  }

  /** What grows comes by itself; what lies on a disk has to be asked for. */
  #load(source: BodySource): void {
    if (source.load === undefined || this.#isLoading) return;
    this.#isLoading = true;
    source.load(this.#position, (isThere) => {
      this.#isLoading = false;
      try {
        if (isThere) this.pump();
        else this.cut({ code: "cache_unreadable", detail: "" });
      } catch (error) {
        this.#owner.bug(error);
        this.cut({ code: "bug", detail: String(error) });
      }
    });
  }

  finish(): void {
    if (this.#isOver) return;
    this.over();
    this.exchange.downstream.end(undefined);
  }

  flush(): void {
    if (!this.#isOver) this.exchange.downstream.flush();
  }

  /** Nothing more comes, and the client must see it. */
  cut(fault: Fault): void {
    if (this.#isOver) return;
    this.over();
    this.exchange.downstream.cut(fault);
  }

  /** Is served by other means from here on, or not at all. */
  over(): void {
    this.#stopWaiting();
    this.#isOver = true;
    this.#source?.close?.();
    this.#source = undefined;
    this.#fetch = undefined;
    const job = this.#job;
    this.#job = undefined;
    job?.delete(this);
  }

  override fire(): void {
    try {
      this.#owner.waitedInVain(this);
    } catch (error) {
      this.#owner.bug(error);
      if (!this.#isOver) fail(this.exchange, { code: "bug", detail: String(error) });
    }
  }

  // --- what the client does ----------------------------------------------------------------------

  bodyBytes(): void {} // a request with a body passes by

  bodyEnd(): void {}

  get holdsRequest(): boolean {
    return false;
  }

  bodyReadOver(): void {}

  pause(): void {
    this.#isBlocked = true;
    this.#fetch?.readerMoved();
  }

  resume(): void {
    this.#isBlocked = false;
    this.pump();
    this.#fetch?.readerMoved();
    this.#job?.readerMoved();
  }

  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  clientGone(fault: Fault): void {
    const fetch = this.#fetch;
    this.over();
    fetch?.readerLeft(this, fault);
  }
}

/** Lent bytes are another's soon. */
function copyOf(source: BodySource, bytes: number): BodySource {
  const copy = Buffer.from(source.at(0)!);
  return { at: (position) => (position < bytes ? copy.subarray(position) : undefined) };
}
