import type { Codec, CodecOpener, CodecTaker } from "../../base/codec.ts";

/** So many that wait for a thread are a line that those who come should not make longer. */
const LONG_COUNT = 4;

/**
 * Codecs of one worker that want a thread. Only some work at once: what is left of the processor
 * is for the event loop, and threads are left for whoever reads files and asks for names.
 */
export class CodecLine {
  readonly #workingMax: number;
  readonly #waiting: Set<LinedCodec>; // who came first goes first
  #working: number;

  constructor(workingMax: number) {
    this.#workingMax = workingMax;
    this.#waiting = new Set();
    this.#working = 0;
  }

  /** There is more to do than can be done: who begins now should not try hard. */
  get isLong(): boolean {
    return this.#waiting.size >= LONG_COUNT;
  }

  open(opener: CodecOpener, taker: CodecTaker): Codec {
    return new LinedCodec(opener, taker, this);
  }

  // --- for its codecs ----------------------------------------------------------------------------

  wait(codec: LinedCodec): void {
    this.#waiting.add(codec);
    this.#next();
  }

  leave(codec: LinedCodec): void {
    this.#waiting.delete(codec);
  }

  /** Works on without having waited: it was held back in the midst of its work. */
  enter(): void {
    this.#working++;
  }

  over(): void {
    this.#working--;
    this.#next();
  }

  #next(): void {
    for (const codec of this.#waiting) {
      if (this.#working >= this.#workingMax) return;
      this.#waiting.delete(codec);
      this.#working++;
      codec.begin();
    }
  }
}

/**
 * A codec whose writes wait for their turn:
 *
 *     idle ─► waiting ─► working ─► idle      while it is paused, a working one counts for none
 */
export class LinedCodec implements Codec, CodecTaker {
  readonly #line: CodecLine;
  readonly #taker: CodecTaker;
  readonly #codec: Codec;
  #bytes: Uint8Array | undefined; // that wait
  #then: "more" | "flush" | "finish";
  #isWorking: boolean;
  #isPaused: boolean;

  constructor(opener: CodecOpener, taker: CodecTaker, line: CodecLine) {
    this.#line = line;
    this.#taker = taker;
    this.#codec = opener(this);
    this.#bytes = undefined;
    this.#then = "more";
    this.#isWorking = false;
    this.#isPaused = false;
  }

  write(bytes: Uint8Array, then: "more" | "flush" | "finish"): void {
    this.#bytes = bytes;
    this.#then = then;
    this.#line.wait(this);
  }

  /** It is its turn. */
  begin(): void {
    const bytes = this.#bytes!; // it waited with them
    this.#bytes = undefined;
    this.#isWorking = true;
    if (this.#isPaused) this.#line.over();
    this.#codec.write(bytes, this.#then);
  }

  pause(): void {
    if (!this.#isPaused && this.#isWorking) this.#line.over();
    this.#isPaused = true;
    this.#codec.pause();
  }

  resume(): void {
    if (this.#isPaused && this.#isWorking) this.#line.enter();
    this.#isPaused = false;
    this.#codec.resume();
  }

  close(): void {
    this.#line.leave(this);
    this.#bytes = undefined;
    this.#done();
    this.#codec.close();
  }

  // --- what the codec says -----------------------------------------------------------------------

  out(bytes: Buffer): void {
    this.#taker.out(bytes);
  }

  took(): void {
    this.#done();
    this.#taker.took();
  }

  over(): void {
    this.#done();
    this.#taker.over();
  }

  failed(why: string): void {
    this.#done();
    this.#taker.failed(why);
  }

  #done(): void {
    if (!this.#isWorking) return;
    this.#isWorking = false;
    if (!this.#isPaused) this.#line.over();
  }
}
