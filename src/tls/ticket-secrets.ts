import { hkdfSync, randomBytes } from "node:crypto";
import type { Timer, World } from "../base/world.ts";
import type { Certificates } from "../core/certificates.ts";

/** A ticket is good for this long, and then for as long as its secret is still read. */
export const TICKET_MS = 12 * 3_600_000;

/** What a process hands to the one that takes over from it. */
export interface TicketHeritage {
  readonly secrets: readonly string[]; // the newest first
  readonly leftMs: number; // until there is another one
}

const SECRET_BYTES = 32;
const SECRET = /^[0-9a-f]{64}$/;
const KEY_BYTES = 48; // a name, and keys for HMAC and AES, as node:tls has them
const NAME_BYTES = 16;

/** Makes new secrets for session tickets in time; of the main thread, which tells the workers. */
export class TicketSecrets implements Disposable {
  readonly #world: Pick<World, "clock">;
  readonly #certificates: Certificates;
  #timer: Timer | undefined;
  #dueMs: number; // monotonic

  /** `before`: of the process that this one takes over from. */
  constructor(world: Pick<World, "clock">, certificates: Certificates, before?: TicketHeritage) {
    this.#world = world;
    this.#certificates = certificates;
    this.#timer = undefined;
    this.#dueMs = 0;
    const secrets = before?.secrets.filter((secret) => SECRET.test(secret)) ?? [];
    for (const secret of secrets.toReversed()) certificates.newTicketSecret(secret);
    if (secrets.length === 0) this.#next();
    else this.#wait(before!.leftMs);
  }

  /** The rest of their time is handed over, too: upgrades make no secret last longer. */
  get heritage(): TicketHeritage {
    const leftMs = Math.max(this.#dueMs - this.#world.clock.nowMs(), 0);
    return { secrets: this.#certificates.ticketSecrets, leftMs };
  }

  #next(): void {
    this.#certificates.newTicketSecret(randomBytes(SECRET_BYTES).toString("hex"));
    this.#wait(TICKET_MS);
  }

  #wait(ms: number): void {
    const boundedMs = Math.min(Math.max(ms, 0), TICKET_MS) || 0; // NaN is none
    this.#dueMs = this.#world.clock.nowMs() + boundedMs;
    this.#timer = this.#world.clock.after(boundedMs, () => this.#next());
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
  }
}

/** Tickets of one scope cannot be opened in another: each has keys of its own (SECURITY T1). */
export function ticketKeys(secret: string, scope: string): Buffer {
  const key = Buffer.from(secret, "hex");
  return Buffer.from(hkdfSync("sha256", key, "", `session tickets of ${scope}`, KEY_BYTES));
}

/** How every ticket begins that was sealed with these keys; hexadecimal. */
export function ticketNameOf(keys: Buffer): string {
  return keys.toString("hex", 0, NAME_BYTES);
}
