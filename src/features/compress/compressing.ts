import type { Codec, CodecOpener } from "../../base/codec.ts";
import type { Clock, Timer } from "../../base/world.ts";
import type { BodyStage, Onward } from "../../core/body-stage.ts";
import { dropDigests } from "../../protocol/http/content-coding.ts";
import type { HeaderList } from "../../protocol/http/header-list.ts";
import { JOB_BYTES, type JobBuffers } from "./job-buffers.ts";

/** A body of no more than this that comes at once is coded at once: a thread would cost more. */
export const WHOLE_BYTES_MAX = 16 * 1024;
const JOBS_MAX = 1; // that wait for the encoder, before who comes before has to
const IDLE_MS = 50; // after which a reader gets what there is of a body that trickles

export interface CompressingTools {
  readonly open: CodecOpener;
  readonly whole: ((body: Uint8Array) => Buffer) | undefined;
  /** All that one read brought leaves at once: the content is a stream of messages. */
  readonly flushesReads: boolean;
  readonly clock: Clock;
  readonly buffers: JobBuffers;
  /** Bytes of the body as it came. */
  count(bytes: number): void;
  /** Once, whatever became of it. */
  over(): void;
  bug(error: unknown): void;
}

/**
 * Codes one body. Bytes are gathered into jobs of one size for the encoder, which has one at a time:
 *
 *   write → gathered → jobs → encoder → onward
 *
 * What is whole before there was need of an encoder never gets one.
 */
export class Compressing implements BodyStage {
  readonly #onward: Onward;
  readonly #tools: CompressingTools;
  readonly #jobs: Buffer[]; // full ones
  #gathered: Buffer | undefined;
  #count: number; // of bytes in #gathered
  #encoder: Codec | undefined;
  #job: Buffer | undefined; // that the encoder has
  #mode: "idle" | "more" | "flush" | "finish"; // what the encoder is at
  #wantsFlush: boolean;
  #isUnflushed: boolean; // the encoder may hold back some of what it was given
  #trailers: HeaderList | undefined;
  #isEnded: boolean; // end() was called
  #isFull: boolean; // who comes after takes none
  #holds: boolean; // who comes before waits for more()
  #isOver: boolean;
  #timer: Timer | undefined;
  #movedMs: number; // when bytes came last

  constructor(onward: Onward, tools: CompressingTools) {
    this.#onward = onward;
    this.#tools = tools;
    this.#jobs = [];
    this.#gathered = undefined;
    this.#count = 0;
    this.#encoder = undefined;
    this.#job = undefined;
    this.#mode = "idle";
    this.#wantsFlush = false;
    this.#isUnflushed = false;
    this.#trailers = undefined;
    this.#isEnded = false;
    this.#isFull = false;
    this.#holds = false;
    this.#isOver = false;
    this.#timer = undefined;
    this.#movedMs = 0;
  }

  /** They are copied, at a hundredth of what coding them costs: small pieces pin no large buffers. */
  get holdsBytes(): boolean {
    return false;
  }

  write(bytes: Buffer): boolean {
    this.#tools.count(bytes.length);
    for (let at = 0; at < bytes.length; ) {
      this.#gathered ??= this.#tools.buffers.take();
      const copied = bytes.copy(this.#gathered, this.#count, at);
      at += copied;
      this.#count += copied;
      if (this.#count === JOB_BYTES) this.#closeJob();
    }
    this.#pump();
    if (!this.#isCrowded()) return true;
    this.#holds = true;
    return false;
  }

  flush(): void {
    if (!this.#hasUnsent()) {
      this.#onward.flush(); // the head, if that is all there is
    } else if (this.#tools.flushesReads) {
      this.#flushNow();
    } else {
      this.#movedMs = this.#tools.clock.nowMs();
      this.#timer ??= this.#tools.clock.after(IDLE_MS, () => this.#guard(() => this.#idled()));
    }
  }

  end(trailers: HeaderList | undefined): void {
    if (trailers !== undefined) dropDigests(trailers);
    this.#trailers = trailers;
    this.#isEnded = true;
    this.#stopTimer();
    const { whole } = this.#tools;
    if (this.#encoder === undefined && whole !== undefined && this.#count <= WHOLE_BYTES_MAX) {
      const gathered = this.#gathered;
      const coded = whole(gathered === undefined ? NOTHING : gathered.subarray(0, this.#count));
      this.#letGo();
      this.#onward.write(coded);
      this.#onward.end(trailers);
      return;
    }
    this.#encoder ??= this.#open();
    this.#pump();
  }

  resume(): void {
    this.#isFull = false;
    this.#encoder?.resume();
    this.#pump();
    this.#holds = true;
    this.#askForMore();
  }

  stop(): void {
    this.#letGo();
    this.#encoder?.close();
  }

  // --- the encoder -------------------------------------------------------------------------------

  #open(): Codec {
    return this.#tools.open({
      out: (bytes) => this.#guard(() => this.#out(bytes)),
      took: () => this.#guard(() => this.#took()),
      over: () => this.#guard(() => this.#finished()),
      failed: (why) =>
        this.#guard(() => {
          throw new Error(`the encoder failed: ${why}`);
        }),
    });
  }

  /** Gives the encoder the next job, if it is free and what comes out can leave. */
  #pump(): void {
    if (this.#mode !== "idle" || this.#isFull || this.#isOver) return;
    const job = this.#jobs.shift();
    if (job !== undefined) this.#give(job, JOB_BYTES, "more");
    else if (this.#isEnded) this.#giveGathered("finish");
    else if (this.#wantsFlush) this.#giveGathered("flush");
  }

  #giveGathered(mode: "flush" | "finish"): void {
    const gathered = this.#gathered;
    const count = this.#count;
    this.#gathered = undefined;
    this.#count = 0;
    this.#wantsFlush = false;
    this.#give(gathered, count, mode);
  }

  #give(job: Buffer | undefined, bytes: number, mode: "more" | "flush" | "finish"): void {
    this.#encoder ??= this.#open();
    this.#job = job;
    this.#mode = mode;
    this.#isUnflushed = true;
    this.#encoder.write(job === undefined ? NOTHING : job.subarray(0, bytes), mode);
  }

  #out(bytes: Buffer): void {
    if (this.#isOver || this.#onward.write(bytes) || this.#isFull) return;
    this.#isFull = true;
    this.#encoder?.pause();
  }

  #took(): void {
    if (this.#isOver) return;
    const mode = this.#mode;
    this.#mode = "idle";
    this.#giveBackJob();
    if (mode === "flush") {
      this.#isUnflushed = false;
      this.#onward.flush();
    }
    this.#pump();
    this.#askForMore();
  }

  #finished(): void {
    if (this.#isOver) return;
    this.#giveBackJob();
    this.#letGo();
    this.#onward.end(this.#trailers);
  }

  #giveBackJob(): void {
    if (this.#job !== undefined) this.#tools.buffers.giveBack(this.#job);
    this.#job = undefined;
  }

  // --- who waits for what ------------------------------------------------------------------------

  #closeJob(): void {
    this.#jobs.push(this.#gathered!);
    this.#gathered = undefined;
    this.#count = 0;
  }

  #isCrowded(): boolean {
    return this.#isFull || this.#jobs.length >= JOBS_MAX;
  }

  #askForMore(): void {
    if (!this.#holds || this.#isCrowded() || this.#isOver || this.#isEnded) return;
    this.#holds = false;
    this.#onward.more();
  }

  #hasUnsent(): boolean {
    const isFlushing = this.#mode === "flush";
    return this.#count > 0 || this.#jobs.length > 0 || (this.#isUnflushed && !isFlushing);
  }

  #flushNow(): void {
    this.#wantsFlush = true;
    this.#pump();
  }

  /** The timer may have been armed for bytes that others have followed since. */
  #idled(): void {
    this.#timer = undefined;
    if (this.#isOver || this.#isEnded || !this.#hasUnsent()) return;
    const { clock } = this.#tools;
    const leftMs = this.#movedMs + IDLE_MS - clock.nowMs();
    if (leftMs < 1) this.#flushNow();
    else this.#timer = clock.after(leftMs, () => this.#guard(() => this.#idled()));
  }

  #stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #letGo(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopTimer();
    // The job that the encoder has is not among them: a thread may still read it.
    const { buffers } = this.#tools;
    for (const job of this.#jobs) buffers.giveBack(job);
    if (this.#gathered !== undefined) buffers.giveBack(this.#gathered);
    this.#jobs.length = 0;
    this.#gathered = undefined;
    this.#count = 0;
    this.#tools.over();
  }

  /** An encoder's thread and a timer come from nowhere that would catch a bug. */
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
