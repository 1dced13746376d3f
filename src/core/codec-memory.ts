/**
 * What all codecs of one worker hold together. Who asks for more than there is goes without: a
 * response as it is, a request not at all.
 */
export class CodecMemory {
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** `most`: limits.codecBytes. One codec always fits, however dear. */
  hasRoom(bytes: number, most: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= most;
  }

  take(bytes: number): void {
    this.#bytes += bytes;
  }

  giveBack(bytes: number): void {
    this.#bytes -= bytes;
  }
}
