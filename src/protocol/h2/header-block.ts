import { ENHANCE_YOUR_CALM, FRAME_SIZE_ERROR, NO_ERROR, PROTOCOL_ERROR } from "./error-code.ts";
import { END_HEADERS, END_STREAM, HAS_PRIORITY, PADDED } from "./frame-type.ts";
import { FRAME_BYTES_MAX } from "./settings.ts";

const FRAMES_MAX = 8; // a block of 32 KiB comes in two of usual size (SECURITY D2)
const BYTES_MAX = 64 * 1024; // and what the list of fields may come to, where that is more
const PRIORITY_BYTES = 5;

/** A field block on its way: a HEADERS frame and the CONTINUATION frames that follow it. */
export class HeaderBlock {
  streamId: number; // 0: none is on its way
  isLast: boolean; // END_STREAM
  #pieces: Buffer[];
  #frames: number;
  #bytes: number;
  readonly #bytesMax: number;
  readonly #framesMax: number;
  dependsOn: number; // the stream in the priority fields; -1: there are none
  // What was found: the block is bytes[at..end) of `whole`.
  whole: Buffer | undefined;
  at: number;
  end: number;

  /** `fieldBytes`: what all fields of a head may come to. */
  constructor(fieldBytes: number) {
    this.streamId = 0;
    this.isLast = false;
    this.#pieces = [];
    this.#frames = 0;
    this.#bytes = 0;
    this.#bytesMax = Math.max(BYTES_MAX, fieldBytes);
    this.#framesMax = Math.max(FRAMES_MAX, Math.ceil(this.#bytesMax / FRAME_BYTES_MAX) + 1);
    this.dependsOn = -1;
    this.whole = undefined;
    this.at = 0;
    this.end = 0;
  }

  /** A HEADERS frame; answers with an error code. `whole` is set if it is all of the block. */
  begin(flags: number, streamId: number, bytes: Buffer, from: number, frameEnd: number): number {
    let at = from;
    let end = frameEnd;
    let padding = 0;
    this.dependsOn = -1;
    if ((flags & PADDED) !== 0) {
      if (at === end) return FRAME_SIZE_ERROR;
      padding = bytes[at++]!;
    }
    if ((flags & HAS_PRIORITY) !== 0) {
      if (end - at < PRIORITY_BYTES) return FRAME_SIZE_ERROR;
      this.dependsOn = bytes.readUInt32BE(at) & 0x7fffffff;
      at += PRIORITY_BYTES;
    }
    end -= padding;
    if (end < at) return PROTOCOL_ERROR;
    this.isLast = (flags & END_STREAM) !== 0;
    if ((flags & END_HEADERS) !== 0) {
      this.whole = bytes;
      this.at = at;
      this.end = end;
      return NO_ERROR;
    }
    this.streamId = streamId;
    this.#frames = 0;
    this.#bytes = 0;
    return this.#keep(bytes, at, end);
  }

  /** A CONTINUATION frame of that stream; as begin(). */
  goOn(flags: number, bytes: Buffer, at: number, end: number): number {
    const code = this.#keep(bytes, at, end);
    if (code !== NO_ERROR || (flags & END_HEADERS) === 0) return code;
    this.whole = Buffer.concat(this.#pieces);
    this.at = 0;
    this.end = this.whole.length;
    this.streamId = 0;
    this.#pieces = [];
    return NO_ERROR;
  }

  #keep(bytes: Buffer, at: number, end: number): number {
    this.#frames++;
    this.#bytes += end - at;
    if (this.#frames > this.#framesMax || this.#bytes > this.#bytesMax) return ENHANCE_YOUR_CALM;
    this.#pieces.push(Buffer.from(bytes.subarray(at, end)));
    return NO_ERROR;
  }
}
