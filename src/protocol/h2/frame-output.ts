import {
  ACK,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  FRAME_HEADER_BYTES,
  GOAWAY,
  HEADERS,
  PING,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from "./frame-type.ts";
import { FRAME_BYTES_MAX } from "./settings.ts";

/** Up to here DATA is added; what else there is to say may take it a little further. */
export const OUTPUT_BYTES = 64 * 1024;
const FRAME_BYTES_MIN = 4 * 1024; // less room than that is left to what must be said
const FREE_MAX = 16;

// Only who has something to send has a buffer, and most often it has left when the call returns.
const free: Buffer[] = [];

function setFree(bytes: Buffer): void {
  if (bytes.length === OUTPUT_BYTES && free.length < FREE_MAX) free.push(bytes);
}

/** The frames of one connection that are to be written, in their order. */
export class FrameOutput {
  #bytes: Buffer | undefined;
  #taken: Buffer | undefined; // whose bytes take() gave last
  #end: number;

  constructor() {
    this.#bytes = undefined;
    this.#taken = undefined;
    this.#end = 0;
  }

  get length(): number {
    return this.#end;
  }

  /** For the data of one more frame; 0 if it is not worth one. */
  get room(): number {
    const left = OUTPUT_BYTES - this.#end - FRAME_HEADER_BYTES;
    return left < FRAME_BYTES_MIN ? 0 : left;
  }

  /** All that there is, or undefined; it is the caller's until it is given back, or for good. */
  take(): Buffer | undefined {
    if (this.#end === 0) return undefined;
    const bytes = this.#bytes!;
    const end = this.#end;
    this.#taken = bytes;
    this.#bytes = undefined;
    this.#end = 0;
    return bytes.subarray(0, end);
  }

  /** What take() gave last has been written, and nobody holds it. */
  giveBack(): void {
    if (this.#taken !== undefined) setFree(this.#taken);
    this.#taken = undefined;
  }

  /** A field block in as many frames as it takes. */
  headers(streamId: number, block: Buffer, isLast: boolean): void {
    let end = Math.min(block.length, FRAME_BYTES_MAX);
    const endFlag = isLast ? END_STREAM : 0;
    const isWhole = end === block.length;
    this.#frame(HEADERS, isWhole ? endFlag | END_HEADERS : endFlag, streamId, end);
    this.#append(block, 0, end);
    while (end < block.length) {
      const at = end;
      end = Math.min(block.length, at + FRAME_BYTES_MAX);
      this.#frame(CONTINUATION, end === block.length ? END_HEADERS : 0, streamId, end - at);
      this.#append(block, at, end);
    }
  }

  data(streamId: number, bytes: Buffer, at: number, end: number, isLast: boolean): void {
    this.#frame(DATA, isLast ? END_STREAM : 0, streamId, end - at);
    this.#append(bytes, at, end);
  }

  endData(streamId: number): void {
    this.#frame(DATA, END_STREAM, streamId, 0);
  }

  reset(streamId: number, code: number): void {
    this.#frame(RST_STREAM, 0, streamId, 4);
    this.#word(code);
  }

  settings(payload: Buffer): void {
    this.#frame(SETTINGS, 0, 0, payload.length);
    this.#append(payload, 0, payload.length);
  }

  settingsAck(): void {
    this.#frame(SETTINGS, ACK, 0, 0);
  }

  /** `bytes`: eight from `at`. */
  ping(flags: number, bytes: Buffer, at: number): void {
    this.#frame(PING, flags, 0, 8);
    this.#append(bytes, at, at + 8);
  }

  windowUpdate(streamId: number, bytes: number): void {
    this.#frame(WINDOW_UPDATE, 0, streamId, 4);
    this.#word(bytes);
  }

  goAway(lastStreamId: number, code: number): void {
    this.#frame(GOAWAY, 0, 0, 8);
    this.#word(lastStreamId);
    this.#word(code);
  }

  raw(bytes: Buffer): void {
    this.#room(bytes.length);
    this.#append(bytes, 0, bytes.length);
  }

  #frame(type: number, flags: number, streamId: number, length: number): void {
    const out = this.#room(FRAME_HEADER_BYTES + length);
    const at = this.#end;
    out[at] = length >> 16;
    out[at + 1] = length >> 8;
    out[at + 2] = length;
    out[at + 3] = type;
    out[at + 4] = flags;
    this.#end = at + 5;
    this.#word(streamId);
  }

  /** Room for it has been made with the frame. */
  #word(value: number): void {
    const out = this.#bytes!;
    const at = this.#end;
    out[at] = value >>> 24;
    out[at + 1] = value >> 16;
    out[at + 2] = value >> 8;
    out[at + 3] = value;
    this.#end = at + 4;
  }

  #append(bytes: Buffer, at: number, end: number): void {
    bytes.copy(this.#bytes!, this.#end, at, end);
    this.#end += end - at;
  }

  #room(count: number): Buffer {
    const bytes = this.#bytes;
    const needed = this.#end + count;
    if (bytes !== undefined && needed <= bytes.length) return bytes;
    if (bytes === undefined && needed <= OUTPUT_BYTES) {
      this.#bytes = free.pop() ?? Buffer.allocUnsafeSlow(OUTPUT_BYTES);
      return this.#bytes;
    }
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * (bytes?.length ?? 0), needed));
    if (bytes !== undefined) {
      bytes.copy(larger, 0, 0, this.#end);
      setFree(bytes);
    }
    this.#bytes = larger;
    return larger;
  }
}
