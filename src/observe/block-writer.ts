import type { Clock, Timer } from "../base/world.ts";
import { type LogTarget, openTarget, type Written } from "./log-target.ts";

/** Whole lines on their way out. */
export interface Block {
  readonly bytes: Buffer;
  readonly end: number;
  readonly lineCount: number;
  at: number; // what is before it has left
}

/** Who has to know what becomes of the blocks. */
export interface BlockOwner {
  blockLeft(block: Block): void; // its bytes may be used again
  linesLost(lineCount: number, reason: string): void;
  wroteAll(): void; // nothing waits any more
}

const RETRY_MS = 1_000; // a full disk, a pipe with no reader yet
const RETRY_SOON_MS = 20; // a descriptor that somebody has set not to block
const LINE_FEED = 0x0a;

/**
 * Blocks in order to one target, one write in flight. A failed write does not lose its block:
 *
 *     EAGAIN, EINTR                     the rest again, soon
 *     EPIPE … on standard output        nobody will read it any more: lost, like all that follows
 *     EPIPE … on a path                 open it anew, again each second
 *     ENOSPC and any other              the rest again each second, until it is taken
 */
export class BlockWriter {
  readonly #destination: string;
  readonly #isStandard: boolean;
  readonly #clock: Clock;
  readonly #owner: BlockOwner;
  readonly #queue: Block[];
  #target: LogTarget | undefined; // undefined while a path cannot be opened, and once all is over
  #nextTarget: LogTarget | undefined; // after a reopen, until the write in flight has ended
  #retry: Timer | undefined;
  #isWriting: boolean;
  #isDead: boolean;
  #isClosing: boolean;
  #waiting: (() => void)[];
  queuedBytes: number; // memory held, not bytes to write: a block may be nearly empty

  constructor(destination: string, target: LogTarget, clock: Clock, owner: BlockOwner) {
    this.#destination = destination;
    this.#isStandard = destination === "stdout" || destination === "stderr";
    this.#clock = clock;
    this.#owner = owner;
    this.#queue = [];
    this.#target = target;
    this.#nextTarget = undefined;
    this.#retry = undefined;
    this.#isWriting = false;
    this.#isDead = false;
    this.#isClosing = false;
    this.#waiting = [];
    this.queuedBytes = 0;
  }

  get isBusy(): boolean {
    return this.#queue.length > 0;
  }

  push(block: Block): void {
    if (this.#isDead) {
      this.#owner.linesLost(block.lineCount, "nobody reads it any more");
      this.#owner.blockLeft(block);
      return;
    }
    this.#queue.push(block);
    this.queuedBytes += block.bytes.length;
    this.#writeNext();
  }

  /** When nothing is waiting, or `deadlineMs` have passed. */
  idle(deadlineMs: number): Promise<void> {
    if (!this.isBusy) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.after(deadlineMs, resolve);
      this.#waiting.push(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** Standard output is what it is: only a path can be opened anew. */
  async reopen(): Promise<void> {
    if (this.#isStandard) return;
    const target = await openTarget(this.#destination);
    if (this.#isDead) {
      target.close();
      return;
    }
    this.#nextTarget?.close();
    this.#nextTarget = target;
    this.#cancelRetry();
    this.#writeNext();
  }

  async close(deadlineMs: number): Promise<void> {
    this.#isClosing = true; // from now on the first failure is the last
    this.#cancelRetry();
    this.#writeNext();
    await this.idle(deadlineMs);
    this.#die("the program ended before it was written");
  }

  #writeNext(): void {
    if (this.#isWriting || this.#retry !== undefined) return;
    this.#takeNextTarget();
    const block = this.#queue[0];
    if (block === undefined || this.#target === undefined) return;
    this.#isWriting = true;
    this.#target.write(block.bytes.subarray(block.at, block.end), this.#onWritten);
  }

  #takeNextTarget(): void {
    if (this.#nextTarget === undefined) return;
    this.#target?.close();
    this.#target = this.#nextTarget;
    this.#nextTarget = undefined;
    const block = this.#queue[0];
    if (block === undefined || block.at === 0) return;
    // The old file has the beginning of a line: the new one gets all of it.
    block.at = block.bytes.lastIndexOf(LINE_FEED, block.at - 1) + 1;
  }

  readonly #onWritten: Written = (error, byteCount) => {
    this.#isWriting = false;
    if (this.#isDead) return;
    const block = this.#queue[0]!;
    block.at += byteCount;
    if (error !== undefined) {
      this.#failed(error);
      return;
    }
    if (block.at === block.end) this.#settle(block);
    this.#writeNext();
    if (!this.isBusy) this.#allWritten();
  };

  #settle(block: Block): void {
    this.#queue.shift();
    this.queuedBytes -= block.bytes.length;
    this.#owner.blockLeft(block);
  }

  #allWritten(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
    this.#owner.wroteAll();
  }

  #failed(error: NodeJS.ErrnoException): void {
    const { code = "" } = error;
    if (code === "EAGAIN" || code === "EINTR") {
      this.#retryAfter(RETRY_SOON_MS);
      return;
    }
    if (this.#isClosing || (isGone(code) && this.#isStandard)) {
      this.#die(code);
      return;
    }
    this.#owner.linesLost(0, code);
    if (isGone(code)) {
      this.#target?.close();
      this.#target = undefined;
    }
    this.#retryAfter(RETRY_MS);
  }

  #retryAfter(delayMs: number): void {
    this.#retry = this.#clock.after(delayMs, () => {
      this.#retry = undefined;
      if (this.#target !== undefined || this.#nextTarget !== undefined) this.#writeNext();
      else this.reopen().catch(() => this.#retryAfter(RETRY_MS));
    });
  }

  #cancelRetry(): void {
    this.#retry?.cancel();
    this.#retry = undefined;
  }

  #die(reason: string): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#cancelRetry();
    this.#target?.close();
    this.#nextTarget?.close();
    for (const block of this.#queue) this.#owner.linesLost(linesLeft(block), reason);
    // A block in flight is not given back: the system may still be reading it.
    this.#queue.length = 0;
    this.queuedBytes = 0;
    this.#allWritten();
  }
}

function isGone(code: string): boolean {
  return (
    code === "EPIPE" || code === "ECONNRESET" || code === "EBADF" || code.startsWith("ERR_STREAM")
  );
}

function linesLeft(block: Block): number {
  let count = 0;
  for (let at = block.at; at < block.end; at++) if (block.bytes[at] === LINE_FEED) count++;
  return count;
}
