import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
const NONCE_BYTES = 12; // by chance: safe for 2^32 of them under one key (NIST SP 800-38D §8.3)
const TAG_BYTES = 16;
export const SECRET_LENGTH_MIN = 32;

/**
 * Makes text that a browser keeps for us, and that nobody but us can read, change or make. The first
 * secret seals and all open, so that a secret can be changed while sessions go on.
 */
export class Seal {
  readonly #keys: readonly Buffer[];

  /** `purpose`: what is sealed for one opens for no other, under the same secrets. */
  constructor(secrets: readonly string[], purpose: string) {
    this.#keys = secrets.map((secret) =>
      Buffer.from(hkdfSync("sha256", secret, "", `sluice ${purpose}`, KEY_BYTES)),
    );
  }

  /** base64url, which a cookie can hold. `bound`: what open() has to be told as well. */
  seal(text: string, bound: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#keys[0]!, nonce);
    cipher.setAAD(Buffer.from(bound));
    const parts = [nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()];
    return Buffer.concat(parts).toString("base64url");
  }

  /** undefined: it is not ours, or not whole, or not for this. */
  open(sealed: string, bound: string): string | undefined {
    const bytes = Buffer.from(sealed, "base64url");
    if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
    for (const key of this.#keys) {
      const text = openWith(key, bytes, bound);
      if (text !== undefined) return text;
    }
    return undefined;
  }
}

function openWith(key: Buffer, bytes: Buffer, bound: string): string | undefined {
  const textEnd = bytes.length - TAG_BYTES;
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(bound));
  decipher.setAuthTag(bytes.subarray(textEnd));
  try {
    const text = decipher.update(bytes.subarray(NONCE_BYTES, textEnd));
    return Buffer.concat([text, decipher.final()]).toString("utf8");
  } catch {
    return undefined; // the tag is another
  }
}
