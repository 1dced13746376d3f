import type { CacheReader } from "./cache-reader.ts";

/** Who is served by one fetch: first of all the one that asked. */
export class FetchReaders {
  readonly #all = new Set<CacheReader>();
  #leader: CacheReader | undefined;

  /** Who asked, while it is there. */
  get leader(): CacheReader | undefined {
    return this.#leader;
  }

  set leader(reader: CacheReader | undefined) {
    this.#leader = reader;
  }

  add(reader: CacheReader): void {
    this.#all.add(reader);
  }

  delete(reader: CacheReader): void {
    this.#all.delete(reader);
    if (reader === this.#leader) this.#leader = undefined;
  }

  /** Somebody still wants something. */
  get areThere(): boolean {
    for (const reader of this.#all) if (!reader.isOver) return true;
    return false;
  }

  /** As they are now: to serve one may change who is there. */
  list(): CacheReader[] {
    return [...this.#all];
  }

  /** All of them; nobody is left. */
  takeAll(): CacheReader[] {
    const all = this.list().filter((reader) => !reader.isOver);
    this.#all.clear();
    this.#leader = undefined;
    return all;
  }

  pump(): void {
    for (const reader of this.#all) reader.pump();
  }

  flush(): void {
    for (const reader of this.#all) reader.flush();
  }

  /** Up to where everyone has read, of so much. */
  leastPosition(length: number): number {
    let position = length;
    for (const reader of this.#all) {
      if (!reader.isOver) position = Math.min(position, reader.position);
    }
    return position;
  }
}
