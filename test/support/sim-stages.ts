/** Stages that a test can see through: at once or later, longer or broken. */
import type { Clock } from "../../src/base/world.ts";
import type { BodyStage, Onward, StageMaker } from "../../src/core/body-stage.ts";

const SLOW_MS = 5;

/** What became of the stages that were made. */
export class StageLog {
  readonly #stages: LoudStage[] = [];
  heldMost = 0; // bytes in a stage at once

  /** Every letter as a capital, `copies` times, `delayMs` later; fails at a "!". */
  readonly loud = (
    options: { readonly clock?: Clock; readonly copies?: number } = {},
  ): StageMaker => {
    return (onward) => {
      const stage = new LoudStage(onward, options.clock, options.copies ?? 1, this);
      this.#stages.push(stage);
      return stage;
    };
  };

  get made(): number {
    return this.#stages.length;
  }

  get stopped(): number {
    return this.#stages.filter(({ isStopped }) => isStopped).length;
  }
}

class LoudStage implements BodyStage {
  readonly #onward: Onward;
  readonly #clock: Clock | undefined;
  readonly #copies: number;
  readonly #log: StageLog;
  readonly #queue: (() => void)[] = [];
  #queuedBytes = 0;
  #isBusy = false;
  #mayGoOn = true;
  isStopped = false;

  constructor(onward: Onward, clock: Clock | undefined, copies: number, log: StageLog) {
    this.#onward = onward;
    this.#clock = clock;
    this.#copies = copies;
    this.#log = log;
  }

  get holdsBytes(): boolean {
    return this.#queue.length > 0 || this.#onward.holdsBytes;
  }

  write(bytes: Buffer): boolean {
    if (bytes.includes("!")) {
      this.#onward.fail({ code: "bug", detail: "cannot shout that" });
      return true;
    }
    this.#do(bytes.length, () => {
      const loud = Buffer.from(bytes.toString("latin1").toUpperCase().repeat(this.#copies));
      this.#mayGoOn = this.#onward.write(loud);
    });
    return this.#mayGoOn && this.#queue.length === 0;
  }

  flush(): void {
    if (this.#queue.length === 0) this.#onward.flush();
  }

  end(trailers: Parameters<BodyStage["end"]>[0]): void {
    this.#do(0, () => this.#onward.end(trailers));
  }

  resume(): void {
    this.#mayGoOn = true;
    if (this.#queue.length === 0) this.#onward.more();
    else this.#next();
  }

  stop(): void {
    this.isStopped = true;
    this.#queue.length = 0;
  }

  #do(bytes: number, act: () => void): void {
    if (this.#clock === undefined && this.#queue.length === 0) {
      act();
      return;
    }
    this.#queuedBytes += bytes;
    this.#log.heldMost = Math.max(this.#log.heldMost, this.#queuedBytes);
    this.#queue.push(() => {
      this.#queuedBytes -= bytes;
      act();
    });
    this.#next();
  }

  #next(): void {
    if (this.#isBusy || !this.#mayGoOn || this.#queue.length === 0) return;
    this.#isBusy = true;
    this.#clock!.after(SLOW_MS, () => {
      this.#isBusy = false;
      this.#queue.shift()?.();
      if (this.#queue.length > 0) this.#next();
      else if (this.#mayGoOn) {
        this.#onward.flush();
        this.#onward.more();
      }
    });
  }
}

/** The clock of the proxy that the test has yet to make. */
export class LaterClock implements Clock {
  proxy: { readonly world: { readonly clock: Clock } } | undefined;
  wallMs = () => this.proxy!.world.clock.wallMs();
  nowMs = () => this.proxy!.world.clock.nowMs();
  after = (delayMs: number, fire: () => void) => this.proxy!.world.clock.after(delayMs, fire);
}
