import { latin1Text } from "../../base/latin1.ts";
import { idOf } from "../http/header-id.ts";
import type { HeaderList } from "../http/header-list.ts";
import { type BodyDecoder, DATA, END } from "./body-decoder.ts";
import { ChunkExtension } from "./chunk-extension.ts";
import { type HeadLimits, HeadParser } from "./head-parser.ts";
import { CR, HEX, LF, NEED_MORE, REFUSE } from "./scan.ts";

const CHUNK_LINE_BYTES_MAX = 256; // size, extensions and CRLF
const SIZE_DIGITS_MAX = 13; // 2^52 bytes: exact in a double

const FORBIDDEN = [idOf("content-length"), idOf("transfer-encoding"), idOf("host")];

type State = "size" | "extension" | "size-lf" | "data" | "data-cr" | "data-lf" | "trailers";

/**
 * Takes the chunked coding off (RFC 9112 §7.1), at any split of the bytes.
 *
 *     size ─► extension ─► size-lf ─► data ─► data-cr ─► data-lf ─► size
 *       └────────────────────┘  └─► trailers (after a size of 0) ─► END
 *
 * Extensions are read and dropped. Line ends are CRLF and nothing else, also behind extensions and
 * data: a bare LF has been a line end to one reader and part of the line to the next (TERM.EXT).
 */
export class ChunkedDecoder implements BodyDecoder {
  readonly #trailerParser: HeadParser;
  readonly #extension: ChunkExtension;
  #state: State;
  #size: number;
  #digits: number;
  #lineBytes: number;
  #left: number; // of the current chunk's data
  #trailerBytes: Buffer | undefined; // a trailer section that came in pieces
  dataAt: number;
  dataEnd: number;
  next: number; // where to go on reading, after NEED_MORE and END
  trailers: HeaderList | undefined; // after END, if there were any
  readonly isOver: boolean; // never before END: the trailer section ends it
  readonly endsWithConnection: boolean;

  constructor(trailerLimits: HeadLimits) {
    this.#trailerParser = new HeadParser("trailers", trailerLimits);
    this.#extension = new ChunkExtension();
    this.#state = "size";
    this.#size = 0;
    this.#digits = 0;
    this.#lineBytes = 0;
    this.#left = 0;
    this.#trailerBytes = undefined;
    this.dataAt = 0;
    this.dataEnd = 0;
    this.next = 0;
    this.trailers = undefined;
    this.isOver = false;
    this.endsWithConnection = false;
  }

  get announced(): number {
    return this.#left;
  }

  step(bytes: Buffer, from: number, end: number): number {
    let at = from;
    while (at < end) {
      switch (this.#state) {
        case "data": {
          this.dataAt = at;
          this.dataEnd = Math.min(end, at + this.#left);
          this.#left -= this.dataEnd - at;
          if (this.#left === 0) this.#state = "data-cr";
          return DATA;
        }
        case "data-cr":
          if (bytes[at++] !== CR) return REFUSE;
          this.#state = "data-lf";
          break;
        case "data-lf":
          if (bytes[at++] !== LF) return REFUSE;
          this.#startSize();
          break;
        case "trailers":
          return this.#trailerSection(bytes, at, end);
        default:
          at = this.#sizeLine(bytes, at, end);
          if (at === REFUSE) return REFUSE;
      }
    }
    this.next = at;
    return NEED_MORE;
  }

  #startSize(): void {
    this.#state = "size";
    this.#size = 0;
    this.#digits = 0;
    this.#lineBytes = 0;
  }

  #sizeLine(bytes: Buffer, from: number, end: number): number {
    let at = from;
    for (; at < end; at++) {
      if (++this.#lineBytes > CHUNK_LINE_BYTES_MAX) return REFUSE;
      const byte = bytes[at]!;
      if (this.#state === "size-lf") {
        if (byte !== LF) return REFUSE;
        this.#left = this.#size;
        this.#state = this.#size === 0 ? "trailers" : "data";
        return at + 1;
      }
      if (byte === CR) {
        const isWhole = this.#state === "extension" ? this.#extension.isWhole : this.#digits > 0;
        if (!isWhole) return REFUSE;
        this.#state = "size-lf";
      } else if (this.#state === "extension") {
        if (!this.#extension.take(byte)) return REFUSE;
      } else if (HEX[byte] !== 255) {
        if (++this.#digits > SIZE_DIGITS_MAX) return REFUSE;
        this.#size = this.#size * 16 + HEX[byte]!;
      } else {
        // Only ";" may follow the size. The grammar's "bad whitespace" before it is not worth a
        // reader that takes it for part of the number.
        if (byte !== 0x3b || this.#digits === 0) return REFUSE;
        this.#state = "extension";
        this.#extension.reset();
      }
    }
    return at;
  }

  #trailerSection(bytes: Buffer, at: number, end: number): number {
    const held = this.#trailerBytes;
    const section =
      held === undefined ? bytes.subarray(at, end) : Buffer.concat([held, bytes.subarray(at, end)]);
    const after = this.#trailerParser.parse(section, 0, section.length);
    if (after === REFUSE) return REFUSE;
    if (after === NEED_MORE) {
      // The parser bounds what it lets wait: limits.trailerBytes.
      this.#trailerBytes = held === undefined ? Buffer.from(section) : section;
      this.next = end;
      return NEED_MORE;
    }
    if (this.#trailerParser.linesEnd > 0) {
      const trailers = this.#trailerParser.headers(latin1Text(section, 0, after));
      // What decides where a message ends or goes must not come behind it (RFC 9110 §6.5.1).
      if (FORBIDDEN.some((id) => trailers.first(id) !== undefined)) return REFUSE;
      this.trailers = trailers;
    }
    this.next = at + after - (held?.length ?? 0);
    return END;
  }
}
