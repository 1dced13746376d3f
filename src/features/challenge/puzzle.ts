import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** Whom a puzzle is for: what was solved for one is worth nothing to another. */
export interface PuzzleFor {
  readonly client: string; // its network
  readonly host: string;
}

const NONCE_BYTES = 12;
const MAC_BYTES = 16;
const AHEAD_S = 30; // that another machine's clock may be
export const PASS_BYTES_MAX = 96;

// bits . when it was made, seconds in base 36 . nonce . seal . the answer
const PASS = /^([1-9]\d?)\.([0-9a-z]{1,8})\.([\w-]{16})\.([\w-]{22})\.([0-9a-z]{1,11})$/;

/**
 * Puzzles and their answers. Nothing is remembered of either: a puzzle says how hard it is and when it
 * was made, and is sealed for its client and host, so it can be neither made ahead of time nor handed on.
 * The answer is a number that gives the SHA-256 of both so many zero bits in front.
 */
export class Puzzles {
  readonly #secret: Buffer;

  constructor(secret: Buffer) {
    this.#secret = secret;
  }

  make(bits: number, whom: PuzzleFor, wallMs: number): string {
    const nonce = randomBytes(NONCE_BYTES).toString("base64url");
    const said = `${bits}.${Math.floor(wallMs / 1000).toString(36)}.${nonce}`;
    return `${said}.${this.#seal(said, whom).toString("base64url")}`;
  }

  /** When the pass ends, in wall-clock milliseconds; 0: it is none. */
  passEnd(
    pass: string,
    whom: PuzzleFor,
    { wallMs, bitsMin, ttlMs }: { wallMs: number; bitsMin: number; ttlMs: number },
  ): number {
    if (pass.length > PASS_BYTES_MAX) return 0;
    const [, bits = "", made = "", nonce = "", seal = "", answer] = PASS.exec(pass) ?? [];
    if (answer === undefined || Number(bits) < bitsMin) return 0;
    const madeMs = Number.parseInt(made, 36) * 1000;
    if (madeMs > wallMs + AHEAD_S * 1000 || madeMs + ttlMs <= wallMs) return 0;
    const said = `${bits}.${made}.${nonce}`;
    if (!timingSafeEqual(this.#seal(said, whom), sealBytes(seal))) return 0;
    return isSolved(pass, Number(bits)) ? madeMs + ttlMs : 0;
  }

  #seal(said: string, { client, host }: PuzzleFor): Buffer {
    return createHmac("sha256", this.#secret)
      .update(`${said}\n${client}\n${host}`)
      .digest()
      .subarray(0, MAC_BYTES);
  }
}

function sealBytes(text: string): Buffer {
  const bytes = Buffer.alloc(MAC_BYTES);
  bytes.write(text, "base64url");
  return bytes;
}

/** "puzzle.answer", whole, is what is hashed. */
export function isSolved(pass: string, bits: number): boolean {
  const hash = createHash("sha256").update(pass).digest();
  return Math.clz32(hash.readUInt32BE(0)) >= bits;
}
