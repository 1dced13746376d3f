import type { OpenFile } from "../../base/files.ts";
import type { Segment } from "./segment.ts";

const OPEN_MAX = 256; // files that are open though nobody reads them

/** The segments of a folder, ours and those of other workers. */
export class Segments {
  readonly #all: Map<number, Segment>;
  readonly #idle: Set<Segment>; // open and not in use, the longest idle first

  constructor() {
    this.#all = new Map();
    this.#idle = new Set();
  }

  get(id: number): Segment | undefined {
    return this.#all.get(id);
  }

  add(segment: Segment): void {
    this.#all.set(segment.id, segment);
  }

  /** It is not shut: somebody may be about to read what he has found. */
  forget(segment: Segment): void {
    this.#all.delete(segment.id);
    this.#idle.delete(segment);
  }

  all(): Segment[] {
    return [...this.#all.values()];
  }

  /** Ours to remove, the oldest first. */
  own(): Segment[] {
    return this.all()
      .filter(({ isOwn }) => isOwn)
      .sort((a, b) => a.id - b.id);
  }

  get ownBytes(): number {
    let sum = 0;
    for (const { isOwn, bytes, tableBytes } of this.#all.values())
      if (isOwn) sum += bytes + tableBytes;
    return sum;
  }

  get ownObjects(): number {
    let sum = 0;
    for (const { isOwn, live } of this.#all.values()) if (isOwn) sum += live;
    return sum;
  }

  /** No response is older: a purge below that holds for nothing any more. */
  get serialMin(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const { serialMin } of this.#all.values()) least = Math.min(least, serialMin);
    return least;
  }

  /** Until release(segment). */
  use(segment: Segment): Promise<OpenFile> {
    this.#idle.delete(segment);
    return segment.use();
  }

  release(segment: Segment): void {
    segment.release();
    if (segment.isInUse || this.#all.get(segment.id) !== segment) return;
    this.#idle.add(segment);
    if (this.#idle.size <= OPEN_MAX) return;
    const [longest] = this.#idle;
    this.#idle.delete(longest!);
    longest!.shut();
  }

  shut(): void {
    for (const segment of this.#all.values()) {
      segment.isGone = true; // who reads it closes it
      segment.shut();
    }
    this.#all.clear();
    this.#idle.clear();
  }
}
