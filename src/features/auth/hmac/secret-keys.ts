import { createHmac, timingSafeEqual } from "node:crypto";
import type { Identity } from "../../../core/identity.ts";
import type { Proven } from "../auth-method.ts";

/** A secret that somebody shares with us. */
export interface SecretKey {
  readonly id: string; // in the clear, so that we know which to take; several are for rotation
  readonly secret: string;
  readonly name: string; // whose it is
  readonly claims: Readonly<Record<string, unknown>>;
}

interface Known {
  readonly secret: string;
  readonly proof: Proven;
}

export class SecretKeys {
  readonly #keys: ReadonlyMap<string, Known>;

  constructor(keys: readonly SecretKey[]) {
    const known = new Map<string, Known>();
    for (const { id, secret, name, claims } of keys) {
      const bare = Object.assign(Object.create(null) as Record<string, unknown>, claims);
      const identity: Identity = { method: "hmac", name, claims: bare };
      known.set(id, { secret, proof: { kind: "proven", identity } });
    }
    this.#keys = known;
  }

  has(id: string): boolean {
    return this.#keys.has(id);
  }

  /** Whose signature it is; undefined: nobody's. Takes as long for a wrong one as for a right one (A6). */
  find(id: string, text: string, signature: Uint8Array): Proven | undefined {
    const known = this.#keys.get(id);
    const wanted = macOf(known?.secret ?? "", text);
    const isRight = signature.length === wanted.length && timingSafeEqual(signature, wanted);
    return isRight ? known?.proof : undefined;
  }
}

/** HMAC-SHA256. Text of headers is latin1, the bytes as they came. */
export function macOf(secret: string, text: string): Buffer {
  return createHmac("sha256", secret).update(text, "latin1").digest();
}
