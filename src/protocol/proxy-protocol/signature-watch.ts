import { V1_SIGNATURE, V2_SIGNATURE } from "./proxy-header.ts";

/**
 * Finds a PROXY header at the start of a connection that must not have one, however it is cut, and
 * without holding a byte back: by the time that the signature is whole no header is, so what has
 * been passed on before can deceive nobody.
 */
export class SignatureWatch {
  #seen: number;
  #mayBe: Buffer | undefined; // the signature that it has been so far

  constructor() {
    this.#seen = 0;
    this.#mayBe = undefined;
  }

  /** The next bytes: "found" if they complete a signature, "clean" if none can be any more. */
  feed(bytes: Uint8Array): "found" | "clean" | "more" {
    if (bytes.length === 0) return "more";
    this.#mayBe ??= bytes[0] === V2_SIGNATURE[0] ? V2_SIGNATURE : V1_SIGNATURE;
    const signature = this.#mayBe;
    for (let index = 0; index < bytes.length; index++) {
      if (bytes[index] !== signature[this.#seen]) return "clean";
      this.#seen++;
      if (this.#seen === signature.length) return "found";
    }
    return "more";
  }
}
