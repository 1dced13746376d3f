import type { Codec, CodecTaker } from "../../src/base/codec.ts";
import type { Clock } from "../../src/base/world.ts";
import type { Encoder } from "../../src/features/compress/encoders.ts";

const HELD_BYTES = 1_000;
const WORK_MS = 2;

/**
 * An encoder that a test can read: the same bytes, "." at the end. As a real one it takes its time, one
 * write after the other, and holds back the last of what it has until it is told to flush.
 */
export class SimEncoder implements Encoder {
  readonly coding = "gzip";
  readonly memoryBytes = 1;
  readonly #clock: Clock;
  readonly whole: ((body: Uint8Array) => Buffer) | undefined;
  openCount = 0; // codecs that are open now
  opened = 0;

  constructor(clock: Clock, isQuick: boolean) {
    this.#clock = clock;
    this.whole = isQuick ? (body) => Buffer.concat([body, Buffer.from(".")]) : undefined;
  }

  readonly open = (taker: CodecTaker): Codec => {
    this.openCount++;
    this.opened++;
    return new SimCodec(taker, this.#clock, () => this.openCount--);
  };
}

class SimCodec implements Codec {
  readonly #taker: CodecTaker;
  readonly #clock: Clock;
  readonly #onOver: () => void;
  #held: Buffer = Buffer.alloc(0);
  #isPaused = false;
  #isBusy = false;
  #isOver = false;
  #waits: (() => void) | undefined; // what is to be told when it goes on

  constructor(taker: CodecTaker, clock: Clock, onOver: () => void) {
    this.#taker = taker;
    this.#clock = clock;
    this.#onOver = onOver;
  }

  write(bytes: Uint8Array, then: "more" | "flush" | "finish"): void {
    if (this.#isBusy || this.#isOver) throw new Error("one write at a time, and none at the end");
    this.#isBusy = true;
    const copy = Buffer.concat([this.#held, bytes, Buffer.from(then === "finish" ? "." : "")]);
    this.#clock.after(WORK_MS, () => {
      if (this.#isOver) return;
      const kept = then === "more" ? Math.min(HELD_BYTES, copy.length) : 0;
      this.#held = copy.subarray(copy.length - kept);
      this.#when(() => this.#done(copy.subarray(0, copy.length - kept), then));
    });
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    const waits = this.#waits;
    this.#waits = undefined;
    waits?.();
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onOver();
  }

  #when(act: () => void): void {
    if (this.#isPaused) this.#waits = act;
    else act();
  }

  #done(out: Buffer, then: string): void {
    if (out.length > 0) this.#taker.out(out);
    if (this.#isOver) return;
    this.#when(() => {
      this.#isBusy = false;
      if (then !== "finish") {
        this.#taker.took();
        return;
      }
      this.close();
      this.#taker.over();
    });
  }
}
