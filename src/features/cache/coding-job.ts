import type { BodyStage, Onward } from "../../core/body-stage.ts";
import type { Fault } from "../../core/fault.ts";
import type { ContentCoder } from "../../core/kept-content.ts";
import type { HeaderList } from "../../protocol/http/header-list.ts";
import type { BodySource, Filling } from "../../stores/cache-store.ts";
import { GrowingBody } from "../../stores/growing-body.ts";
import type { CacheReader } from "./cache-reader.ts";
import { WINDOW_BYTES } from "./fill.ts";

/** Whose content it is. */
export interface JobOwner {
  /** The end of the content; Infinity: it is still coming. */
  readonly sourceEnd: number;
  /** It has taken some more of the content. */
  moved(): void;
  /** All of it is coded. */
  done(job: CodingJob): void;
  /** It will not be. */
  failed(job: CodingJob): void;
}

/**
 * One body on its way through a coder, for all who want it so: at the pace of the coder, and read by
 * each at its own. Where it cannot be kept it holds a window, up to the slowest of its readers.
 */
export class CodingJob {
  readonly coding: string;
  readonly body: GrowingBody; // coded
  readonly filling: Filling;
  readonly #source: BodySource;
  readonly #owner: JobOwner;
  readonly #stage: BodyStage;
  readonly #readers: Set<CacheReader>;
  #position: number; // in the source
  #isHeld: boolean; // the stage takes no more for now
  #isFull: boolean; // the readers have not taken what is there
  #isKept: boolean;
  #isEnded: boolean; // the stage has had everything
  #isOver: boolean;

  constructor(
    source: BodySource,
    coder: ContentCoder,
    headers: HeaderList,
    filling: Filling,
    owner: JobOwner,
  ) {
    this.coding = coder.coding;
    this.body = new GrowingBody();
    this.filling = filling;
    this.#source = source;
    this.#owner = owner;
    this.#readers = new Set();
    this.#position = 0;
    this.#isHeld = false;
    this.#isFull = false;
    this.#isKept = true;
    this.#isEnded = false;
    this.#isOver = false;
    this.#stage = coder.stage(this.#onward(), headers);
  }

  get isKept(): boolean {
    return this.#isKept;
  }

  /** Up to where it has read, for who lets go of what all have read. */
  get position(): number {
    return this.#position;
  }

  /** Gives the stage what there is. */
  pump(): void {
    const { sourceEnd } = this.#owner;
    while (!this.#isHeld && !this.#isOver && this.#position < sourceEnd) {
      const bytes = this.#source.at(this.#position);
      if (bytes === undefined) return; // not here yet
      this.#position += bytes.length;
      if (!this.#stage.write(bytes)) this.#isHeld = true;
    }
    if (this.#isOver || this.#isEnded || this.#position < sourceEnd) return;
    this.#isEnded = true;
    this.#stage.end(undefined);
  }

  /** Who waits for what has come so far is to get it. */
  flush(): void {
    if (!this.#isOver && !this.#isEnded) this.#stage.flush();
  }

  /** Nothing of it will be stored: it goes on for those who read it. */
  giveUp(): void {
    if (!this.#isKept) return;
    this.#isKept = false;
    this.filling.ended();
    this.readerMoved();
  }

  cut(fault: Fault): void {
    if (!this.#end()) return;
    this.#stage.stop();
    this.#owner.failed(this);
    for (const reader of [...this.#readers]) reader.cut(fault);
  }

  // --- readers -----------------------------------------------------------------------------------

  add(reader: CacheReader): void {
    this.#readers.add(reader);
    this.pump();
  }

  delete(reader: CacheReader): void {
    this.#readers.delete(reader);
    this.readerMoved();
  }

  /** One has read on, or has left: there may be room. */
  readerMoved(): void {
    if (this.#isKept || this.#isOver) return;
    if (this.#readers.size === 0) {
      if (this.#end()) this.#stage.stop();
      this.#owner.failed(this);
      return;
    }
    this.#letGo();
    if (!this.#isFull || this.body.heldBytes >= WINDOW_BYTES) return;
    this.#isFull = false;
    this.#stage.resume();
  }

  #letGo(): void {
    let position = this.body.length;
    for (const reader of this.#readers) position = Math.min(position, reader.readTo);
    this.body.letGo(position);
  }

  // --- what comes out ----------------------------------------------------------------------------

  #onward(): Onward {
    return {
      write: (bytes) => this.#out(bytes),
      holdsBytes: false, // they are copied
      flush: () => {
        for (const reader of [...this.#readers]) reader.flush();
      },
      end: () => this.#done(),
      more: () => {
        this.#isHeld = false;
        this.pump();
        this.#owner.moved();
      },
      fail: (fault) => this.cut(fault),
    };
  }

  #out(bytes: Buffer): boolean {
    if (this.#isOver) return true;
    if (this.#isKept && !this.filling.grow(bytes.length)) this.giveUp();
    if (this.#isOver) return true; // it was coded for the store alone
    this.body.append(bytes);
    for (const reader of [...this.#readers]) reader.pump();
    if (this.#isKept || this.#isOver) return true;
    this.#letGo();
    this.#isFull = this.body.heldBytes >= WINDOW_BYTES;
    return !this.#isFull;
  }

  #done(): void {
    if (!this.#end()) return;
    const { sourceEnd } = this.#owner;
    this.#owner.done(this);
    for (const reader of [...this.#readers]) reader.codedEnds(this.body.length, sourceEnd);
    this.#readers.clear();
  }

  #end(): boolean {
    const wasOver = this.#isOver;
    this.#isOver = true;
    this.filling.ended();
    return !wasOver;
  }
}
