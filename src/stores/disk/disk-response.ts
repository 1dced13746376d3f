import type { Clock, Timer } from "../../base/world.ts";
import { CACHE_DISK_BLOCK_MS } from "../../core/limits.ts";
import type { Freshness } from "../../protocol/caching/reuse.ts";
import { HeaderList } from "../../protocol/http/header-list.ts";
import type { BodySource, StoredResponse } from "../cache-store.ts";
import { areSound, BLOCK_BYTES, type FoundRecord } from "./record.ts";

/** Where the body lies, and who reads it. */
export interface BodyReading {
  readonly clock: Clock;
  /** Rejects with the system's error. */
  open(): Promise<OpenBody>;
  /** It is not what was written, or cannot be read. */
  failed(error: unknown): void;
}

/** It can be read until it is released, whatever becomes of its segment. */
export interface OpenBody {
  /** From there on; rejects with the system's error. */
  read(into: Buffer, position: number): Promise<number>;
  release(): void;
}

/** One response on disk: its head is here, its body comes block by block. */
export class DiskResponse implements StoredResponse {
  readonly record: FoundRecord;
  readonly isLent = false;
  readonly next = undefined;
  readonly #freshness: Freshness;
  readonly #body: BodyReading;

  /** `freshness`: on this process's clock. */
  constructor(record: FoundRecord, freshness: Freshness, body: BodyReading) {
    this.record = record;
    this.#freshness = freshness;
    this.#body = body;
  }

  get url(): string {
    return this.record.url;
  }

  get partition(): string {
    return this.record.partition;
  }

  get varyNames(): readonly string[] {
    return this.record.varyNames;
  }

  get varyKey(): string {
    return this.record.varyKey;
  }

  get status(): number {
    return this.record.status;
  }

  get bodyBytes(): number {
    return this.record.bodyBytes;
  }

  get rangeAt(): number {
    return this.record.rangeAt;
  }

  get rangeTotal(): number {
    return this.record.rangeTotal;
  }

  get bodyReading(): BodyReading {
    return this.#body;
  }

  freshness(): Freshness {
    return this.#freshness;
  }

  headers(): HeaderList {
    return HeaderList.ofLines(this.record.lines);
  }

  /** There is nothing at hand: who reads it has a reading() of his own. */
  at(): undefined {}

  coded(): undefined {}

  reading(): BodySource {
    return new DiskBody(this.record, this.#body);
  }
}

/** One reader's way through a body: it holds one block, and asks for the next when that is taken. */
class DiskBody implements BodySource {
  readonly #record: FoundRecord;
  readonly #reading: BodyReading;
  #opened: Promise<OpenBody> | undefined;
  #block: Buffer | undefined;
  #blockAt: number;
  #timer: Timer | undefined;
  #isClosed: boolean;

  constructor(record: FoundRecord, reading: BodyReading) {
    this.#record = record;
    this.#reading = reading;
    this.#opened = undefined;
    this.#block = undefined;
    this.#blockAt = 0;
    this.#timer = undefined;
    this.#isClosed = false;
  }

  at(position: number): Buffer | undefined {
    const block = this.#block;
    if (block === undefined || position < this.#blockAt) return undefined;
    return position < this.#blockAt + block.length
      ? block.subarray(position - this.#blockAt)
      : undefined;
  }

  load(position: number, there: (isThere: boolean) => void): void {
    const index = Math.floor(position / BLOCK_BYTES);
    let isTold = false;
    const tell = (isThere: boolean) => {
      if (isTold) return;
      isTold = true;
      this.#timer?.cancel();
      this.#timer = undefined;
      if (!this.#isClosed) there(isThere);
    };
    this.#block = undefined;
    this.#timer = this.#reading.clock.after(CACHE_DISK_BLOCK_MS, () => tell(false));
    this.#read(index).then(
      (block) => {
        this.#block = block;
        this.#blockAt = index * BLOCK_BYTES;
        tell(true);
      },
      (error: unknown) => {
        if (!this.#isClosed) this.#reading.failed(error);
        tell(false);
      },
    );
  }

  close(): void {
    this.#isClosed = true;
    this.#block = undefined;
    this.#timer?.cancel();
    const opened = this.#opened;
    this.#opened = undefined;
    opened?.then(
      (body) => body.release(),
      () => {},
    );
  }

  async #read(index: number): Promise<Buffer> {
    const { bodyBytes, crcs } = this.#record;
    const from = index * BLOCK_BYTES;
    const block = Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, bodyBytes - from));
    this.#opened ??= this.#reading.open();
    const count = await (await this.#opened).read(block, from);
    if (count < block.length || !areSound(block, crcs, index)) throw new UnsoundRecord();
    return block;
  }
}

/** What is there is not what was written. */
export class UnsoundRecord extends Error {
  constructor() {
    super("a stored response is not as it was written");
    this.name = "UnsoundRecord";
  }
}
