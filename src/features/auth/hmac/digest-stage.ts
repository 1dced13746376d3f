import { createHash, type Hash } from "node:crypto";
import type { BodyStage, Onward } from "../../../core/body-stage.ts";
import type { Fault } from "../../../core/fault.ts";
import type { HeaderList } from "../../../protocol/http/header-list.ts";

/** What Content-Digest (RFC 9530) says of a body, by an algorithm that is good for it. */
export interface WantedDigest {
  readonly algorithm: "sha256" | "sha512";
  readonly bytes: Buffer;
}

const MEMBER = /(?:^|,)[ \t]*(sha-256|sha-512)=:([A-Za-z0-9+/]{43,86}={0,2}):[ \t]*(?=,|$)/g;
const LENGTHS = { "sha-256": 32, "sha-512": 64 } as const;

/** The last that is of use; undefined: there is none. */
export function wantedDigest(field: string): WantedDigest | undefined {
  if (field.length > 1_024) return undefined;
  let found: WantedDigest | undefined;
  for (const [, name, base64 = ""] of field.matchAll(MEMBER)) {
    const bytes = Buffer.from(base64, "base64");
    const length = LENGTHS[name as keyof typeof LENGTHS];
    if (bytes.length !== length) return undefined;
    found = { algorithm: length === 32 ? "sha256" : "sha512", bytes };
  }
  return found;
}

/**
 * Passes a body on and ends it only if it is the one that was signed. Of one that is not, the upstream gets
 * no end, and so must not take it for a whole.
 */
export class DigestStage implements BodyStage {
  readonly #onward: Onward;
  readonly #wanted: WantedDigest;
  readonly #hash: Hash;
  readonly #faultOf: () => Fault | undefined;

  /** `faultOf`: asked if the body was another one; undefined: it goes on all the same. */
  constructor(onward: Onward, wanted: WantedDigest, faultOf: () => Fault | undefined) {
    this.#onward = onward;
    this.#faultOf = faultOf;
    this.#wanted = wanted;
    this.#hash = createHash(wanted.algorithm);
  }

  get holdsBytes(): boolean {
    return this.#onward.holdsBytes;
  }

  write(bytes: Buffer): boolean {
    this.#hash.update(bytes);
    return this.#onward.write(bytes);
  }

  flush(): void {
    this.#onward.flush();
  }

  end(trailers: HeaderList | undefined): void {
    const isRight = this.#hash.digest().equals(this.#wanted.bytes);
    const fault = isRight ? undefined : this.#faultOf();
    if (fault === undefined) this.#onward.end(trailers);
    else this.#onward.fail(fault);
  }

  resume(): void {
    this.#onward.more();
  }

  stop(): void {}
}
