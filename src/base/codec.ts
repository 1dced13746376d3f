/**
 * Turns a stream of bytes into another, off the event loop. One write at a time: the next one after
 * CodecTaker.took(). Closed after over(), or before it if nobody wants the rest.
 */
export interface Codec {
  /** "flush": what came so far must come out now. "finish": nothing follows. */
  write(bytes: Uint8Array, then: "more" | "flush" | "finish"): void;
  /** What comes out is held back; some of it may still be on its way. */
  pause(): void;
  resume(): void;
  close(): void;
}

/** Who uses a codec. Never called from within Codec.write(). */
export interface CodecTaker {
  out(bytes: Buffer): void;
  /** What was written is no longer in use, and what it gave has been handed out. Not after "finish". */
  took(): void;
  over(): void;
  failed(why: string): void;
}

export type CodecOpener = (taker: CodecTaker) => Codec;
