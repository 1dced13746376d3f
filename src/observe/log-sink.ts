import type { Clock, Log, Timer } from "../base/world.ts";
import { type Block, type BlockOwner, BlockWriter } from "./block-writer.ts";
import { openTarget } from "./log-target.ts";

const BLOCK_BYTES = 64 * 1024;
const FLUSH_MS = 200; // how long a line may stay in memory
const BACKLOG_BYTES_MAX = 8 * 1024 * 1024;
const FREE_BLOCKS_MAX = 4;
const CLOSE_MS = 2_000;
const WARN_EVERY_MS = 60_000;

export interface LogSinkOptions {
  readonly destination: string; // "stdout", "stderr" or a file's path
  readonly clock: Clock;
  readonly log: Log | undefined; // told that lines are lost; undefined for the log's own sink
  readonly backlogBytesMax?: number;
}

/**
 * Lines on their way out of the process. Writing a line is writing into memory; blocks leave one
 * at a time when they are full or 200 ms old. What the other side does not take waits, up to a
 * bound; beyond it lines are dropped and counted. Traffic never waits for its log.
 *
 *     if (sink.reserve(bytesMax)) sink.commit(write(sink.block, sink.at))
 */
export class LogSink implements BlockOwner {
  readonly destination: string;
  readonly #clock: Clock;
  readonly #log: Log | undefined;
  readonly #backlogBytesMax: number;
  readonly #free: Buffer[];
  readonly #writer: BlockWriter;
  readonly #onTimer: () => void;
  block: Buffer; // the caller writes here …
  at: number; // … from here
  #lineCount: number; // in `block`
  #isShut: boolean;
  #isDue: boolean; // `block` leaves as soon as the writer is free
  #timer: Timer | undefined;
  #dropped: number;
  #warnedMs: number; // -Infinity: not yet

  /** Rejects with the system's error if a file cannot be opened. */
  static async open(options: LogSinkOptions): Promise<LogSink> {
    const target = await openTarget(options.destination);
    return new LogSink(options, (sink) => {
      return new BlockWriter(options.destination, target, options.clock, sink);
    });
  }

  private constructor(options: LogSinkOptions, writerFor: (owner: BlockOwner) => BlockWriter) {
    this.destination = options.destination;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#backlogBytesMax = options.backlogBytesMax ?? BACKLOG_BYTES_MAX;
    this.#free = [];
    this.#writer = writerFor(this);
    this.#onTimer = () => this.#flushDue();
    this.block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.at = 0;
    this.#lineCount = 0;
    this.#isShut = false;
    this.#isDue = false;
    this.#timer = undefined;
    this.#dropped = 0;
    this.#warnedMs = Number.NEGATIVE_INFINITY;
  }

  /** Lines lost since the start: sluice_log_dropped_total. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Makes room for a line of at most `bytesMax`. False: the line is dropped, and counted. */
  reserve(bytesMax: number): boolean {
    if (this.at + bytesMax <= this.block.length && !this.#isShut) return true;
    return this.#makeRoom(bytesMax);
  }

  /** A line has been written into `block`, up to `end`. */
  commit(end: number): void {
    this.at = end;
    this.#lineCount++;
    if (this.#timer === undefined && !this.#isDue) {
      this.#timer = this.#clock.after(FLUSH_MS, this.#onTimer);
    }
  }

  /** For lines that are not made byte by byte; `line` ends in a line feed and has no other. */
  writeLine(line: string): void {
    if (!this.reserve(line.length * 3)) return; // UTF-8: at most three bytes a UTF-16 unit
    this.commit(this.at + this.block.write(line, this.at, "utf8"));
  }

  /** When all lines committed so far have left, or `deadlineMs` have passed. */
  async flush(deadlineMs: number = CLOSE_MS): Promise<void> {
    this.#seal(BLOCK_BYTES);
    await this.#writer.idle(deadlineMs);
  }

  /**
   * Opens the file anew, after a log rotator has moved it. Rejects, and stays with the old one, if
   * that cannot be.
   */
  async reopen(): Promise<void> {
    this.#seal(BLOCK_BYTES);
    await this.#writer.reopen();
  }

  /** Lets out what there is, then lets go of the file. No line is taken after it. */
  async close(deadlineMs: number = CLOSE_MS): Promise<void> {
    if (this.#isShut) return;
    this.#seal(BLOCK_BYTES);
    this.#isShut = true;
    this.#timer?.cancel();
    await this.#writer.close(deadlineMs);
  }

  blockLeft(block: Block): void {
    const isUsual = block.bytes.length === BLOCK_BYTES;
    if (isUsual && this.#free.length < FREE_BLOCKS_MAX) this.#free.push(block.bytes);
  }

  linesLost(lineCount: number, reason: string): void {
    this.#dropped += lineCount;
    this.#warn(reason);
  }

  wroteAll(): void {
    if (this.#isDue) this.#seal(BLOCK_BYTES);
  }

  /** While a write is in flight the block goes on filling: fewer and larger writes under load. */
  #flushDue(): void {
    this.#timer = undefined;
    if (this.#writer.isBusy) this.#isDue = true;
    else this.#seal(BLOCK_BYTES);
  }

  #makeRoom(bytesMax: number): boolean {
    const waitingBytes = this.#writer.queuedBytes + this.at;
    if (this.#isShut || waitingBytes + bytesMax > this.#backlogBytesMax) {
      this.#dropped++;
      if (!this.#isShut) this.#warn("it is not taken as fast as it is written");
      return false;
    }
    this.#seal(Math.max(BLOCK_BYTES, bytesMax));
    return true;
  }

  /** Hands the block over, if there is a line in it, and starts one of at least `bytesNext`. */
  #seal(bytesNext: number): void {
    this.#isDue = false;
    const { block: bytes, at: end } = this;
    if (end === 0 && bytes.length >= bytesNext) return;
    const lineCount = this.#lineCount;
    const next = bytesNext === BLOCK_BYTES ? this.#free.pop() : undefined;
    this.block = next ?? Buffer.allocUnsafeSlow(bytesNext);
    this.at = 0;
    this.#lineCount = 0;
    if (end > 0) this.#writer.push({ bytes, end, lineCount, at: 0 });
  }

  #warn(reason: string): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#warnedMs < WARN_EVERY_MS) return;
    this.#warnedMs = nowMs;
    this.#log?.warn("lines of a log are late or lost", {
      destination: this.destination,
      reason,
      dropped: this.#dropped,
    });
  }
}
