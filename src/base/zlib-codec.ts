import type { Transform } from "node:stream";
import type { Codec, CodecTaker } from "./codec.ts";

/** Of node:zlib: a Transform that can be told to give out what it has. */
export interface ZlibStream extends Transform {
  flush(kind: number, callback: (error?: Error | null) => void): void;
}

/** A codec of node:zlib. The work is done by the threads of libuv, a write at a time. */
export class ZlibCodec implements Codec {
  readonly #stream: ZlibStream;
  readonly #taker: CodecTaker;
  readonly #flushKind: number;
  #isTaken: boolean; // what was written has gone through; some of what it gave may wait here
  #isOver: boolean;

  /** `flushKind`: what flush() takes for "let all of it come out". */
  constructor(stream: ZlibStream, flushKind: number, taker: CodecTaker) {
    this.#stream = stream;
    this.#taker = taker;
    this.#flushKind = flushKind;
    this.#isTaken = false;
    this.#isOver = false;
    stream.on("data", (bytes: Buffer) => this.#out(bytes));
    stream.on("end", () => this.#end());
    stream.on("error", (error: NodeJS.ErrnoException) => this.#fail(error));
  }

  write(bytes: Uint8Array, then: "more" | "flush" | "finish"): void {
    const stream = this.#stream;
    if (then === "finish") {
      if (bytes.length === 0) stream.end();
      else stream.end(bytes);
      return;
    }
    this.#isTaken = false;
    const taken = (error?: Error | null) => {
      if (error) return; // told as an event as well
      this.#isTaken = true;
      this.#tell();
    };
    if (then === "more") {
      stream.write(bytes, taken);
      return;
    }
    if (bytes.length > 0) stream.write(bytes);
    stream.flush(this.#flushKind, taken);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
    this.#tell();
  }

  close(): void {
    this.#isOver = true;
    this.#stream.destroy(); // waits for the write that is under way
  }

  #out(bytes: Buffer): void {
    if (this.#isOver) return;
    this.#taker.out(bytes);
    this.#tell();
  }

  #tell(): void {
    if (!this.#isTaken || this.#isOver || this.#stream.readableLength > 0) return;
    this.#isTaken = false;
    this.#taker.took();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#taker.over();
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stream.destroy();
    this.#taker.failed(error.code ?? error.message);
  }
}
