import type { KnownLines } from "../http/header-list.ts";
import type { ConnectionOptions } from "./connection-field.ts";
import type { Framing } from "./framing.ts";

/** Field lines that came once on a connection, and what they were found to say. */
export interface KnownHead {
  readonly bytes: Buffer; // from the first field line to the end of the empty line
  readonly lines: KnownLines;
  readonly hasOddNames: boolean;
  request: PlainRequest | undefined; // if they are as plain as most …
  response: PlainResponse | undefined; // … once that has been found out
}

/** Of fields that say nothing on framing, upgrades or expectations. */
export interface PlainRequest {
  readonly host: string;
  readonly connection: ConnectionOptions;
}

/** What the fields meant below this start line, and in answer to this method. */
export interface PlainResponse {
  readonly status: number;
  readonly minorVersion: 0 | 1;
  readonly method: string;
  readonly framing: Framing;
  readonly keepsAlive: boolean;
  readonly keepAliveSeconds: number;
}

const BYTES_MAX = 2048; // what a connection holds for it, about twice
const PATIENCE_MAX = 31;

/**
 * The field lines of the head before. A client sends nearly the same ones with each request of its
 * connection, and so does an endpoint with its responses: to see that they are the same costs a
 * tenth of reading them (bench/engine.ts).
 *
 * Nothing counts as known but what is the same byte by byte, up to and with the empty line. So every
 * check has been made of exactly these bytes, and there is no line that two readers could cut
 * elsewhere.
 */
export class HeadMemory {
  #known: KnownHead | undefined;
  #hasServed: boolean; // what is known has come again
  #patience: number; // of heads that are not what is known, until another one is remembered …
  #waits: number; // … and how many are left of these

  constructor() {
    this.#known = undefined;
    this.#hasServed = false;
    this.#patience = 0;
    this.#waits = 0;
  }

  /** The known head, if bytes[at..) begin with its lines and their end. */
  find(bytes: Uint8Array, at: number, end: number): KnownHead | undefined {
    const known = this.#known;
    if (known === undefined) return undefined;
    const { length } = known.bytes;
    // Compared from the known one's side, whose compare() is Buffer's; the bytes may be any.
    if (end - at < length || known.bytes.compare(bytes, at, at + length, 0, length) !== 0) {
      return undefined;
    }
    this.#hasServed = true;
    return known;
  }

  /**
   * Another head has been read. True: remember it. Where heads never come again less and less of
   * them are.
   */
  wants(bytes: number): boolean {
    if (this.#waits > 0) {
      this.#waits--;
      return false;
    }
    if (this.#known !== undefined) {
      this.#patience = this.#hasServed ? 0 : Math.min(this.#patience * 2 + 1, PATIENCE_MAX);
      this.#waits = this.#patience;
    }
    return bytes <= BYTES_MAX;
  }

  keep(bytes: Buffer, lines: KnownLines, hasOddNames: boolean): KnownHead {
    this.#known = { bytes, lines, hasOddNames, request: undefined, response: undefined };
    this.#hasServed = false;
    return this.#known;
  }
}
