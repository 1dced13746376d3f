import type { Clock } from "../../src/base/world.ts";
import { pause } from "../../src/tls/acme/acme-client.ts";
import {
  type CertificateStorage,
  isStorageKey,
  type StorageLock,
} from "../../src/tls/acme/certificate-storage.ts";

const LOOK_MS = 500;

/** A storage in memory, for simulated time; it fails when a test says so. */
export class MemoryStorage implements CertificateStorage {
  readonly files = new Map<string, string>();
  readonly #locks = new Set<string>();
  readonly #clock: Clock;
  failing: string | undefined; // the system's code

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async read(key: string): Promise<string | undefined> {
    this.#check(key);
    return this.files.get(key);
  }

  async write(key: string, text: string): Promise<void> {
    this.#check(key);
    this.files.set(key, text);
  }

  async delete(key: string): Promise<void> {
    this.#check(key);
    this.files.delete(key);
  }

  async list(folder: string): Promise<readonly string[]> {
    this.#check(folder);
    return [...this.files.keys()].filter(
      (key) => key.startsWith(`${folder}/`) && !key.slice(folder.length + 1).includes("/"),
    );
  }

  async lock(name: string, waitMs: number): Promise<StorageLock | undefined> {
    this.#check(name);
    const endMs = this.#clock.nowMs() + waitMs;
    while (this.#locks.has(name)) {
      const leftMs = endMs - this.#clock.nowMs();
      if (leftMs <= 0) return undefined;
      await pause(this.#clock, Math.min(leftMs, LOOK_MS));
    }
    this.#locks.add(name);
    const locks = this.#locks;
    return {
      isLost: false,
      async [Symbol.asyncDispose]() {
        locks.delete(name);
      },
    };
  }

  #check(key: string): void {
    if (!isStorageKey(key)) throw new Error(`Cannot store under ${JSON.stringify(key)}`);
    if (this.failing !== undefined) {
      throw Object.assign(new Error(`${this.failing}: no storage`), { code: this.failing });
    }
  }
}
