import type { HeaderList } from "../http/header-list.ts";
import { ChunkedDecoder } from "./chunked-decoder.ts";
import type { Framing } from "./framing.ts";
import type { HeadLimits } from "./head-parser.ts";
import { NEED_MORE, REFUSE } from "./scan.ts";

/** What one step found, beside NEED_MORE and REFUSE. */
export const DATA = 1; // bytes[dataAt..dataEnd) are body; call again from dataEnd
export const END = 2; // the body and its trailers are over, at `next`
export { NEED_MORE, REFUSE };

/** Takes a body out of the bytes of its connection, at any split of them. */
export interface BodyDecoder {
  /** Reads on in bytes[at..end). NEED_MORE has consumed all of it. */
  step(bytes: Buffer, at: number, end: number): number;
  readonly dataAt: number;
  readonly dataEnd: number;
  readonly next: number;
  readonly trailers: HeaderList | undefined; // after END, if there were any
  /** All of it has been handed out; step() would answer END without another byte. */
  readonly isOver: boolean;
  /** The end of the connection is the end of the body, too. */
  readonly endsWithConnection: boolean;
}

/** `framing`: with a body. */
export function bodyDecoder(framing: Framing, trailerLimits: HeadLimits): BodyDecoder {
  if (framing.kind === "chunked") return new ChunkedDecoder(trailerLimits);
  return new LengthDecoder(framing.kind === "length" ? framing.bytes : Number.POSITIVE_INFINITY);
}

/** A body of known length, or (Infinity) one that ends with its connection. */
export class LengthDecoder implements BodyDecoder {
  #left: number;
  dataAt: number;
  dataEnd: number;
  next: number;
  readonly trailers: undefined;
  readonly endsWithConnection: boolean;

  constructor(bytes: number) {
    this.#left = bytes;
    this.dataAt = 0;
    this.dataEnd = 0;
    this.next = 0;
    this.trailers = undefined;
    this.endsWithConnection = bytes === Number.POSITIVE_INFINITY;
  }

  get isOver(): boolean {
    return this.#left === 0;
  }

  step(_bytes: Buffer, at: number, end: number): number {
    this.next = at;
    if (this.#left === 0) return END;
    if (at === end) return NEED_MORE;
    this.dataAt = at;
    this.dataEnd = Math.min(end, at + this.#left);
    this.#left -= this.dataEnd - at;
    return DATA;
  }
}
