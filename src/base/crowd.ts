/** Something that is in one crowd at most. */
export interface Member {
  place: number; // the crowd's own; OUTSIDE where it is in none
}

export const OUTSIDE = -1;

/**
 * Who is there now, in no order, where many come and go: the connections of a listener.
 *
 * A Set would do, and cost the collector most of its time. To stay in shape it moves to a new table
 * every so often, and the old one points to those who were in it, and to the new one. Once such a
 * table is old garbage, the young generation cannot be collected past it: each connection was kept
 * until the next full collection, long after it had closed (bench/ connect: scavenges of 9 ms, not
 * 0.5).
 */
export class Crowd<Item extends Member> {
  readonly #members: Item[];

  constructor() {
    this.#members = [];
  }

  get size(): number {
    return this.#members.length;
  }

  has(item: Item): boolean {
    return item.place !== OUTSIDE && this.#members[item.place] === item;
  }

  add(item: Item): void {
    if (this.has(item)) return;
    item.place = this.#members.length;
    this.#members.push(item);
  }

  /** False if it was not there. */
  delete(item: Item): boolean {
    if (!this.has(item)) return false;
    const last = this.#members.pop()!;
    if (last !== item) {
      this.#members[item.place] = last;
      last.place = item.place;
    }
    item.place = OUTSIDE;
    return true;
  }

  /** One of them, by a place from 0 up to but not size. */
  at(place: number): Item {
    return this.#members[place]!;
  }

  /** As it is now: who is called may leave. */
  all(): readonly Item[] {
    return [...this.#members];
  }
}
