/**
 * Who stays: S3-FIFO. Who comes for the first time waits in a small queue, and only who is asked for
 * again there, or comes back soon after it had to leave, gets into the main one: a crawler that
 * asks for everything once throws nobody out. A hit is one number counted up, nothing moves
 * (decision 0029).
 */
export interface Resident {
  readonly weight: number; // bytes
  visits: number;
  isMain: boolean;
  older: Resident | undefined; // in its queue
  newer: Resident | undefined;
  /** The same for the same thing each time it comes. */
  fingerprint(): number;
}

const VISITS_MAX = 3;
const SMALL_SHARE = 10; // one part in so many of the budget

export class Admission {
  readonly #small = new Queue();
  readonly #main = new Queue();
  readonly #ghosts = new Ghosts();
  #count = 0;

  get bytes(): number {
    return this.#small.bytes + this.#main.bytes;
  }

  admit(resident: Resident): void {
    resident.visits = 0;
    resident.isMain = this.#ghosts.has(resident.fingerprint());
    this.#queueOf(resident).push(resident);
    this.#count++;
  }

  /** One that left only to come back with another weight. */
  stay(resident: Resident, visits: number): void {
    resident.visits = visits;
    this.#queueOf(resident).push(resident);
    this.#count++;
  }

  visit(resident: Resident): void {
    if (resident.visits < VISITS_MAX) resident.visits++;
  }

  leave(resident: Resident): void {
    this.#queueOf(resident).delete(resident);
    this.#count--;
  }

  /** Who is to go next; it is still there. undefined: nobody is left. */
  victim(bytesMax: number): Resident | undefined {
    const smallMax = bytesMax / SMALL_SHARE;
    while (this.#small.bytes > smallMax || this.#main.oldest === undefined) {
      const first = this.#small.oldest;
      if (first === undefined) return undefined;
      if (first.visits === 0) {
        this.#ghosts.add(first.fingerprint(), this.#count);
        return first;
      }
      this.#small.delete(first);
      first.visits = 0;
      first.isMain = true;
      this.#main.push(first);
    }
    return this.#mainVictim();
  }

  /** Each round takes a visit from everyone it passes, so it ends. */
  #mainVictim(): Resident | undefined {
    for (let first = this.#main.oldest; first !== undefined; first = this.#main.oldest) {
      if (first.visits === 0) return first;
      first.visits--;
      this.#main.delete(first);
      this.#main.push(first);
    }
    return undefined;
  }

  #queueOf({ isMain }: Resident): Queue {
    return isMain ? this.#main : this.#small;
  }
}

class Queue {
  oldest: Resident | undefined;
  #newest: Resident | undefined;
  bytes = 0;

  push(resident: Resident): void {
    resident.older = this.#newest;
    resident.newer = undefined;
    if (this.#newest === undefined) this.oldest = resident;
    else this.#newest.newer = resident;
    this.#newest = resident;
    this.bytes += resident.weight;
  }

  delete(resident: Resident): void {
    const { older, newer } = resident;
    if (older === undefined) this.oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    resident.older = undefined;
    resident.newer = undefined;
    this.bytes -= resident.weight;
  }
}

const GHOSTS_MIN = 1024;
const GHOSTS_MAX = 2 ** 22; // 16 MiB of fingerprints

/** Who left lately: a fingerprint each, about as many as there are residents. */
class Ghosts {
  #cells = new Uint32Array(GHOSTS_MIN);

  has(fingerprint: number): boolean {
    return this.#cells[fingerprint & (this.#cells.length - 1)] === fingerprint;
  }

  add(fingerprint: number, residents: number): void {
    if (residents > this.#cells.length && this.#cells.length < GHOSTS_MAX) this.#double();
    this.#cells[fingerprint & (this.#cells.length - 1)] = fingerprint;
  }

  #double(): void {
    const before = this.#cells;
    this.#cells = new Uint32Array(before.length * 2);
    for (const fingerprint of before)
      this.#cells[fingerprint & (this.#cells.length - 1)] = fingerprint;
  }
}
