import { hash } from "node:crypto";
import type { Identity } from "../../../core/identity.ts";

interface Entry {
  readonly identity: Identity;
  readonly expiresMs: number; // wall time
}

/**
 * Tokens that have been verified, until they expire: a client sends the same one again and again, and
 * to check a signature costs a hundred times what to look here does. Only what was good is in here, so
 * a flood of bad tokens pushes nobody out. Under their hashes: how long a comparison takes tells
 * nothing of a token that somebody else has.
 */
export class VerifiedTokens {
  readonly #entries: Map<string, Entry>; // by hash, the oldest first
  readonly #countMax: number;
  #generation: number; // of the keys

  constructor(countMax: number) {
    this.#entries = new Map();
    this.#countMax = countMax;
    this.#generation = 0;
  }

  static keyOf(token: string): string {
    return hash("sha256", token, "latin1");
  }

  get size(): number {
    return this.#entries.size;
  }

  find(key: string, generation: number, wallMs: number): Identity | undefined {
    if (generation !== this.#generation) {
      this.#entries.clear();
      this.#generation = generation;
      return undefined;
    }
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (wallMs < entry.expiresMs) return entry.identity;
    this.#entries.delete(key);
    return undefined;
  }

  add(key: string, identity: Identity, expiresMs: number): void {
    if (this.#countMax === 0) return;
    if (this.#entries.size >= this.#countMax) {
      const { value } = this.#entries.keys().next();
      this.#entries.delete(value!); // there is one
    }
    this.#entries.set(key, { identity, expiresMs });
  }
}
