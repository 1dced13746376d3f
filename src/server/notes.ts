/**
 * What is found out while a config is in force (an address behind a name, an operator's edit), on its
 * way from the main thread to all workers: plain data under a key. A worker that begins is told
 * the last of each key before its first config.
 */
export interface Note {
  readonly key: string;
  readonly data: unknown; // undefined: there is nothing under the key any more
}

/** Who listens to notes in one thread. */
export class Notes {
  readonly #readers: Set<(note: Note) => void>;

  constructor() {
    this.#readers = new Set();
  }

  onNote(read: (note: Note) => void): void {
    this.#readers.add(read);
  }

  take(note: Note): void {
    for (const read of this.#readers) read(note);
  }
}
