import type { Step } from "../../../core/filter.ts";
import type { VerifyingKey } from "../../../protocol/jwt/jwk.ts";

/** Where the keys come from that tokens are checked with. */
export interface KeySource {
  /** Those there are; undefined: none that may be used, since nobody could be asked. */
  keys(): Step<readonly VerifyingKey[] | undefined>;
  /** For a token that none of them fits: they are looked for again, unless that was just done. */
  newer(): Step<readonly VerifyingKey[] | undefined>;
  /** Another number once a key is gone, so that what it has vouched for is checked again. */
  readonly generation: number;
  /** For `sluice explain`. */
  readonly about: string;
}

/** Keys that the config has: they change with it alone. */
export class OwnKeys implements KeySource {
  readonly generation = 0;
  readonly about: string;
  readonly #keys: readonly VerifyingKey[];

  constructor(keys: readonly VerifyingKey[]) {
    const [first] = keys;
    this.#keys = keys;
    this.about = `${keys.length} ${first?.key.type === "secret" ? "shared secret" : "key"}(s) of the config`;
  }

  keys(): readonly VerifyingKey[] {
    return this.#keys;
  }

  newer(): readonly VerifyingKey[] {
    return this.#keys;
  }
}

/** Keys in a file, which is followed. */
export class FileKeys implements KeySource {
  readonly about: string;
  readonly #file: { current(): readonly VerifyingKey[] };
  #last: readonly VerifyingKey[] | undefined;
  #generation: number;

  constructor(name: string, file: { current(): readonly VerifyingKey[] }) {
    this.about = `the keys in ${name}`;
    this.#file = file;
    this.#last = undefined;
    this.#generation = 0;
  }

  get generation(): number {
    this.keys();
    return this.#generation;
  }

  keys(): readonly VerifyingKey[] {
    const keys = this.#file.current();
    if (keys !== this.#last) this.#generation++;
    this.#last = keys;
    return keys;
  }

  newer(): readonly VerifyingKey[] {
    return this.keys();
  }
}
