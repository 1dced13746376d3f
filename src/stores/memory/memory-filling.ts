import type { Filling } from "../cache-store.ts";

/** Whose budget it counts in. */
export interface FillingOwner {
  grow(bytes: number): boolean;
  ended(filling: MemoryFilling): void;
}

/** What is being fetched, and how much of it is held. */
export class MemoryFilling implements Filling {
  readonly serial: number;
  readonly #owner: FillingOwner;
  #isOver: boolean;
  bytes: number;

  constructor(serial: number, owner: FillingOwner) {
    this.serial = serial;
    this.#owner = owner;
    this.#isOver = false;
    this.bytes = 0;
  }

  grow(bytes: number): boolean {
    if (this.#isOver || !this.#owner.grow(bytes)) return false;
    this.bytes += bytes;
    return true;
  }

  ended(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#owner.ended(this);
  }
}
