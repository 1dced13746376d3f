import { FRAME_SIZE_ERROR, PROTOCOL_ERROR } from "./error-code.ts";
import { DATA, END_STREAM, FRAME_HEADER_BYTES, PADDED, PREFACE } from "./frame-type.ts";
import { FRAME_BYTES_MAX } from "./settings.ts";

/** What a FrameReader finds. Who is called may call stop(). */
export interface FrameTaker {
  /** Any frame but DATA, whole: its payload is bytes[at..end), good until the call returns. */
  frame(
    type: number,
    flags: number,
    streamId: number,
    bytes: Buffer,
    at: number,
    end: number,
  ): void;
  /** A DATA frame begins; `bytes` counts for flow control, `padding` of it is no data. */
  dataBegan(streamId: number, bytes: number, padding: number, isLast: boolean): void;
  dataBytes(bytes: Buffer): void;
  dataEnded(): void;
  /** What came is no HTTP/2; nothing more is read. */
  framesBroken(code: number, why: string): void;
}

type State = "preface" | "header" | "payload" | "pad-length" | "data" | "padding" | "stopped";

/**
 * Takes frames out of the bytes of a connection, cut in any way. DATA is handed on as it comes; any
 * other frame is at most 16 KiB and is gathered, if it does not come in one piece.
 */
export class FrameReader {
  readonly #taker: FrameTaker;
  #state: State;
  #held: Buffer | undefined; // the first bytes of a header or of a payload, up to #heldBytes
  #heldBytes: number;
  #type: number;
  #flags: number;
  #streamId: number;
  #left: number; // bytes of the preface, the payload, the data or the padding that are to come
  #padding: number;

  /** `awaitsPreface`: as a server does. */
  constructor(taker: FrameTaker, awaitsPreface: boolean) {
    this.#taker = taker;
    this.#state = awaitsPreface ? "preface" : "header";
    this.#held = undefined;
    this.#heldBytes = 0;
    this.#type = 0;
    this.#flags = 0;
    this.#streamId = 0;
    this.#left = awaitsPreface ? PREFACE.length : 0;
    this.#padding = 0;
  }

  /** Something has begun that the peer owes us the rest of, other than data. */
  get isMidFrame(): boolean {
    return this.#state === "payload" || this.#state === "preface" || this.#heldBytes > 0;
  }

  get isStopped(): boolean {
    return this.#state === "stopped";
  }

  stop(): void {
    this.#state = "stopped";
    this.#held = undefined;
  }

  read(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length || (this.#left === 0 && this.#isBody())) {
      switch (this.#state) {
        case "header":
          at = this.#readHeader(bytes, at);
          break;
        case "payload":
          at = this.#readPayload(bytes, at);
          break;
        case "pad-length":
          this.#padding = bytes[at++]!;
          this.#beginData(this.#left, 1);
          break;
        case "data":
          at = this.#readData(bytes, at);
          break;
        case "padding":
          at = this.#skipPadding(bytes, at);
          break;
        case "preface":
          at = this.#readPreface(bytes, at);
          break;
        case "stopped":
          return;
      }
    }
  }

  /** A part that may be empty, and is over without another byte. */
  #isBody(): boolean {
    return this.#state === "payload" || this.#state === "data" || this.#state === "padding";
  }

  #readPreface(bytes: Buffer, from: number): number {
    let at = from;
    while (at < bytes.length && this.#left > 0) {
      if (bytes[at++] !== PREFACE[PREFACE.length - this.#left]) {
        this.#break(PROTOCOL_ERROR, "no connection preface");
        return at;
      }
      this.#left--;
    }
    if (this.#left === 0) this.#state = "header";
    return at;
  }

  #readHeader(bytes: Buffer, at: number): number {
    if (this.#heldBytes === 0 && bytes.length - at >= FRAME_HEADER_BYTES) {
      this.#begin(bytes, at);
      return at + FRAME_HEADER_BYTES;
    }
    const next = this.#hold(bytes, at, FRAME_HEADER_BYTES);
    if (this.#heldBytes === FRAME_HEADER_BYTES) {
      this.#heldBytes = 0;
      this.#begin(this.#held!, 0);
    }
    return next;
  }

  #begin(bytes: Buffer, at: number): void {
    const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    this.#type = bytes[at + 3]!;
    this.#flags = bytes[at + 4]!;
    this.#streamId = bytes.readUInt32BE(at + 5) & 0x7fffffff; // §4.1: the first bit is ignored
    this.#left = length;
    this.#padding = 0;
    if (length > FRAME_BYTES_MAX) {
      this.#break(FRAME_SIZE_ERROR, `a frame of ${length} bytes`);
    } else if (this.#type !== DATA) {
      this.#state = "payload";
    } else if (this.#streamId === 0) {
      this.#break(PROTOCOL_ERROR, "DATA on stream 0");
    } else if ((this.#flags & PADDED) === 0) {
      this.#beginData(length, 0);
    } else if (length === 0) {
      this.#break(FRAME_SIZE_ERROR, "DATA without its padding");
    } else {
      this.#state = "pad-length";
    }
  }

  /** `taken`: bytes of the payload that the length of the padding took. */
  #beginData(length: number, taken: number): void {
    this.#left = length - taken - this.#padding;
    if (this.#left < 0) {
      this.#break(PROTOCOL_ERROR, "more padding than payload");
      return;
    }
    this.#state = "data";
    const isLast = (this.#flags & END_STREAM) !== 0;
    this.#taker.dataBegan(this.#streamId, length, taken + this.#padding, isLast);
  }

  #readData(bytes: Buffer, at: number): number {
    const end = Math.min(at + this.#left, bytes.length);
    this.#left -= end - at;
    if (end > at) this.#taker.dataBytes(bytes.subarray(at, end));
    if (this.#left === 0 && this.#state === "data") {
      this.#left = this.#padding;
      this.#state = "padding";
    }
    return end;
  }

  #skipPadding(bytes: Buffer, at: number): number {
    const end = Math.min(at + this.#left, bytes.length);
    this.#left -= end - at;
    if (this.#left > 0) return end;
    this.#state = "header";
    this.#taker.dataEnded();
    return end;
  }

  #readPayload(bytes: Buffer, at: number): number {
    const length = this.#left;
    if (this.#heldBytes === 0 && bytes.length - at >= length) {
      this.#endFrame(bytes, at, at + length);
      return at + length;
    }
    const next = this.#hold(bytes, at, length);
    if (this.#heldBytes === length) {
      this.#heldBytes = 0;
      this.#endFrame(this.#held!, 0, length);
      this.#held = undefined;
    }
    return next;
  }

  #endFrame(bytes: Buffer, at: number, end: number): void {
    this.#state = "header";
    this.#left = 0;
    this.#taker.frame(this.#type, this.#flags, this.#streamId, bytes, at, end);
  }

  /** Keeps what there is of `length` bytes. */
  #hold(bytes: Buffer, at: number, length: number): number {
    const end = Math.min(at + length - this.#heldBytes, bytes.length);
    if (this.#held === undefined || this.#held.length < length) {
      this.#held = Buffer.allocUnsafe(length);
    }
    this.#held.set(bytes.subarray(at, end), this.#heldBytes);
    this.#heldBytes += end - at;
    return end;
  }

  #break(code: number, why: string): void {
    this.stop();
    this.#taker.framesBroken(code, why);
  }
}
