/**
 * HalfSipHash-2-4 with 64 bits of output, over the code units of a text: for tables whose keys come
 * from clients. Without the secret nobody can make two keys that meet (SECURITY D10).
 */
export class TextHash {
  readonly #secret0: number;
  readonly #secret1: number;
  // The last answer, as two words: to hand out an object would cost more than the hash.
  first: number;
  second: number;

  constructor(secret0: number, secret1: number) {
    this.#secret0 = secret0 | 0;
    this.#secret1 = secret1 | 0;
    this.first = 0;
    this.second = 0;
  }

  of(text: string): void {
    const words = text.length >> 1;
    const isOdd = (text.length & 1) === 1;
    const lastWord = ((text.length * 2) << 24) | (isOdd ? text.charCodeAt(text.length - 1) : 0);
    let v0 = this.#secret0;
    let v1 = this.#secret1 ^ 0xee;
    let v2 = 0x6c796765 ^ this.#secret0;
    let v3 = 0x74656462 ^ this.#secret1;
    // The text, its last word with the length, and then twice the finish.
    for (let step = 0; step <= words + 2; step++) {
      let word = 0;
      let rounds = ROUNDS_OF_WORD;
      if (step < words) word = text.charCodeAt(step * 2) | (text.charCodeAt(step * 2 + 1) << 16);
      else if (step === words) word = lastWord;
      else {
        rounds = ROUNDS_OF_FINISH;
        if (step === words + 1) v2 ^= 0xee;
        else v1 ^= 0xdd;
      }
      v3 ^= word;
      for (let round = 0; round < rounds; round++) {
        v0 = (v0 + v1) | 0;
        v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
        v0 = (v0 << 16) | (v0 >>> 16);
        v2 = (v2 + v3) | 0;
        v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
        v0 = (v0 + v3) | 0;
        v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
        v2 = (v2 + v1) | 0;
        v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
        v2 = (v2 << 16) | (v2 >>> 16);
      }
      v0 ^= word;
      if (step === words + 1) this.first = v1 ^ v3;
    }
    this.second = v1 ^ v3;
  }
}

const ROUNDS_OF_WORD = 2;
const ROUNDS_OF_FINISH = 4;
