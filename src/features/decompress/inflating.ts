import type { Codec, CodecTaker } from "../../base/codec.ts";
import type { BodyStage, Onward } from "../../core/body-stage.ts";
import type { Fault } from "../../core/fault.ts";
import { dropDigests } from "../../protocol/http/content-coding.ts";
import type { HeaderList } from "../../protocol/http/header-list.ts";

const HELD_BYTES_MAX = 64 * 1024; // that wait for the decoder, before the client has to

const FIRST_BYTES = 2; // that tell how a decoder is to be made

export interface InflatingTools {
  /** `first`: at least two bytes of what is to come, or all there is. */
  open(first: Uint8Array, taker: CodecTaker): Codec;
  /** Bytes came out: the fault, if they are more than may come out of what came in. */
  judge(bytes: number): Fault | undefined;
  /** Once, whatever became of it. */
  over(): void;
  bug(error: unknown): void;
}

/**
 * Takes one coding off one body. It gives on nothing that judge() has not seen, and a decoder makes no
 * more than a little ahead of who takes it, so a bomb costs what it is allowed to and not what it could.
 */
export class Inflating implements BodyStage {
  readonly #onward: Onward;
  readonly #tools: InflatingTools;
  readonly #waiting: Buffer[];
  #waitingBytes: number;
  #decoder: Codec | undefined;
  #isBusy: boolean;
  #trailers: HeaderList | undefined;
  #isEnded: boolean; // end() was called
  #isFull: boolean; // who comes after takes none
  #holds: boolean; // who comes before waits for more()
  #isOver: boolean;

  constructor(onward: Onward, tools: InflatingTools) {
    this.#onward = onward;
    this.#tools = tools;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#decoder = undefined;
    this.#isBusy = false;
    this.#trailers = undefined;
    this.#isEnded = false;
    this.#isFull = false;
    this.#holds = false;
    this.#isOver = false;
  }

  /** They are copied: what comes is small beside what comes out. */
  get holdsBytes(): boolean {
    return false;
  }

  write(bytes: Buffer): boolean {
    this.#waiting.push(Buffer.from(bytes));
    this.#waitingBytes += bytes.length;
    this.#pump();
    if (!this.#isCrowded()) return true;
    this.#holds = true;
    return false;
  }

  flush(): void {
    this.#onward.flush();
  }

  end(trailers: HeaderList | undefined): void {
    if (trailers !== undefined) dropDigests(trailers);
    this.#trailers = trailers;
    this.#isEnded = true;
    this.#pump();
  }

  resume(): void {
    this.#isFull = false;
    this.#decoder?.resume();
    this.#pump();
    this.#holds = true;
    this.#askForMore();
  }

  stop(): void {
    this.#letGo();
    this.#decoder?.close();
  }

  #pump(): void {
    if (this.#isBusy || this.#isFull || this.#isOver) return;
    const isTooFew = this.#decoder === undefined && this.#waitingBytes < FIRST_BYTES;
    if (isTooFew && !this.#isEnded) return;
    if (this.#waiting.length > 0) {
      const bytes = this.#takeWaiting();
      this.#decoder ??= this.#open(bytes);
      this.#isBusy = true;
      this.#decoder.write(bytes, "more");
    } else if (this.#isEnded && this.#decoder === undefined) {
      this.#finished(); // nothing at all came: nothing is what it says
    } else if (this.#isEnded) {
      this.#isBusy = true;
      this.#decoder!.write(NOTHING, "finish");
    }
  }

  /** Many small pieces are one. */
  #takeWaiting(): Buffer {
    const waiting = this.#waiting;
    const bytes = waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting);
    waiting.length = 0;
    this.#waitingBytes = 0;
    return bytes;
  }

  #open(first: Uint8Array): Codec {
    return this.#tools.open(first, {
      out: (bytes) => this.#guard(() => this.#out(bytes)),
      took: () => this.#guard(() => this.#took()),
      over: () => this.#guard(() => this.#finished()),
      failed: (why) =>
        this.#guard(() => this.#onward.fail({ code: "request_content_malformed", detail: why })),
    });
  }

  #out(bytes: Buffer): void {
    if (this.#isOver) return;
    const fault = this.#tools.judge(bytes.length);
    if (fault !== undefined) {
      this.#onward.fail(fault);
      return;
    }
    if (this.#onward.write(bytes) || this.#isFull) return;
    this.#isFull = true;
    this.#decoder?.pause();
  }

  #took(): void {
    if (this.#isOver) return;
    this.#isBusy = false;
    this.#onward.flush();
    this.#pump();
    this.#askForMore();
  }

  #finished(): void {
    if (this.#isOver) return;
    this.#letGo();
    this.#onward.end(this.#trailers);
  }

  #isCrowded(): boolean {
    return this.#isFull || this.#waitingBytes >= HELD_BYTES_MAX;
  }

  #askForMore(): void {
    if (!this.#holds || this.#isCrowded() || this.#isOver || this.#isEnded) return;
    this.#holds = false;
    this.#onward.more();
  }

  #letGo(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#waiting.length = 0;
    this.#tools.over();
  }

  /** A decoder's thread comes from nowhere that would catch a bug. */
  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#tools.bug(error);
      this.#onward.fail({ code: "bug", detail: "" });
    }
  }
}

const NOTHING = Buffer.alloc(0);
