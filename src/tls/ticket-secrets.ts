import { hkdfSync, randomBytes } from "node:crypto";
import type { Timer, World } from "../base/world.ts";
import type { Certificates } from "../core/certificates.ts";

/** A ticket is good for this long, and then for as long as its secret is still read. */
export const TICKET_MS = 12 * 3_600_000;

const SECRET_BYTES = 32;
const KEY_BYTES = 48; // a name, and keys for HMAC and AES, as node:tls has them
const NAME_BYTES = 16;

/** Makes new secrets for session tickets in time; of the main thread, which tells the workers. */
export class TicketSecrets implements Disposable {
  readonly #world: Pick<World, "clock">;
  readonly #certificates: Certificates;
  #timer: Timer | undefined;

  constructor(world: Pick<World, "clock">, certificates: Certificates) {
    this.#world = world;
    this.#certificates = certificates;
    this.#timer = undefined;
    this.#next();
  }

  #next(): void {
    this.#certificates.newTicketSecret(randomBytes(SECRET_BYTES).toString("hex"));
    this.#timer = this.#world.clock.after(TICKET_MS, () => this.#next());
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
