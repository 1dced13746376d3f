import { hash } from "node:crypto";
import type { VariantKey } from "../cache-store.ts";

/** What the index knows a response by; the whole of it is in the record. */
export interface RecordKey {
  readonly first: number; // of the URL
  readonly second: number;
  readonly partition: number;
  readonly variant: number;
}

/**
 * Numbers for URLs under a secret of the folder, so that nobody can have keys ready that fall together.
 * A name that a client chose is never a name of a file.
 */
export class RecordKeys {
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  ofUrl(url: string): Pick<RecordKey, "first" | "second"> {
    const digest = hash("sha256", `${this.#secret}u${url}`, "buffer");
    return { first: digest.readUInt32LE(0), second: digest.readUInt32LE(4) };
  }

  ofPartition(partition: string): number {
    return hash("sha256", `${this.#secret}p${partition}`, "buffer").readUInt32LE(0);
  }

  of(url: string, { partition, varyNames, varyKey }: VariantKey): RecordKey {
    const variant =
      varyNames.length === 0
        ? 0
        : hash("sha256", `${this.#secret}v${varyNames.join()}\n${varyKey}`, "buffer");
    return {
      ...this.ofUrl(url),
      partition: this.ofPartition(partition),
      variant: typeof variant === "number" ? variant : variant.readUInt32LE(0),
    };
  }
}
