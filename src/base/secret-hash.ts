/**
 * HalfSipHash-1-3 over the code units of a text: 64 bits that nobody can aim at who does not know the
 * key. For tables whose keys clients choose (SECURITY D10).
 */
export class SecretHash {
  /** Of the last text; both are whole 32-bit numbers that may be negative. */
  high: number;
  low: number;
  readonly #key0: number;
  readonly #key1: number;

  constructor(key0: number, key1: number) {
    this.high = 0;
    this.low = 0;
    this.#key0 = key0 | 0;
    this.#key1 = key1 | 0;
  }

  /** Answers in `high` and `low`: it is asked for every request, and makes nothing. */
  of(text: string): void {
    let v0 = this.#key0;
    let v1 = this.#key1 ^ 0xee;
    let v2 = 0x6c796765 ^ this.#key0;
    let v3 = 0x74656473 ^ this.#key1;
    const { length } = text;
    // Two code units a round, and a last word that tells lengths apart; then three rounds for each half.
    const words = (length >> 1) + 1;
    for (let step = 0; step < words + 6; step++) {
      const at = step * 2;
      let word = 0;
      if (step < words - 1) word = text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16);
      else if (step === words - 1) {
        word = (length << 16) ^ (length & 1 ? text.charCodeAt(at) : 0);
      } else if (step === words) v2 ^= 0xee;
      else if (step === words + 3) {
        this.high = v1 ^ v3;
        v1 ^= 0xdd;
      }
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = (v1 << 5) | (v1 >>> 27);
      v1 ^= v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = (v3 << 8) | (v3 >>> 24);
      v3 ^= v2;
      v0 = (v0 + v3) | 0;
      v3 = (v3 << 7) | (v3 >>> 25);
      v3 ^= v0;
      v2 = (v2 + v1) | 0;
      v1 = (v1 << 13) | (v1 >>> 19);
      v1 ^= v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    this.low = v1 ^ v3;
  }
}
