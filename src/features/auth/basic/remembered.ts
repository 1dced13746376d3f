import { hash, randomBytes } from "node:crypto";
import type { Clock } from "../../../base/world.ts";

const COUNT_MAX = 10_000; // some 150 bytes each

/**
 * What was checked a short while ago, so that a client on a kept connection does not pay for a hash
 * with each request. There is no password in it: entries are known by a hash with a secret that this
 * process alone has, over name, password and the hash that they were checked against; a user whose
 * hash is another by now is not in it.
 */
export class Remembered {
  readonly #clock: Clock;
  readonly #forMs: number;
  readonly #secret: string;
  readonly #untilMs: Map<string, number>; // the oldest first

  constructor(clock: Clock, forMs: number) {
    this.#clock = clock;
    this.#forMs = forMs;
    this.#secret = randomBytes(32).toString("hex");
    this.#untilMs = new Map();
  }

  /** One round with the secret before it, a quarter of what an HMAC costs: nobody sees what comes out. */
  keyOf(credentials: string, hashText: string): string {
    return hash("sha256", `${this.#secret}${hashText}\n${credentials}`, "latin1");
  }

  has(key: string): boolean {
    const untilMs = this.#untilMs.get(key);
    if (untilMs === undefined) return false;
    if (this.#clock.nowMs() < untilMs) return true;
    this.#untilMs.delete(key);
    return false;
  }

  add(key: string): void {
    if (this.#forMs === 0) return;
    this.#untilMs.delete(key);
    this.#untilMs.set(key, this.#clock.nowMs() + this.#forMs);
    if (this.#untilMs.size <= COUNT_MAX) return;
    const [oldest] = this.#untilMs.keys();
    this.#untilMs.delete(oldest!);
  }
}
