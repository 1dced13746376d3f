import type { TimerWheel } from "../base/timer-wheel.ts";
import type { Rates, Timeouts } from "../core/limits.ts";
import type { Stream } from "../protocol/h2/stream.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import { Progress } from "./progress.ts";

export interface BodyTaker {
  bytes(bytes: Buffer): void;
  end(trailers: HeaderList | undefined): void;
  /** The client sends nothing, or too little. */
  stalled(): void;
}

const NONE: Buffer[] = [];

/**
 * The body of a request on a stream: handed on while it is wanted, and held while it is not. What may
 * have to be held is bounded by the stream's window, since only what was handed on is credited.
 */
export class H2RequestBody {
  readonly #stream: Stream;
  readonly #wheel: TimerWheel;
  #taker: BodyTaker;
  #held: Buffer[];
  #isWanted: boolean;
  #isGivingOut: boolean;
  #hasEnded: boolean; // nothing follows what is held
  #isDone: boolean; // the taker has been told of the end, or wants no more
  #trailers: HeaderList | undefined;
  #progress: Progress | undefined;

  constructor(stream: Stream, wheel: TimerWheel, taker: BodyTaker) {
    this.#stream = stream;
    this.#wheel = wheel;
    this.#taker = taker;
    this.#held = NONE;
    this.#isWanted = false;
    this.#isGivingOut = false;
    this.#hasEnded = false;
    this.#isDone = false;
    this.#trailers = undefined;
    this.#progress = undefined;
  }

  pause(): void {
    this.#isWanted = false;
    this.#progress?.hold();
  }

  /** Who takes longer than `numbers` allow is stalled; undefined: it may take its time. */
  resume(numbers?: { readonly timeouts: Timeouts; readonly rates: Rates }): void {
    this.#isWanted = true;
    if (this.#isDone) return;
    if (this.#progress !== undefined) this.#progress.release();
    else if (numbers !== undefined && !this.#hasEnded && !this.#stream.isRemoteEnded) {
      const { timeouts, rates } = numbers;
      this.#progress = new Progress(this.#wheel, () => this.#taker.stalled());
      this.#progress.start(timeouts.requestBody, rates);
    }
    this.#giveOut();
  }

  /** Bytes that are lent for this call only. */
  data(bytes: Buffer): void {
    this.#progress?.moved(bytes.length);
    if (this.#isDone) {
      this.#stream.consumed(bytes.length);
      return;
    }
    const own = Buffer.from(bytes);
    if (this.#isWanted && this.#held.length === 0) this.#give(own);
    else {
      if (this.#held === NONE) this.#held = [];
      this.#held.push(own);
    }
  }

  ended(trailers: HeaderList | undefined): void {
    this.#hasEnded = true;
    this.#trailers = trailers;
    this.#progress?.stop();
    this.#progress = undefined;
    if (this.#isWanted && this.#held.length === 0) this.#end(); // who is not ready would not hear of it
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** The rest is somebody else's, who wants it; answers with what there was of it. */
  handOver(taker: BodyTaker): Buffer | undefined {
    this.#taker = taker;
    this.#isWanted = true;
    if (this.#hasEnded) this.#isDone = true; // which the new one is told by hasEnded
    if (this.#held.length === 0) return undefined;
    const bytes = Buffer.concat(this.#held);
    this.#held = NONE;
    this.#stream.consumed(bytes.length);
    return bytes;
  }

  /** Nobody wants the rest. */
  drop(): void {
    this.#isDone = true;
    this.#progress?.stop();
    this.#progress = undefined;
    for (const bytes of this.#held) this.#stream.consumed(bytes.length);
    this.#held = NONE;
  }

  // Who is given bytes may pause, and resume again before the call returns.
  #giveOut(): void {
    if (this.#isGivingOut) return;
    this.#isGivingOut = true;
    while (this.#isWanted && this.#held.length > 0) this.#give(this.#held.shift()!);
    this.#isGivingOut = false;
    if (this.#hasEnded && this.#held.length === 0) this.#end();
  }

  #give(bytes: Buffer): void {
    this.#taker.bytes(bytes);
    this.#stream.consumed(bytes.length);
  }

  #end(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#taker.end(this.#trailers);
  }
}
